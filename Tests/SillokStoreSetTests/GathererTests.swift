import Sillok
import SillokCore
import SillokProcesses
import SillokProjections
import SillokSQL
import SillokSQLite
import SillokStoreSet
import SillokTestSupport
import Testing

/// Projections and process managers over two logs, whose runners die at random appends and are started again.
@Suite(.timeLimit(.minutes(10))) struct GathererTests {
    /// Runs `work` over stores that die, until it ends with the last one, which does not.
    private func dying(
        _ base: any EventStore, times: Int, _ random: inout SeededNumbers,
        _ work: (any EventStore) async throws -> Void
    ) async throws -> Int {
        var deaths = 0
        for _ in 0..<times {
            let append = Int.random(in: 1...4, using: &random)
            let mortal = MortalStore(base, dyingAt: append, isStored: Bool.random(using: &random))
            do { try await work(mortal) } catch { deaths += 1 }
        }
        try await work(base)
        return deaths
    }

    @Test("a gatherer that is killed at random appends loses and doubles nothing, and keeps the order of each log")
    func gathers() async throws {
        let logs = try Logs()
        let together = MemoryEventStore(limits: .small)
        var random = SeededNumbers()
        var deaths = 0
        for round in 0..<10 {
            for key in 1...10 { try await logs.order(round * 10 + key) }
            deaths += try await dying(together, times: 5, &random) { store in
                // A run that the other store ended is a killed process: it does not look for the place itself.
                try await Gatherer("shop", from: logs.set, into: store).catchUp()
            }
        }
        #expect(deaths > 10)
        #expect(try await logs.ids(together, .category("order")) == logs.ids(logs.sales))
        #expect(try await logs.ids(together, .category("payment")) == logs.ids(logs.money))
        #expect(try await together.tracking(of: "shop-sales")?.position == 100)
    }

    @Test("two gatherers at once, and one that is cancelled, append each event once")
    func competes() async throws {
        let logs = try Logs()
        let together = MemoryEventStore(limits: .small)
        let gatherers = try (0..<2).map { _ in try Gatherer("shop", from: logs.set, into: together) }
        let stopped = Task { try await gatherers[0].run() }
        try await running({ try await gatherers[1].run() }) {
            for key in 1...100 {
                try await logs.order(key)
                if key == 50 { stopped.cancel() }
            }
            #expect(try await eventually { try await together.head() == 200 })
        }
        #expect(try await logs.ids(together, .category("order")) == logs.ids(logs.sales))
        #expect(try await logs.ids(together, .category("payment")) == logs.ids(logs.money))
    }

    @Test("events of a category that was copied to another log are gathered once; other contents are an error")
    func copied() async throws {
        let logs = try Logs()
        for key in 1...3 { try await logs.order(key) }
        let together = MemoryEventStore()
        let gatherer = try Gatherer("shop", from: logs.set, into: together)
        try await gatherer.catchUp()
        let copies = try await logs.sales.read(.category("order")).events
        _ = try await logs.money.append(AppendRequest(copies.map { .init(stream: $0.stream, event: $0.data) }))
        try await logs.happens(.paid(cents: 1), in: "payment", 9)
        try await gatherer.catchUp()
        #expect(try await together.head() == 7)
        #expect(try await together.tracking(of: "shop-money")?.position == 7)
        // The same id with other contents is no copy.
        let id = EventID()
        let events = [EventData(id: id, type: "a", payload: [1]), EventData(id: id, type: "a", payload: [2])]
        try await logs.sales.append([events[0]], to: "other-1")
        try await gatherer.catchUp()
        try await logs.money.append([events[1]], to: "other-2")
        await #expect(throws: EventIDConflict.self) { try await gatherer.catchUp() }
    }

    @Test("streams of the same name in the logs of tenants get names of their own")
    func tenants() async throws {
        let (first, second) = (MemoryEventStore(), MemoryEventStore())
        let set = try StoreSet(["a": first, "b": second])
        for store in [first, second] {
            try await store.append([EventData(id: EventID(), type: "opened", payload: [])], to: "account-1")
        }
        let together = MemoryEventStore()
        let gatherer = try Gatherer("tenants", from: set, into: together) { log, stream in
            StreamID(stream.category, "\(log)-\(stream.key)")
        }
        try await gatherer.catchUp()
        #expect(try await together.stream("account-a-1")?.revision == 1)
        #expect(try await together.stream("account-b-1")?.revision == 1)
    }

    @Test("a projection of two logs has each event once, also after kills")
    func projection() async throws {
        let logs = try Logs()
        let together = MemoryEventStore(limits: .small)
        let model = try SQLiteReadModel()
        var random = SeededNumbers()
        for round in 0..<8 {
            for key in 1...25 { try await logs.order(round * 25 + key) }
            _ = try await dying(together, times: 3, &random) { store in
                try await Gatherer("shop", from: logs.set, into: store).catchUp()
                try await Projector(Totals(), from: store, into: model).catchUp()
            }
        }
        try await Projector(Totals(), from: together, into: model).catchUp()
        let rows = try await model.rows("SELECT * FROM totals ORDER BY key", as: Total.self)
        #expect(
            rows == [
                Total(key: "paid", cents: 20_100, events: 200), Total(key: "placed", cents: 20_100, events: 200),
            ])
    }

    @Test("a process manager over two logs ships each paid order once, whenever its runner is killed")
    func process() async throws {
        let logs = try Logs()
        let together = MemoryEventStore()
        let model = try SQLiteReadModel()
        let shipments = CommandHandler<Shipment>("shipment", in: try logs.set.store(for: "shipment"))
        var random = SeededNumbers()
        var deaths = 0
        for round in 0..<6 {
            for key in 1...10 {
                try await logs.happens(.placed(cents: 1), in: "order", round * 10 + key)
                if key < 10 { try await logs.happens(.paid(cents: 1), in: "payment", round * 10 + key) }
            }
            deaths += try await dying(together, times: 8, &random) { store in
                try await Gatherer("shop", from: logs.set, into: store).catchUp()
                let runner = ProcessRunner(Delivery.self, after: .start, in: store, index: model) { request in
                    switch request {
                    case .ship(let order): .execute(.ship, on: order, with: shipments)
                    }
                } effects: { _ in
                    EffectCall { _ in "" }
                }
                for _ in 0..<20 {
                    try await runner.catchUp()
                    let done = try await logs.ids(logs.sales, .category("shipment")).count
                    if done == (round + 1) * 9 { break }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }
        let shipped = try await logs.sales.read(.category("shipment")).events
        #expect(shipped.count == 54 && Set(shipped.compactMap(\.stream)).count == 54)
        #expect(deaths > 10)
    }
}

extension Limits {
    /// Limits with which an append takes few events.
    fileprivate static var small: Limits {
        var limits = Limits()
        limits.batchEvents = 3
        return limits
    }
}
