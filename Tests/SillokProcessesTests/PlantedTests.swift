import Sillok
import SillokCore
@testable import SillokProcesses
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// Bugs that the checker must find. Each is planted at a seam of the runner: the store, the index or the mappings.
@Suite struct PlantedTests {
    private func world(paid: Bool = true) async throws -> World {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        if paid { try await world.pay("1") }
        return world
    }

    private func ends(_ world: World, _ runner: ProcessRunner<Checkout>) async throws -> [String] {
        try await world.settle(runner)
        world.clock.advance(by: .seconds(1800))
        try await world.settle(runner)
        return try await Checker.faults(world, ["1"])
    }

    @Test("planted: a step that is executed before it is recorded")
    func executedBeforeRecorded() async throws {
        let world = try await world()
        let eager = PlantedStore(base: world.store) { entries in
            for entry in entries where entry.event.type == "received" {
                _ = try? world.bank.call(.charge(order: "1", cents: 500), key: EventID().description)
            }
            return entries
        }
        #expect(try await ends(world, world.runner(over: eager)).contains { $0.contains("no record planned") })
    }

    @Test("planted: an idempotency key from a random source")
    func randomKey() async throws {
        let world = try await world()
        world.bank.answers([.worksSilently])
        let runner = world.runner { effect, _ in try world.bank.call(effect, key: EventID().description) }
        #expect(try await ends(world, runner).contains { $0.contains("the bank has 1000 of 500") })
    }

    @Test("planted: the id of a command from a random source, towards another store")
    func randomCommandID() async throws {
        let world = try World()
        let other = MemoryEventStore(clock: world.clock.wallClock)
        let data = try EventCoding<Stock.Event>().encode(.stocked(units: 10))
        try await other.append([data], to: "stock-tea")
        try await world.place("1")
        let random = PlantedStore(base: other) { entries in
            entries.map { entry in
                var entry = entry
                entry.event.id = EventID()
                return entry
            }
        }
        let crashing = CrashingStore(world.store, atAppend: 2, .beforeAppend)
        try? await world.runner(over: crashing, targets: random).catchUp()
        world.clock.advance(by: .seconds(60))
        try await world.runner(targets: random).catchUp()
        #expect(try await other.read(.category("stock")).events.filter { $0.type == "reserved" }.count == 2)
    }

    @Test("planted: a deadline that is not recorded")
    func deadlineInMemory() async throws {
        let world = try await world(paid: false)
        let runner = world.runner(over: PlantedStore.without("deadlineScheduled", world.store))
        #expect(try await ends(world, runner).contains { $0.contains("the order has no end") })
    }

    @Test("planted: a cancelled deadline that still fires")
    func cancelledFires() async throws {
        let world = try await world()
        // The charge has no outcome while the deadline comes due.
        world.bank.answers(Array(repeating: .isDown, count: 50))
        let runner = world.runner(over: PlantedStore.without("deadlineCancelled", world.store), hasLookUp: false)
        #expect(try await ends(world, runner).contains { $0.contains("overtook the payment") })
    }

    @Test("planted: the follower of a parked event overtakes it")
    func followerOvertakes() async throws {
        let world = try await world(paid: false)
        let first = try await world.happens(.paid(cents: 1), to: "1", in: "payment")
        try await world.pay("1")
        let skipping = PlantedStore(base: world.store, shows: { $0.id != first })
        #expect(try await ends(world, world.runner(over: skipping)).contains { $0.contains("one was overtaken") })
    }

    @Test("planted: effects that a rebuild of the index executes again")
    func executedAgain() async throws {
        let world = try await world()
        // The result is not in the log, and the key is that of a run: what is not recorded is done again.
        for _ in 1...2 {
            let run = EventID().description
            let forgetful = PlantedStore.without("effectDone", world.store)
            let runner = try world.runner(over: forgetful, index: SQLiteReadModel()) { effect, _ in
                try world.bank.call(effect, key: run)
            }
            for _ in 1...4 { try await runner.onePass() }
        }
        #expect(world.bank.net("1") == 1000)
        #expect(try await Checker.faults(world, ["1"]).contains { $0.contains("no record planned") })
    }

    @Test("planted: a deadline that fires before the backlog is read")
    func deadlineBeforeBacklog() async throws {
        let world = try await world(paid: false)
        try await world.runner().catchUp()
        world.clock.advance(by: .seconds(1799))
        try await world.pay("1")
        world.clock.advance(by: .seconds(3600))
        let blind = PlantedStore(base: world.store, knowsHead: false)
        try await world.runner(over: blind).onePass()
        #expect(
            try await Checker.faults(world, ["1"], isEnded: false).contains { $0.contains("overtook the payment") })
    }

    @Test("planted: a compensation while the outcome is unknown")
    func compensationWhileUnknown() async throws {
        let world = try await world()
        world.bank.answers([.worksSilently, .isDown, .isDown])
        let sure = PlantedStore(base: world.store) { entries in
            entries.map { entry in
                guard entry.event.type == "effectUnknown" else { return entry }
                var entry = entry
                entry.event.type = "effectFailed"
                return entry
            }
        }
        let runner = world.runner(over: sure, hasLookUp: false)
        try await world.settle(runner)
        try await world.happens(.withdrawn, to: "1")
        #expect(try await ends(world, runner).contains { $0.contains("cancelled, and the bank has 500") })
    }
}

extension ProcessRunner {
    /// One pass, and the calls that it starts.
    func onePass() async throws {
        try await prepare()
        var calls: [EffectTask] = []
        defer { for call in calls { end(call.step) } }
        let pass = Pass(runner: self, refresh: { _ in try await self.projector.catchUp() }, readsTime: true)
        _ = try await pass.run(Array(0..<options.partitions)) { calls.append($0) }
        for call in calls { try await call.run() }
    }
}
