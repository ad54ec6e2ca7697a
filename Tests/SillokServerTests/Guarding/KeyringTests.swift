import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokCore
import Testing

@testable import SillokServer

@Suite("Keys")
struct KeyringTests {
    @Test("the log has no secret, and a secret is never printed by accident")
    func secrets() async throws {
        let log = MemoryEventStore()
        let keyring = Keyring(log: log)
        let (key, secret) = try await keyring.create("billing", Grant([.read]), by: "ada")
        #expect(secret.revealed.hasPrefix("sillok_\(key.id)_"))
        let random = try #require(secret.revealed.split(separator: "_").last)
        #expect(random.utf8.count == 64)
        for event in try await log.read(.all).events {
            #expect(!String(decoding: event.payload, as: UTF8.self).contains(random))
        }
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!"\(secret) \(String(reflecting: secret)) \(dumped) \([secret])".contains(random))
        #expect(keyring.key(provedBy: secret.revealed)?.id == key.id)
    }

    @Test("a wrong text proves nothing")
    func wrongTexts() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let (key, secret) = try await keyring.create("a", .everything, by: "ada")
        let other = try await keyring.create("b", .everything, by: "ada").secret
        let random = secret.revealed.dropFirst("sillok_\(key.id)_".count)
        let stolen = other.revealed.split(separator: "_").last ?? ""
        for text in [
            "", "sillok_", "sillok__", "sillok_\(key.id)_", "sillok_\(key.id)_\(stolen)", "sillok_\(key.id)_\(random)0",
            "sillok_\(key.id)_\(random.uppercased())", "SILLOK_\(key.id)_\(random)", "\(key.id)_\(random)",
            "sillok_\(key.id)_\(random.dropLast())", secret.revealed + " ", "Bearer \(secret.revealed)",
        ] where text != secret.revealed { #expect(keyring.key(provedBy: text) == nil, "\(text.count)") }
    }

    @Test("another process sees created and revoked keys, and the actions are recorded")
    func anotherProcess() async throws {
        let log = MemoryEventStore()
        let (here, there) = (Keyring(log: log), Keyring(log: log))
        let (key, secret) = try await here.create(
            "a", Grant([.read, .append], on: [ResourcePattern("x-*")]), by: "ada")
        try await there.load()
        #expect(there.key(provedBy: secret.revealed)?.grant == key.grant)
        let following = Task { try await there.follow() }
        defer { following.cancel() }
        #expect(try await here.revoke(key.id, by: "bob"))
        #expect(try await here.revoke(key.id, by: "bob") == false)
        #expect(here.key(provedBy: secret.revealed) == nil)
        while there.isValid(key.id) { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try await here.acts().map(\.action) == ["revokeKey", "createKey"])
        #expect(try await here.acts().map(\.by) == ["bob", "ada"])
    }

    @Test("of two processes that revoke a key at the same time, one has revoked it")
    func revokedTwice() async throws {
        let log = InterruptedStore(MemoryEventStore())
        let (here, there) = (Keyring(log: log), Keyring(log: log.base))
        let (key, _) = try await here.create("a", .everything, by: "ada")
        let first = Lock(false)
        log.beforeAppend {
            let isFirst = try await there.revoke(key.id, by: "bob")
            first.withLock { $0 = isFirst }
        }
        #expect(try await here.revoke(key.id, by: "ada") == false)
        #expect(first.withLock { $0 })
        #expect(try await log.base.read(.all).events.map(\.type) == ["keyCreated", "keyRevoked"])
        #expect(try await here.acts().map(\.by) == ["bob", "ada"])
        #expect(!here.isValid(key.id))
    }

    @Test("of two processes that create the first key at the same time, one creates it, and both know it")
    func firstKeyTwice() async throws {
        let log = InterruptedStore(MemoryEventStore())
        let (here, there) = (Keyring(log: log), Keyring(log: log.base))
        try await here.load()
        #expect(here.keys.isEmpty)
        let first = Lock<(key: AccessKey, secret: Secret)?>(nil)
        log.beforeAppend {
            let created = try await there.createFirst("b", .everything, by: "bob")
            first.withLock { $0 = created }
        }
        #expect(try await here.createFirst("a", .everything, by: "ada") == nil)
        let created = try #require(first.withLock { $0 })
        #expect(try await log.base.read(.all).events.map(\.type) == ["keyCreated"])
        #expect(here.keys.map(\.id) == [created.key.id])
        #expect(here.key(provedBy: created.secret.revealed)?.grant == .everything)
        #expect(try await here.acts().map(\.by) == ["bob"])
    }

    @Test("a log that an older version wrote has the same keys and acts, and a damaged revocation still revokes")
    func olderLog() async throws {
        let log = MemoryEventStore()
        func note(_ type: EventType, _ payload: String, to stream: StreamID, by whom: String? = nil) async throws {
            try await log.append(
                [EventData(type: type, metadata: Metadata(actor: whom), payload: Array(payload.utf8))], to: stream)
        }
        let digest = String(repeating: "ab", count: 32)
        for id in ["k1", "k2"] {
            let grant = #""scopes":"read newScope","resources":"account-*""#
            try await note(
                "keyCreated", #"{"id":"\#(id)","name":"billing",\#(grant),"sha256":"\#(digest)"}"#,
                to: StreamID("key", id))
            try await note(
                "acted",
                #"{"by":"ada","action":"createKey","target":"\#(id)","detail":"billing: read on account-*"}"#,
                to: "audit", by: "ada")
        }
        try await note("keyRevoked", "{damaged", to: StreamID("key", "k2"))
        let keyring = Keyring(log: log)
        try await keyring.load()
        #expect(keyring.keys.map(\.id) == ["k1", "k2"])
        #expect(keyring.keys.first?.grant == Grant([.read], on: [ResourcePattern("account-*")]))
        #expect(keyring.isValid("k1") && !keyring.isValid("k2"))
        #expect(try await keyring.revoke("k1", by: "bob"))
        let acts = try await keyring.acts()
        #expect(acts.map(\.action) == ["revokeKey", "createKey", "createKey"])
        #expect(acts.map(\.target) == ["k1", "k2", "k1"])
        #expect(acts.first?.detail == "billing")
    }

    @Test("a session needs its second text for changes, and ends with its key")
    func sessions() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let (key, secret) = try await keyring.create("page", .everything, by: "ada")
        let web = try await Browserless(keyring: keyring)
        let signedIn = try await web.ask(.post, "/v1/session", #"{"token":"\#(secret.revealed)"}"#)
        let cookie = try #require(signedIn.headers[.setCookie])
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
        let guardText = try #require(try signedIn.json["guard"]?.string)
        let name = String(cookie.prefix { $0 != ";" })
        let event = #"{"type":"noted","data":1}"#
        #expect(try await web.ask(.get, "/v1/head", headers: [.cookie: name]).status == 200)
        #expect(try await web.ask(.post, "/v1/events", event, headers: [.cookie: name]).problem == "forgery")
        #expect(
            try await web.ask(.post, "/v1/events", event, headers: [.cookie: name, .sillokGuard: guardText + "0"])
                .status == 403)
        #expect(
            try await web.ask(
                .post, "/v1/events", event,
                headers: [.cookie: name, .sillokGuard: guardText, .origin: "http://evil.example"]
            ).problem == "forgery")
        #expect(
            try await web.ask(
                .post, "/v1/events", event, headers: [.cookie: name, .sillokGuard: guardText, .fetchSite: "cross-site"]
            ).problem == "forgery")
        let good: HTTPFields = [.cookie: name, .sillokGuard: guardText, .origin: "http://localhost:8080"]
        #expect(try await web.ask(.post, "/v1/events", event, headers: good).status == 200)
        #expect(try await keyring.revoke(key.id, by: "ada"))
        #expect(try await web.ask(.get, "/v1/head", headers: [.cookie: name]).status == 401)
    }

    @Test(
        "without keys, pages of other sites can neither read nor change",
        arguments: ["evil.example", "127.0.0.1.evil.example"])
    func otherSites(host: String) async throws {
        let web = try await Browserless(loopbackOnly: true)
        let foreign = HTTPRequest(method: .get, scheme: "http", authority: "\(host):8080", path: "/v1/events")
        let answer = await web.interface.respond(to: Request(head: foreign, body: .init(buffer: ByteBuffer())))
        #expect(answer.status.code == 421)
        let change = try await web.ask(
            .post, "/v1/events", #"{"type":"noted"}"#, headers: [.origin: "http://\(host)"])
        #expect(change.problem == "forgery")
        let simple = try await web.ask(
            .post, "/v1/events", #"{"type":"noted"}"#, headers: [.contentType: "text/plain"])
        #expect(simple.problem == "media-type")
    }

    @Test("SEC-2: a subscription ends within five seconds of the revocation, also when its client does not read")
    func revokedSubscription() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let (key, secret) = try await keyring.create("reader", Grant([.subscribe]), by: "ada")
        // What the server waits for is counted, for a machine that is busy may be late with every step.
        let pauses = Lock([Duration]())
        let web = try await Browserless(keyring: keyring) { time in
            pauses.withLock { $0.append(time) }
            try await Task.sleep(for: time)
        }
        try await web.note("a-1")
        let cut = Lock(false)
        let reading = await web.response(.get, "/v1/subscribe", key: secret)
        let stalled = await web.response(.get, "/v1/subscribe", key: secret) { cut.withLock { $0 = true } }
        let collector = Collector()
        let stall = Task { try await stalled.body.write(StalledWriter()) }
        defer { stall.cancel() }
        async let read: Void = reading.body.write(collector)
        while !collector.text.contains("noted") { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try await keyring.revoke(key.id, by: "ada"))
        let before = pauses.withLock { $0.count }
        try await read
        while !cut.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
        // The pauses of both subscriptions, and one that had begun before: no more, however late each of them ends.
        let waited = pauses.withLock { $0[before...].reduce(Duration.zero, +) }
        #expect(waited + WebInterface.look <= .seconds(5), "\(pauses.withLock { $0 })")
        #expect(collector.text.contains("event: end"))
    }
}

/// A store in which something else happens just before the next append.
private final class InterruptedStore: ForwardingEventStore {
    let base: any EventStore
    private let interruption = Lock<(@Sendable () async throws -> Void)?>(nil)

    init(_ base: any EventStore) { self.base = base }

    func beforeAppend(_ body: @escaping @Sendable () async throws -> Void) { interruption.withLock { $0 = body } }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let body = interruption.withLock { body in
            defer { body = nil }
            return body
        }
        do { try await body?() } catch { throw AppendError(error) }
        return try await base.append(request)
    }
}

/// A reader that takes nothing.
private struct StalledWriter: ResponseBodyWriter {
    mutating func write(_ buffer: ByteBuffer) async throws { try await Task.sleep(for: .seconds(3600)) }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
