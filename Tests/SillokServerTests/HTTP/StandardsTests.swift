import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Sillok
import SillokAPI
import SillokCore
import SillokTesting
import SillokWire
import Testing

@testable import SillokServer

/// HTTP as RFC 9110 and RFC 7240 say, and questions that have an answer.
@Suite("Standards over HTTP", .timeLimit(.minutes(10)))
struct StandardsTests {
    @Test("C15: a category with a dash is refused with the reason, where it is asked for")
    func dashes() async throws {
        let web = try await Browserless()
        try await web.note("bank-account-1")
        for path in [
            "/v1/events?category=bank-account", "/v1/subscribe?category=bank-account",
            "/v1/streams?category=bank-account",
            "/v1/categories?after=bank-account",
        ] {
            let response = await web.response(.get, path)
            #expect(response.status.code == 422, "\(path)")
            // The body of a subscription that was accepted has no end.
            guard response.status.code == 422 else { continue }
            let text = Collector()
            try await response.body.write(text)
            #expect(text.text.contains("before the first dash"), "\(path): \(text.text)")
        }
        #expect(try await web.ask(.get, "/v1/events?category=bank").json["events"]?.elements?.count == 1)
    }

    @Test("C17: each category once, in pages of any size", arguments: [1, 2, 3, 100])
    func categories(limit: Int) async throws {
        let web = try await Browserless()
        for name in [
            "user", "user 2-1", "user+admin-1", "user-1", "user-2", "zebra-1", "alpha 1-x", "alpha-1",
            "user-\u{10FFFF}\u{10FFFF}x",
        ] {
            try await web.note(StreamID(name))
        }
        var found: [String] = []
        var after: String?
        for _ in 0..<20 {
            let place = after.map { "&after=" + CloudEventHeader.encoded($0).replacing("+", with: "%2B") } ?? ""
            let page = try await web.ask(.get, "/v1/categories?limit=\(limit)\(place)").json
            found += page["categories"]?.elements?.compactMap(\.string) ?? []
            after = found.last
            if page["isEnd"]?.raw.elementsEqual("true".utf8) == true { break }
        }
        #expect(found == ["alpha 1", "alpha", "user", "user 2", "user+admin", "zebra"])
    }

    @Test("C20: preferences are read as a list, and unknown ones are ignored")
    func preferences() async throws {
        let web = try await Browserless()
        try await web.note("a-1")
        for text in [
            "wait=1, return=minimal", "return=minimal", "WAIT = 2; x=y", "wait=\"1\"", "wait=soon",
            "wait=999999999999999999999",
        ] {
            let answer = try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "1", .prefer: text])
            #expect(answer.status == 200, "\(text)")
        }
        let behind = try await web.ask(
            .get, "/v1/head", headers: [.sillokAtLeast: "2", .prefer: "return=minimal, wait=0"])
        #expect(behind.status == 412)
        #expect(try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "+1"]).status == 400)
    }

    @Test("C20: a coded body is 415, an expectation that cannot be met 417, and tags are judged by the book")
    func headers() async throws {
        let web = try await Browserless()
        let body = #"{"type":"t"}"#
        let coded = try await web.ask(.post, "/v1/events", body, headers: [.contentEncoding: "gzip"])
        #expect(coded.status == 415 && coded.headers[.acceptEncoding] == "identity")
        #expect(try await web.ask(.post, "/v1/events", body, headers: [.contentEncoding: "identity"]).status == 200)
        #expect(try await web.ask(.post, "/v1/events", body, headers: [.expect: "wonders"]).status == 417)
        let path = "/v1/streams/a-1/events"
        #expect(try await web.ask(.post, path, body, headers: [.ifMatch: "*"]).status == 412)
        #expect(try await web.ask(.post, path, body, headers: [.ifNoneMatch: " * "]).status == 200)
        for bad in ["\"+1\"", "1", "\"-1\"", "\"\"", "\"1\" \"2\"", "\"1"] {
            #expect(try await web.ask(.post, path, body, headers: [.ifMatch: bad]).status == 400, "\(bad)")
        }
        #expect(try await web.ask(.post, path, body, headers: [.ifMatch: "W/\"1\""]).status == 412)
        #expect(try await web.ask(.post, path, body, headers: [.ifMatch: "\"7\", \"1\""]).status == 200)
        #expect(try await web.ask(.post, path, body, headers: [.ifMatch: "*"]).status == 200)
        #expect(try await web.store.stream("a-1")?.revision == 3)
        let refused: HTTPFields = [.accept: "application/x-ndjson;q=0, application/json"]
        #expect(try await web.ask(.get, "/v1/events", headers: refused).headers[.contentType] == "application/json")
        #expect(
            try await web.ask(.get, "/v1/positions/1", headers: [.ifNoneMatch: "W/\"\(web.interface.storeID)-1\""])
                .status == 304)
        #expect(try await web.ask(.get, "/v1/streams/a-1", headers: [.ifNoneMatch: "*"]).status == 304)
        #expect(try await web.ask(.delete, "/v1/head").headers[.allow] == "GET, HEAD")
        let key: HTTPFields = [.idempotencyKey: "a\u{FFFD}"]
        #expect(try await web.ask(.post, "/v1/events", body, headers: key).status == 400)
    }

    @Test("C20: a repeat of an append under a list of tags is answered as the first one was")
    func repeats() async throws {
        let web = try await Browserless()
        try await web.note("a-1")
        let body = #"{"type":"t","id":"01890a5d-ac96-774b-bcce-b302099a8057"}"#
        for _ in 0..<2 {
            let answer = try await web.ask(.post, "/v1/streams/a-1/events", body, headers: [.ifMatch: "\"1\", \"9\""])
            #expect(answer.status == 200)
        }
        #expect(try await web.store.head() == 2)
    }

    @Test("C24: the server shows every limit, and an error names the one that was met")
    func limits() async throws {
        var limits = Limits()
        for (index, setting) in Limits.settings.enumerated() {
            var isTaken = setting.set(1000 + index, &limits)
            #expect(isTaken)
            for wrong in [0, -1, Int.max] {
                isTaken = setting.set(wrong, &limits)
                #expect(!isTaken)
            }
        }
        limits.payloadBytes = 2000
        let web = try await Browserless(MemoryEventStore(limits: limits))
        let shown = try #require(try await web.ask(.get, "/v1/server").json["limits"])
        for setting in Limits.settings { #expect(shown[setting.name]?.integer(as: Int.self) == setting.value(limits)) }
        // There is a setting for every property.
        let properties = Mirror(reflecting: limits).children.compactMap(\.label)
        #expect(Set(properties) == Set(Limits.settings.map(\.name)))
        for setting in ServerLimits.settings {
            #expect(shown[setting.name]?.integer(as: Int.self) == setting.value(ServerLimits()))
        }
        let ofServer = Mirror(reflecting: ServerLimits()).children.compactMap(\.label)
        #expect(Set(ofServer) == Set(ServerLimits.settings.map(\.name)))
        #expect(Set(ofServer).isDisjoint(with: properties))
        let large = #"{"type":"t","data":"\#(String(repeating: "x", count: 3000))"}"#
        let answer = try await web.ask(.post, "/v1/events", large)
        #expect(answer.status == 413 && answer.text.contains("the limit payloadBytes"), "\(answer.text)")
        let long = try await web.ask(.post, "/v1/events", #"{"type":"\#(String(repeating: "x", count: 2000))"}"#)
        #expect(long.text.contains("the limit typeBytes"), "\(long.text)")
    }

    @Test("C23: progress without an event moves the tracking, over HTTP too")
    func progress() async throws {
        let web = try await Browserless()
        let body = #"{"events":[],"tracking":{"source":"feed","position":7}}"#
        let answer = try await web.ask(.post, "/v1/events", body)
        #expect(try answer.status == 200 && answer.json["position"]?.integer(as: Int.self) == 0)
        #expect(try await web.ask(.get, "/v1/tracking/feed").json["position"]?.integer(as: Int.self) == 7)
        #expect(try await web.ask(.post, "/v1/events", body).problem == "tracking-conflict")
        #expect(try await web.ask(.post, "/v1/events", #"{"events":[]}"#).problem == "invalid")
    }

    @Test("S3: a dump is broken off soon after its key is revoked")
    func revokedDump() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        try await keyring.load()
        let (key, secret) = try await keyring.create("reader", Grant([.read]), by: "a test")
        let web = try await Browserless(keyring: keyring)
        for number in 1...600 { try await web.note("a-1", "t", "\(number)") }
        let response = await web.response(.get, "/v1/events", key: secret, headers: [.accept: "application/x-ndjson"])
        #expect(response.status == .ok)
        let writer = Revoking { _ = try await keyring.revoke(key.id, by: "a test") }
        await #expect(throws: Gatekeeper.Refusal.unproved) { try await response.body.write(writer) }
        #expect(writer.lines.withLock { $0 } < 600)
    }

    @Test("N7: the interface is a service whose end ends open subscriptions")
    func service() async throws {
        let web = try await Browserless()
        let response = await web.response(.get, "/v1/subscribe")
        let collector = Collector()
        let reading = Task { try await response.body.write(collector) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(configuration: .init(services: [web.interface], logger: logger))
        let running = Task { try await group.run() }
        while collector.text.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        await group.triggerGracefulShutdown()
        try await running.value
        // Without an end of the subscription this would wait for ever.
        try await withDeadline(.seconds(20), "the subscription is still open") {
            try await withTaskCancellationHandler {
                try await reading.value
            } onCancel: {
                reading.cancel()
            }
        }
        #expect(collector.text.hasSuffix("event: end\ndata: the server is shutting down\n\n"))
    }

    @Test("N9: appends of the application that do not go through the interface count, each once")
    func metrics() async throws {
        let web = try await Browserless()
        try await web.store.append([EventData(type: "a", text: "1"), EventData(type: "a", text: "2")], to: "s-1")
        await #expect(throws: AppendError.self) {
            try await web.store.append([EventData(type: "a", text: "1")], to: "s-1", if: .revision(0, of: "s-1"))
        }
        #expect(try await web.ask(.post, "/v1/events", #"{"type":"a"}"#).status == 200)
        #expect(try await web.interface.store.append([EventData(type: "a", text: "4")]).position == 4)
        let text = try await web.ask(.get, "/metrics").text
        for line in [
            "sillok_appended_events_total 4", #"sillok_appends_total{outcome="stored"} 3"#,
            #"sillok_appends_total{outcome="conflict"} 1"#,
        ] {
            #expect(text.contains(line + "\n"), "\(text)")
        }
        // A store that does not report its appends is measured at the interface.
        let silent = try await Browserless(SilentStore(base: MemoryEventStore()))
        #expect(try await silent.ask(.post, "/v1/events", #"{"type":"a"}"#).status == 200)
        #expect(try await silent.ask(.get, "/metrics").text.contains("sillok_appended_events_total 1\n"))
    }

    @Test("N8: an interface that is open for reading takes no event")
    func readOnly() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = MemoryEventStore()
        let interface = try await WebInterface(
            Served(store), gatekeeper: .open(for: Grant([.read, .subscribe])), logger: logger)
        func status(_ method: HTTPRequest.Method, _ path: String) async -> Int {
            let head = HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: path,
                headerFields: [.contentType: "application/json"])
            let body = RequestBody(buffer: .init(string: #"{"type":"t"}"#))
            return Int(await interface.respond(to: Request(head: head, body: body)).status.code)
        }
        #expect(await status(.post, "/v1/events") == 403)
        #expect(await status(.post, "/v1/verification") == 403)
        #expect(await status(.get, "/v1/events") == 200)
        #expect(await status(.get, "/v1/overview") == 200)
        #expect(try await store.head() == 0)
    }
}

/// A store that does not report its appends.
private struct SilentStore: ForwardingEventStore {
    let base: any EventStore
}

/// Revokes a key while it is written to.
private final class Revoking: ResponseBodyWriter, Sendable {
    let lines = Lock(0)
    private let revoke: @Sendable () async throws -> Void
    private let isDone = Lock(false)

    init(_ revoke: @escaping @Sendable () async throws -> Void) { self.revoke = revoke }

    func write(_ buffer: ByteBuffer) async throws {
        let count = buffer.readableBytesView.lazy.filter { $0 == 0x0A }.count
        lines.withLock { $0 += count }
        let isFirst = isDone.withLock { isDone in
            defer { isDone = true }
            return !isDone
        }
        if isFirst { try await revoke() }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
