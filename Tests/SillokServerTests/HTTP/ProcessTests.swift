import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokProcessOperations
import SillokSQLite
import Testing

@testable import SillokServer
@testable import sillok_process_play

@Suite("Processes over HTTP")
struct ProcessTests {
    @Test("a process is shown with counts, and its instances are found by state, by key and page by page")
    func instances() async throws {
        let shop = try await PlayedShop()
        let all = try await shop.web.ask(.get, "/v1/processes").json
        let process = try #require(all["processes"]?.elements?.first)
        #expect(process["process"]?.string == "purchase" && process["total"]?.integer(as: Int.self) == 5)
        #expect(process["instances"]?["completed"]?.integer(as: Int.self) == 2)
        #expect(process["unknown"]?.integer(as: Int.self) == 1)
        let one = try await shop.web.ask(.get, "/v1/processes/purchase")
        #expect(try one.json["total"]?.integer(as: Int.self) == 5)
        #expect(try await shop.keys("state=completed") == ["1", "4"])
        #expect(try await shop.keys("search=3") == ["3"])
        #expect(try await shop.keys("search=nothing") == [])
        var (found, after): ([String], String?) = ([], nil)
        repeat {
            let place = after.map { "&after=\($0)" } ?? ""
            let page = try await shop.web.ask(.get, "/v1/processes/purchase/instances?limit=2\(place)").json
            let keys = page["instances"]?.elements?.compactMap { $0["key"]?.string } ?? []
            #expect((1...2).contains(keys.count))
            found += keys
            after = page["next"]?.string
        } while after != nil && found.count < 10
        #expect(found.sorted() == ["1", "2", "3", "4", "5"])
    }

    @Test("the history of an instance has its records with their inputs, steps and results, page by page")
    func history() async throws {
        let shop = try await PlayedShop()
        let answer = try await shop.web.ask(.get, "/v1/processes/purchase/instances/4").json
        #expect(answer["instance"]?["state"]?.string == "completed")
        #expect(answer["stream"]?.string == "process:purchase-4")
        let records = try #require(answer["timeline"]?.elements)
        let input = try #require(records.first { $0["record"]?.string == "received" })
        #expect(input["name"]?.string == "placed" && input["stream"]?.string == "order-4")
        let event = try #require(try await shop.store.read(.stream("order-4"), limit: 1).events.first)
        #expect(input["source"]?.string == "\(event.id)")
        #expect(input["sourcePosition"]?.integer(as: UInt64.self) == event.position.value)
        let step = try #require(records.first { $0["record"]?.string == "requestPlanned" })
        #expect(step["name"]?.string == "reserve" && step["payload"]?["reserve"]?["item"]?.string == "rare")
        let refusal = try #require(records.first { $0["record"]?.string == "requestRefused" })
        #expect(refusal["step"]?.string == step["id"]?.string && refusal["result"]?.string == "there is no rare")
        var (found, after): ([String], String?) = ([], nil)
        repeat {
            let place = after.map { "&after=\($0)" } ?? ""
            let page = try await shop.web.ask(.get, "/v1/processes/purchase/instances/4?limit=3\(place)").json
            found += page["timeline"]?.elements?.compactMap { $0["id"]?.string } ?? []
            after = page["next"]?.string
        } while after != nil && found.count < 100
        #expect(found == records.compactMap { $0["id"]?.string })
    }

    @Test("an instance has its waiting work, and lists have the deadlines and the steps that fail")
    func work() async throws {
        let shop = try await PlayedShop()
        let waiting = try await shop.web.ask(.get, "/v1/processes/purchase/instances/5").json
        let deadline = try #require(waiting["work"]?.elements?.first { $0["name"]?.string == "payment" })
        #expect(deadline["kind"]?.string == "deadline" && deadline["due"]?.string != nil)
        let due = try await shop.web.ask(.get, "/v1/processes/purchase/deadlines").json
        #expect(due["work"]?.elements?.contains { $0["id"]?.string == deadline["id"]?.string } == true)
        let failing = try #require(
            try await shop.web.ask(.get, "/v1/processes/purchase/effects").json["work"]?.elements)
        let kinds = failing.map { "\($0["key"]?.string ?? "") \($0["kind"]?.string ?? "") \($0["name"]?.string ?? "")" }
        // Instances run side by side, so either may have planned its effect first.
        #expect(kinds.sorted() == ["2 effect charge", "3 unknown charge"])
        let slow = try #require(failing.first { $0["key"]?.string == "2" })
        #expect(slow["failure"]?.string == "the bank cannot be reached (slow)")
        #expect(slow["nextAttempt"]?.string != nil)
    }

    @Test("an act is recorded with the name of the caller and the reason, and the application executes it")
    func acts() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let shop = try await PlayedShop(keyring: keyring)
        let key = try await keyring.create("operator", Grant([.project]), by: "a test")
        let reader = try await keyring.create("reader", Grant([.read]), by: "a test").secret
        let step = try await shop.step("3", reader)
        let place = "/v1/processes/purchase/instances/3/steps/\(step)"
        for (verb, body) in [("retry", ""), ("skip", ""), ("answer", #","result":"charged""#)] {
            let refused = try await shop.web.ask(
                .post, "\(place)/\(verb)", #"{"reason":"it is up"\#(body)}"#, key: reader)
            #expect(refused.status == 403)
        }
        let head = try await shop.store.head()
        let body = #"{"reason":"the bank says so","result":"charged by hand"}"#
        let answer = try await shop.web.ask(.post, "\(place)/answer", body, key: key.secret)
        #expect(try answer.status == 202 && answer.json["position"]?.integer(as: UInt64.self) == head.value + 1)
        let event = try #require(try await shop.store.read(.all, after: head).events.first)
        #expect(event.metadata.actor == "key \(key.key.id) (operator)" && event.metadata.reason == "the bank says so")
        try await shop.run()
        let after = try await shop.web.ask(.get, "/v1/processes/purchase/instances/3", key: reader).json
        #expect(after["instance"]?["state"]?.string == "completed")
        let done = after["timeline"]?.elements?.first { $0["record"]?.string == "effectDone" }
        #expect(done?["result"]?.string == "charged by hand")
        #expect(try await keyring.acts(limit: 1).first?.action == "answerStep")
    }

    @Test("instances are ended, undone and released, and steps are retried and skipped")
    func verbs() async throws {
        let shop = try await PlayedShop()
        for (key, verb) in [("2", "retry"), ("3", "skip")] {
            let path = "/v1/processes/purchase/instances/\(key)/steps/\(try await shop.step(key))/\(verb)"
            #expect(try await shop.web.ask(.post, path, #"{"reason":"a test"}"#).status == 202)
        }
        let ended = try await shop.web.ask(
            .post, "/v1/processes/purchase/instances/5/end", #"{"reason":"the customer left"}"#)
        #expect(ended.status == 202)
        try await shop.run()
        #expect(try await shop.keys("state=completed") == ["1", "2", "3", "4", "5"])
        let undone = try await shop.web.ask(.post, "/v1/processes/purchase/instances/1/undo", #"{"reason":"a test"}"#)
        #expect(undone.status == 202)
        try await shop.place("5", "tea", hops: 200)
        try await shop.place("6", "unpaid", hops: 200)
        try await shop.run()
        #expect(try await shop.records("1").contains("compensationStarted"))
        #expect(try await shop.keys("state=parked").contains("6"))
        let released = try await shop.web.ask(
            .post, "/v1/processes/purchase/instances/6/release", #"{"reason":"a test","skippingInput":false}"#)
        #expect(released.status == 202)
        try await shop.run()
        #expect(try await shop.records("6").contains("released"))
    }

    @Test("a kind of effect that keeps failing is shown as paused, measured, and continues when an operator wants it")
    func pausedKinds() async throws {
        let shop = try await PlayedShop()
        for number in 10..<40 { try await shop.place("\(number)", "slow") }
        try await shop.run(isBankReached: false)
        let process = try await shop.web.ask(.get, "/v1/processes/purchase").json
        let paused = try #require(process["pausedKinds"]?.elements?.first)
        #expect(paused["kind"]?.string == "charge" && paused["reason"]?.string == "the bank cannot be reached (slow)")
        let overview = try #require(try await shop.web.ask(.get, "/v1/overview").json["processes"]?.elements?.first)
        #expect(overview["process"]?.string == "purchase" && overview["unknown"]?.integer(as: Int.self) == 1)
        #expect(overview["pausedKinds"]?.elements?.compactMap(\.string) == ["charge"])
        #expect(overview["inFlight"]?.integer(as: Int.self) == 33)
        let metrics = try await shop.web.ask(.get, "/metrics").text
        for line in [
            #"sillok_process_instances{process="purchase",state="completed"} 2"#,
            #"sillok_process_instances{process="purchase",state="running"} 33"#,
            #"sillok_process_paused_kinds{process="purchase"} 1"#,
            #"sillok_process_unknown_outcomes{process="purchase"} 1"#,
            #"sillok_process_deadline_lateness_seconds{process="purchase"} 0"#,
        ] { #expect(metrics.contains(line + "\n"), "\(line)") }
        let place = "/v1/processes/purchase/kinds"
        let reason = #"{"reason":"the bank is up"}"#
        #expect(try await shop.web.ask(.post, "\(place)/refund/resume", reason).problem == "not-found")
        #expect(try await shop.web.ask(.post, "\(place)/charge/resume", reason).status == 202)
        #expect(try await shop.web.ask(.post, "\(place)/charge/resume", reason).problem == "not-found")
        let after = try await shop.web.ask(.get, "/v1/processes").json
        #expect(after["processes"]?.elements?.first?["pausedKinds"]?.elements?.isEmpty == true)
    }

    @Test("what is asked for wrongly or is not there is a problem, and nothing is recorded")
    func problems() async throws {
        let shop = try await PlayedShop()
        let head = try await shop.store.head()
        let base = "/v1/processes/purchase/instances"
        for path in [
            "\(base)?state=odd", "\(base)?after=odd", "\(base)?limit=0", "\(base)?limit=1001",
            "\(base)/4?after=x", "/v1/processes/purchase/deadlines?after=x", "/v1/processes/purchase/effects?limit=x",
        ] { #expect(try await shop.web.ask(.get, path).problem == "malformed", "\(path)") }
        for path in [
            "/v1/processes/none", "/v1/processes/none/instances", "/v1/processes/none/deadlines",
            "/v1/processes/none/effects", "\(base)/none",
        ] { #expect(try await shop.web.ask(.get, path).problem == "not-found", "\(path)") }
        let step = try await shop.step("3")
        for (path, body, problem) in [
            ("4/end", #"{"reason":""}"#, "malformed"), ("4/end", "{}", "malformed"),
            ("3/steps/\(step)/answer", #"{"reason":"no result"}"#, "malformed"),
            ("3/steps/odd/retry", #"{"reason":"r"}"#, "not-found"),
            ("3/steps/\(EventID())/retry", #"{"reason":"r"}"#, "not-found"),
            ("none/release", #"{"reason":"r"}"#, "not-found"),
        ] { #expect(try await shop.web.ask(.post, "\(base)/\(path)", body).problem == problem, "\(path)") }
        #expect(try await shop.store.head() == head)
        let bare = try await Browserless()
        #expect(try await bare.ask(.get, "/v1/processes").json["hasReadModel"]?.raw.elementsEqual("false".utf8) == true)
        #expect(try await bare.ask(.get, base).problem == "not-configured")
        #expect(try await bare.ask(.post, "\(base)/4/end", #"{"reason":"r"}"#).problem == "not-configured")
    }
}

/// Purchases of five fates in a store in memory, and an interface to them.
private struct PlayedShop {
    let store = MemoryEventStore()
    let model: SQLiteReadModel
    let web: Browserless

    init(keyring: Keyring? = nil) async throws {
        model = try SQLiteReadModel()
        web = try await Browserless(store, keyring: keyring, processes: ProcessOperations(of: store, in: model))
        for (key, item) in [("1", "tea"), ("2", "slow"), ("3", "lost"), ("4", "rare"), ("5", "unpaid")] {
            try await place(key, item)
        }
        try await run(isBankReached: false)
    }

    /// Does what the application can do now.
    func run(isBankReached: Bool = true) async throws {
        try await Purchase.runner(in: store, index: model, isBankReached: isBankReached).catchUp()
    }

    func place(_ key: String, _ item: String, hops: Int? = nil) async throws {
        try await Play.place(store, [("order-\(key)", item)], hops: hops)
    }

    func keys(_ query: String) async throws -> [String] {
        let page = try await web.ask(.get, "/v1/processes/purchase/instances?\(query)").json
        return (page["instances"]?.elements ?? []).compactMap { $0["key"]?.string }.sorted()
    }

    func records(_ key: String) async throws -> [String] {
        let page = try await web.ask(.get, "/v1/processes/purchase/instances/\(key)").json
        return (page["timeline"]?.elements ?? []).compactMap { $0["record"]?.string }
    }

    /// Returns the id of the step of an instance that fails.
    func step(_ key: String, _ secret: Secret? = nil) async throws -> String {
        let page = try await web.ask(.get, "/v1/processes/purchase/effects", key: secret).json
        return try #require(page["work"]?.elements?.first { $0["key"]?.string == key }?["id"]?.string)
    }
}
