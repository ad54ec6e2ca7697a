import SillokCore
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokWebhooks

@Suite("inbox")
struct InboxTests {
    private struct Broken: Error {}

    private let secret = WebhookSecret(bytes: [UInt8](repeating: 9, count: 32))
    private let store = MemoryEventStore()
    private let clock = ManualClock()

    private var inbox: Inbox {
        Inbox("payments", in: store, verifiedBy: WebhookVerifier(secret, clock: clock.wallClock))
    }

    private func event(_ id: String, source: String = "https://pay.example", more: String = "") -> [UInt8] {
        let text =
            #"{"specversion":"1.0","id":"\#(id)","source":"\#(source)","type":"paid"\#(more),"data":{"cents":5}}"#
        return Array(text.utf8)
    }

    /// The headers of an attempt to send a body.
    private func headers(_ body: [UInt8], signedBy secret: WebhookSecret? = nil) -> (String) -> String? {
        let seconds = clock.now.microsecondsSince1970 / 1_000_000
        let signature = (secret ?? self.secret).signature(id: "m-1", timestamp: seconds, body: body)
        let all = ["webhook-id": "m-1", "webhook-timestamp": "\(seconds)", "webhook-signature": signature]
        return { all[$0] }
    }

    /// Takes a body, with an invoice as its result.
    private func take(_ body: [UInt8]) async throws -> [Inbox.Outcome] {
        try await inbox.take(body, header: headers(body)) { _ in
            AppendRequest([.init(stream: "invoice-1", event: EventData(type: "invoiced", text: "1"))])
        }
    }

    @Test("an event and its result are recorded in one append; a repeat is answered with its position")
    func once() async throws {
        guard case .taken(let receipt)? = try await take(event("evt_1")).first else {
            Issue.record("it was not taken")
            return
        }
        #expect(receipt.firstPosition == 1 && receipt.position == 2)
        for _ in 0..<3 {
            clock.advance(by: .seconds(3600))
            #expect(try await take(event("evt_1")) == [.repeated(1)])
        }
        // The same id of another producer is another event.
        #expect(try await take(event("evt_1", source: "https://other.example")) != [.repeated(1)])
        let events = try await store.read(.all).events
        #expect(events.map(\.type) == ["paid", "invoiced", "paid", "invoiced"])
        #expect(events.map(\.stream) == ["inbox-payments", "invoice-1", "inbox-payments", "invoice-1"])
    }

    @Test("PRC-31: an attempt that fails after it has claimed the id leaves nothing, and the next one is taken")
    func failure() async throws {
        let body = event("evt_1")
        await #expect(throws: Broken.self) { try await inbox.take(body, header: headers(body)) { _ in throw Broken() } }
        #expect(try await store.head() == 0)
        await #expect(throws: AppendError.self) {
            try await inbox.take(body, header: headers(body)) { _ in
                AppendRequest([], if: .revision(7, of: "invoice-1"))
            }
        }
        #expect(try await store.head() == 0)
        #expect(try await take(body) != [.repeated(1)])
        #expect(try await take(body) == [.repeated(1)])
    }

    @Test("PRC-31: a message is verified before anything is looked up")
    func verification() async throws {
        let body = event("evt_1")
        let wrong = WebhookSecret(bytes: [UInt8](repeating: 8, count: 32))
        await #expect(throws: WebhookRefusal.self) {
            try await inbox.take(body, header: headers(body, signedBy: wrong)) { _ in
                Issue.record("it was handled")
                return AppendRequest([])
            }
        }
        _ = try await take(body)
        await #expect(throws: WebhookRefusal.self) {
            try await inbox.take(body, header: headers(body, signedBy: wrong))
        }
        #expect(try await store.head() == 2)
    }

    @Test("PRC-20: an id is known after many others", .timeLimit(.minutes(10)))
    func memory() async throws {
        let others = Environment.count("SILLOK_INBOX_EVENTS", default: 10_000)
        _ = try await take(event("evt_1"))
        for start in stride(from: 0, to: others, by: 1000) {
            try await store.append((start..<start + 1000).map { EventData(type: "noted", text: "\($0)") }, to: "n-1")
        }
        #expect(try await take(event("evt_1")) == [.repeated(1)])
        print("PRC-20: an id is known after \(others) others")
    }

    @Test("several attempts at the same time take an event once")
    func race() async throws {
        let body = event("evt_1")
        let outcomes = try await withThrowingTaskGroup(of: [Inbox.Outcome].self) { group in
            for _ in 0..<16 { group.addTask { try await take(body) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(outcomes.count { $0 == .repeated(1) } == 15)
        #expect(try await store.head() == 2)
    }

    @Test("a sender cannot choose a stream, a position or a time; the subject is metadata")
    func untrusted() async throws {
        let more = #","subject":"account-42","position":7,"revision":"3","sillokid":"x","silloktime":"y","ext":true"#
        _ = try await inbox.take(event("evt_1", more: more), header: headers(event("evt_1", more: more)))
        let recorded = try #require(try await store.read(.all).events.first)
        #expect(recorded.stream == "inbox-payments" && recorded.metadata["subject"] == "account-42")
        #expect(recorded.metadata["ext"] == "true" && recorded.metadata["source"] == "https://pay.example")
        for text in ["", "1", "[]x", "{}", #"{"specversion":"1.0","id":"a","type":"b"}"#, #"[{"specversion":"1.0"}]"#] {
            let body = Array(text.utf8)
            await #expect(throws: WebhookRefusal.self, "\(text)") { try await inbox.take(body, header: headers(body)) }
        }
        #expect(try await store.head() == 1)
    }

    @Test("what our webhooks send, an inbox of ours takes under the same ids", arguments: [true, false])
    func ours(isBatched: Bool) async throws {
        let play = try WebhookPlay()
        let webhooks = try play.webhooks()
        try await play.register("shop", webhooks, mode: isBatched ? .batched : .structured)
        for text in ["one", "two"] { try await play.note(text) }
        try await play.run(webhooks) { play.receivers.taken(by: "shop.example").count == 2 }
        let secret = try await webhooks.secret(of: "shop")
        let inbox = Inbox("shop", in: store, verifiedBy: WebhookVerifier(secret, clock: play.clock.wallClock))
        for request in play.receivers.requests + play.receivers.requests {
            let headers = [
                "webhook-id": request.id, "webhook-timestamp": request.timestamp,
                "webhook-signature": request.signatures.joined(separator: " "),
            ]
            try await inbox.take(Array(request.body.utf8)) { headers[$0] }
        }
        let sent = try await play.store.read(.category("order")).events
        #expect(try await store.read(.all).events.map(\.id) == sent.map(\.id))
        #expect(try await store.read(.all).events.map(\.payload) == sent.map(\.payload))
    }
}
