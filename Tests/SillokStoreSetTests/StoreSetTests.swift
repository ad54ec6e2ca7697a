import Foundation
import Sillok
import SillokCore
import SillokSQL
import SillokSQLite
import SillokStoreSet
import SillokTestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct StoreSetTests {
    @Test("a category and a tenant have the store of their route, or the error says what is missing")
    func routes() async throws {
        let (sales, rest) = (MemoryEventStore(), MemoryEventStore())
        let set = try StoreSet(
            ["sales": sales, "rest": rest], categories: ["order": "sales"], tenants: ["acme": "sales"])
        #expect(try set.store(for: "order") as AnyObject === sales)
        #expect(try set.store(forTenant: "acme") as AnyObject === sales)
        #expect(try set.store(named: "rest") as AnyObject === rest)
        #expect(throws: UnknownLog.category("item")) { try set.store(for: "item") }
        #expect(throws: UnknownLog.tenant("other")) { try set.store(forTenant: "other") }
        #expect(throws: UnknownLog.log("gone")) { try StoreSet(["a": sales], categories: ["order": "gone"]) }
        let open = try StoreSet(["sales": sales, "rest": rest], categories: ["order": "sales"], otherwise: "rest")
        #expect(open.log(of: "item") == "rest" && open.log(ofTenant: "acme") == "rest")
        #expect("\(UnknownLog.category("item"))".contains("Add it to the categories"))
    }

    @Test("a command handler works unchanged on the store of its category")
    func handlers() async throws {
        let logs = try Logs()
        let shipments = CommandHandler<Shipment>("shipment", in: try logs.set.store(for: "shipment"))
        try await shipments.execute(.ship, on: "1")
        #expect(try await logs.sales.head() == 1)
        #expect(try await logs.money.head() == .start)
    }

    @Test("a checkpoint is an object of marks in JSON, and one log more starts at its beginning")
    func checkpoint() async throws {
        let logs = try Logs()
        try await logs.order(1)
        var heads = try await logs.set.heads()
        let text = String(decoding: try JSONEncoder().encode(heads), as: UTF8.self)
        #expect(text.contains(#""sales":"1@"#) && text.contains(#""money":"1@"#))
        #expect(try JSONDecoder().decode(StoreSetCheckpoint.self, from: Data(text.utf8)) == heads)
        #expect(heads["later"] == .start)
        heads["later"] = heads["sales"]
        #expect(heads["later"].position == 1)
    }

    @Test("a reader of the merged subscription that stops and continues anywhere sees each event once, in order")
    func merged() async throws {
        let logs = try Logs()
        var random = SeededNumbers()
        var seen: [LogName: [EventID]] = [:]
        var checkpoint = StoreSetCheckpoint.start
        for round in 1...20 {
            for key in 0..<Int.random(in: 1...30, using: &random) {
                if Bool.random(using: &random) { try await logs.happens(.placed(cents: 1), in: "order", key) }
                try await logs.happens(.paid(cents: round), in: "payment", key)
            }
            let wanted = try await logs.set.heads()
            let most = Int.random(in: 1...3, using: &random)
            var batches = 0
            for try await batch in try logs.set.subscribe(after: checkpoint) {
                seen[batch.log, default: []] += batch.events.map(\.id)
                checkpoint = batch.checkpoint
                batches += 1
                if checkpoint == wanted || (batches >= most && round < 20) { break }
            }
        }
        #expect(try await seen["sales"] == logs.ids(logs.sales))
        #expect(try await seen["money"] == logs.ids(logs.money))
    }

    @Test("the merged subscription waits, is woken by any log, and ends with its task")
    func waits() async throws {
        let logs = try Logs()
        let seen = Lock<[LogName]>([])
        let ended = Lock(false)
        let reader = Task {
            do {
                for try await batch in try logs.set.subscribe(pollInterval: .seconds(3600)) {
                    seen.withLock { $0 += batch.events.map { _ in batch.log } }
                }
            } catch is CancellationError {
                ended.withLock { $0 = true }
            }
        }
        try await logs.happens(.paid(cents: 1), in: "payment", 1)
        #expect(try await eventually { seen.withLock { $0 } == ["money"] })
        try await logs.happens(.placed(cents: 1), in: "order", 1)
        #expect(try await eventually { seen.withLock { $0 } == ["money", "sales"] })
        reader.cancel()
        try await reader.value
        #expect(ended.withLock { $0 })
    }

    @Test("a log that is not the one of the checkpoint ends the subscription with storeChanged")
    func changed() async throws {
        let logs = try Logs()
        try await logs.order(1)
        let checkpoint = try await logs.set.heads()
        let other = try Logs()
        try await other.order(1)
        let error = await #expect(throws: StoreError.self) {
            for try await _ in try other.set.subscribe(after: checkpoint) {}
        }
        #expect(error?.code == .storeChanged)
    }

    @Test("a reader that writes rows and checkpoint in one transaction counts each event of both logs once")
    func ownRows() async throws {
        let logs = try Logs()
        for key in 1...200 { try await logs.order(key) }
        let model = try SQLiteReadModel()
        let id = ProjectionID("merged", version: 1)
        let schema: [SQL] = [
            Totals().schema[0], "CREATE TABLE \(table: "place") (mark TEXT NOT NULL)",
            "INSERT INTO \(table: "place") VALUES ('{}')",
        ]
        try await model.write(ReadModelWrite(schema.map { .init($0, of: id) }))
        var random = SeededNumbers()
        var stops = 0
        while true {
            let stored = try await model.rows("SELECT mark FROM \(table: "place")", of: id)[0]["mark"].text ?? ""
            let checkpoint = try JSONDecoder().decode(StoreSetCheckpoint.self, from: Data(stored.utf8))
            if try await checkpoint == logs.set.heads() { break }
            for try await batch in try logs.set.subscribe(after: checkpoint) {
                let next = String(decoding: try JSONEncoder().encode(batch.checkpoint), as: UTF8.self)
                let events = try batch.events.flatMap { try EventCoding<ShopEvent>().decode($0) }
                let rows = events.map { Totals.change($0) }
                try await model.write(
                    ReadModelWrite((rows + ["UPDATE \(table: "place") SET mark = \(next)"]).map { .init($0, of: id) }))
                stops += 1
                let heads = try await logs.set.heads()
                if Bool.random(using: &random) || batch.checkpoint == heads { break }
            }
        }
        let rows = try await model.rows("SELECT * FROM \(table: "totals") ORDER BY key", of: id)
        #expect(
            try rows.map { try $0.decode(Total.self) } == [
                Total(key: "paid", cents: 20_100, events: 200), Total(key: "placed", cents: 20_100, events: 200),
            ])
        #expect(stops > 0)
    }
}
