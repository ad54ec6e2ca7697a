import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import SillokReadSide
import SillokSQLite
import SillokWebhookOperations
import SillokWebhooks
import Testing

@testable import SillokServer
@testable import sillok_process_play

@Suite("Webhooks over HTTP")
struct WebhookTests {
    @Test("endpoints are listed page by page, paused and resumed, with the name of the caller and the reason")
    func endpoints() async throws {
        let place = try await Endpoints()
        let all = try await place.web.ask(.get, "/v1/webhooks").json
        #expect(all["webhooks"]?.elements?.compactMap { $0["id"]?.string } == ["shop", "ledger", "archive"])
        let first = try await place.web.ask(.get, "/v1/webhooks?limit=2").json
        #expect(first["webhooks"]?.elements?.count == 2 && first["next"]?.string == "ledger")
        let rest = try await place.web.ask(.get, "/v1/webhooks?limit=2&after=ledger").json
        #expect(rest["webhooks"]?.elements?.compactMap { $0["id"]?.string } == ["archive"] && rest["next"] == nil)
        #expect(try await place.web.ask(.post, "/v1/webhooks/shop/pause", #"{"reason":"it moves"}"#).status == 202)
        let paused = try await place.web.ask(.get, "/v1/webhooks/shop").json
        #expect(paused["status"]?.string == "paused" && paused["reason"]?.string == "it moves")
        #expect(paused["query"]?.string == "category order" && paused["url"]?.string == "https://shop.example/hook")
        let event = try #require(try await place.store.read(ReadRequest(direction: .backward, limit: 1)).events.first)
        #expect(event.metadata.actor == "anybody" && event.metadata.reason == "it moves")
        #expect(try await place.web.ask(.post, "/v1/webhooks/shop/resume", #"{"reason":"it moved"}"#).status == 202)
        #expect(try await place.web.ask(.get, "/v1/webhooks/shop").json["status"]?.string == "active")
    }

    @Test("deliveries are shown, the newest first, and events are sent again from a position")
    func deliveries() async throws {
        let place = try await Endpoints()
        try await place.store.append([EventData(type: "paid", text: "{}")], to: "order-1")
        try await place.send(to: "shop")
        let page = try await place.web.ask(.get, "/v1/webhooks/shop/deliveries").json
        let delivery = try #require(page["deliveries"]?.elements?.first)
        // Nothing listens there.
        #expect(delivery["isTaken"]?.raw.elementsEqual("false".utf8) == true && delivery["status"] == nil)
        #expect(delivery["position"]?.integer(as: Int.self) == 4)
        let shown = try await place.web.ask(.get, "/v1/webhooks/shop").json
        #expect(shown["lastDelivery"]?["outcome"]?.string == delivery["outcome"]?.string)
        let answer = try await place.web.ask(
            .post, "/v1/webhooks/shop/redrive", #"{"reason":"they lost it","position":4}"#)
        #expect(answer.status == 202)
        let acts = try await ReadSide(of: place.store, in: place.model).audit(limit: 1)
        #expect(acts.first?.action == "redrive" && acts.first?.reason == "they lost it")
    }

    @Test("what is asked for wrongly or without the right is a problem, and nothing is recorded")
    func problems() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let place = try await Endpoints(keyring: keyring)
        let head = try await place.store.head()
        let reader = try await keyring.create("reader", Grant([.read]), by: "a test").secret
        let key = try await keyring.create("operator", Grant([.project]), by: "a test").secret
        for verb in ["pause", "resume", "redrive"] {
            let answer = try await place.web.ask(.post, "/v1/webhooks/shop/\(verb)", #"{"reason":"r"}"#, key: reader)
            #expect(answer.problem == "forbidden")
        }
        for (path, body, problem) in [
            ("shop/pause", "{}", "malformed"), ("shop/pause", #"{"reason":""}"#, "malformed"),
            ("shop/redrive", #"{"reason":"r"}"#, "malformed"), ("none/pause", #"{"reason":"r"}"#, "not-found"),
            ("shop/resume", #"{"reason":"r"}"#, "refused"),
            ("shop/redrive", #"{"reason":"r","position":9}"#, "refused"),
        ] {
            #expect(
                try await place.web.ask(.post, "/v1/webhooks/\(path)", body, key: key).problem == problem, "\(path)")
        }
        #expect(try await place.store.head() == head)
        for (path, problem) in [
            ("none", "not-found"), ("none/deliveries", "not-found"), ("shop/deliveries?after=x", "malformed"),
            ("shop/deliveries?limit=0", "malformed"),
        ] { #expect(try await place.web.ask(.get, "/v1/webhooks/\(path)", key: reader).problem == problem, "\(path)") }
        let bare = try await Browserless()
        #expect(try await bare.ask(.get, "/v1/webhooks").json["hasReadModel"]?.raw.elementsEqual("false".utf8) == true)
        #expect(try await bare.ask(.get, "/v1/webhooks/shop").problem == "not-configured")
    }
}

/// Three endpoints of a store in memory, and an interface to them.
private struct Endpoints {
    let store = MemoryEventStore()
    let model: SQLiteReadModel
    let web: Browserless

    init(keyring: Keyring? = nil) async throws {
        model = try SQLiteReadModel()
        let operations = WebhookOperations(of: store, in: model)
        for id in ["shop", "ledger", "archive"] {
            try await operations.register(
                "https://\(id).example/hook", for: .category("order"), id: id, by: Operator("Ada", because: "a test"))
        }
        web = try await Browserless(store, keyring: keyring, webhooks: operations)
    }

    /// Runs the application until an endpoint has an attempt.
    func send(to id: String) async throws {
        let webhooks = try Play.webhooks(of: store, model, receiver: "http://127.0.0.1:9/")
        let sending = Task { try await webhooks.run() }
        defer { sending.cancel() }
        let end = ContinuousClock.now.advanced(by: .seconds(300))
        while ContinuousClock.now < end {
            let page = try? await WebhookOperations(of: store, in: model).deliveries(of: id)
            if page?.deliveries.isEmpty == false { return }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
