import SillokCore
import SillokProjections
import SillokTesting
import Testing

@testable import SillokWebhooks

/// What Standard Webhooks and the webhooks of CloudEvents have in addition: hops, public keys, tokens, consent.
@Suite("standards of webhooks", .timeLimit(.minutes(10)))
struct StandardTests {
    /// Sends what one play publishes to an inbox of the other, which answers each event by another one.
    private func answering(_ play: inout WebhookPlay, in other: WebhookPlay) {
        let verifier = WebhookVerifier(
            play.masterKey.secret(of: "shop", generation: 1), clock: play.clock.wallClock)
        let inbox = Inbox("shop", in: other.store, verifiedBy: verifier, hopLimit: 1000)
        play.options.transport = { request in
            let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
            try await inbox.take(request.body, header: { headers[$0] }) { _ in
                AppendRequest([.init(stream: "order-1", event: EventData(type: "noted", text: #"{"note":"x"}"#))])
            }
            return WebhookAnswer(status: 200)
        }
        play.options.hopLimit = 10
    }

    @Test("PRC-32: two systems that answer each other by webhooks stop at the limit, and it is a dead letter")
    func loop() async throws {
        var (here, there) = (try WebhookPlay(), try WebhookPlay())
        answering(&here, in: there)
        answering(&there, in: here)
        let (first, second) = (try here.webhooks(), try there.webhooks())
        try await here.register("shop", first)
        try await there.register("shop", second)
        try await here.note("start")
        try await here.running(first) {
            try await there.running(second) {
                let isStopped = try await eventually {
                    let letters = try await first.readSide.deadLetters(of: "webhook-shop")
                    return letters.contains { $0.reason.contains("10 hops led to this event") }
                }
                #expect(isStopped)
            }
        }
        let notes = try await here.store.read(.category("order")).events
        #expect(notes.map(\.metadata.hops) == [0, 2, 4, 6, 8, 10])
        #expect(try await there.store.read(.category("order")).events.map(\.metadata.hops) == [1, 3, 5, 7, 9])
    }

    @Test("PRC-32: an inbox refuses an event that has come too far")
    func tooFar() async throws {
        let play = try WebhookPlay()
        let secret = play.masterKey.secret(of: "shop", generation: 1)
        let inbox = Inbox("shop", in: play.store, verifiedBy: WebhookVerifier(secret, clock: play.clock.wallClock))
        let seconds = play.clock.now.microsecondsSince1970 / 1_000_000
        for (hops, isTaken) in [(100, true), (101, false)] {
            let text = #"{"specversion":"1.0","id":"\#(hops)","source":"/s","type":"t","hops":"\#(hops)"}"#
            let body = Array(text.utf8)
            let headers = [
                "webhook-id": "m", "webhook-timestamp": "\(seconds)",
                "webhook-signature": secret.signature(id: "m", timestamp: seconds, body: body),
            ]
            let outcomes = try? await inbox.take(body, header: { headers[$0] })
            #expect((outcomes != nil) == isTaken)
        }
        #expect(try await play.store.head() == 1)
    }

    @Test("PRC-29: with private keys each message has a signature that the public key proves, and the secret's too")
    func publicKeys() async throws {
        var play = try WebhookPlay()
        play.options.signsWithPrivateKeys = true
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        try await play.note("one")
        try await play.run(webhooks, until: { play.receivers.requests.count == 1 })
        let request = try #require(play.receivers.requests.first)
        #expect(request.signatures.map { $0.prefix { $0 != "," } } == ["v1", "v1a"])
        let key = try await webhooks.publicKey(of: "shop")
        #expect(try WebhookPublicKey("\(key)") == key && "\(key)".hasPrefix("whpk_"))
        let other = try play.masterKey.signingKey(of: "shop", generation: 2).publicKey
        let clock = play.clock.wallClock
        let secret = try await webhooks.secret(of: "shop")
        var headers = [
            "webhook-id": request.id, "webhook-timestamp": request.timestamp,
            "webhook-signature": request.signatures.joined(separator: " "),
        ]
        let body = Array(request.body.utf8)
        #expect(try WebhookVerifier(key, clock: clock).verify(body) { headers[$0] } == request.id)
        #expect(try WebhookVerifier(other, key, clock: clock).verify(body) { headers[$0] } == request.id)
        #expect(try WebhookVerifier(secret, clock: clock).verify(body) { headers[$0] } == request.id)
        #expect(throws: WebhookRefusal.self) { try WebhookVerifier(other, clock: clock).verify(body) { headers[$0] } }
        #expect(throws: WebhookRefusal.self) {
            try WebhookVerifier(key, clock: clock).verify(body + [0x20]) { headers[$0] }
        }
        headers["webhook-signature"] = request.signatures.first
        #expect(throws: WebhookRefusal.self) { try WebhookVerifier(key, clock: clock).verify(body) { headers[$0] } }
        for text in [
            "", "whpk_", "whpk_AAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "\(key)=", "\(key)".uppercased(),
        ] {
            #expect(throws: WebhookRefusal.self) { try WebhookPublicKey(text) }
        }
    }

    @Test("a bearer token is sent to its endpoint only, and is in neither log nor error; a bad one is not sent")
    func tokens() async throws {
        let headers = Lock<[String: String]>([:])
        var play = try WebhookPlay(pauses: [])
        play.options.bearerToken = { ["shop": "abc.DEF-_~+/9==", "bad": "secret\r\nx: y"][$0] }
        play.options.transport = { request in
            let host = String(request.url.dropFirst(8).prefix { $0 != "." })
            let token = request.headers.first { $0.name == "authorization" }?.value
            headers.withLock { $0[host] = token ?? "none" }
            return WebhookAnswer(status: 200)
        }
        let webhooks = try play.webhooks()
        for id in ["shop", "other", "bad"] { try await play.register(id, webhooks) }
        try await play.note("one")
        let isDone: @Sendable () async throws -> Bool = {
            let bad = try await webhooks.deliveries(of: "bad").count
            return bad > 0 && headers.withLock { $0.count == 2 }
        }
        try await play.run(webhooks, until: isDone)
        #expect(headers.withLock { $0 } == ["shop": "Bearer abc.DEF-_~+/9==", "other": "none"])
        let delivery = try #require(try await webhooks.deliveries(of: "bad").first)
        #expect(delivery.outcome.contains("bearer token") && !delivery.outcome.contains("secret"))
        for event in try await play.store.read(.all).events {
            #expect(!String(decoding: event.payload, as: UTF8.self).contains("abc.DEF"))
        }
    }

    @Test("an endpoint consents by its headers only: the whole origin, and a rate if one was asked for")
    func consent() throws {
        func rate(_ origin: String?, _ allowed: String?, asking: Int? = nil, isRequired: Bool = true) throws -> Int? {
            var handshake = WebhookHandshake(origin: "events.example")
            (handshake.requestsPerMinute, handshake.isRequired) = (asking, isRequired)
            return try handshake.rate(by: WebhookAnswer(status: 200, allowedOrigin: origin, allowedRate: allowed))
        }
        #expect(try rate("events.example", nil) == nil && rate("*", nil) == nil && rate("EVENTS.example", "*") == nil)
        #expect(try rate("events.example", "120") == 120 && rate("*", "*", asking: 60) == 60)
        #expect(try rate("*", "30", asking: 60) == 30 && rate("*", "90", asking: 60) == 60)
        for (origin, allowed, asking) in [
            (nil, nil, nil), ("events.example.evil.example", nil, nil), ("events", nil, nil), ("", "*", nil),
            ("*", nil, 60), ("*", "0", 60), ("*", "-5", 60), ("*", "many", 60),
        ] as [(String?, String?, Int?)] {
            #expect(throws: WebhookRefusal.self) { try rate(origin, allowed, asking: asking) }
            #expect(try rate(origin, allowed, asking: asking, isRequired: false) == 10)
        }
        // No answer, or an error of the endpoint, is no consent.
        #expect(throws: WebhookRefusal.self) { try WebhookHandshake(origin: "a").rate(by: nil) }
    }

    @Test("without consent nothing is sent; with it each message names the origin", arguments: [true, false])
    func handshake(consents: Bool) async throws {
        let requests = Lock<[WebhookRequest]>([])
        var play = try WebhookPlay(pauses: [])
        play.options.handshake = WebhookHandshake(origin: "events.example")
        play.options.transport = { request in
            requests.withLock { $0.append(request) }
            if !request.isHandshake { return WebhookAnswer(status: 200) }
            return WebhookAnswer(status: 200, allowedOrigin: consents ? "events.example" : nil)
        }
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks)
        for note in ["one", "two"] { try await play.note(note) }
        try await play.run(webhooks, until: { try await webhooks.deliveries(of: "shop").count >= (consents ? 2 : 1) })
        let sent = requests.withLock { $0 }
        #expect(sent.first?.isHandshake == true && sent.first?.body.isEmpty == true)
        for request in sent {
            #expect(request.url == "https://shop.example/")
            #expect(request.headers.contains { $0.name == "webhook-request-origin" && $0.value == "events.example" })
        }
        #expect(sent.contains { !$0.isHandshake } == consents)
        if consents { #expect(sent.filter(\.isHandshake).count == 1) }
    }
}
