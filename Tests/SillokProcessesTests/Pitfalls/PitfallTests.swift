import Sillok
import SillokCore
@testable import SillokProcesses
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

/// Failure classes of other systems, by their rows in the design.
@Suite(.timeLimit(.minutes(10))) struct PitfallTests {
    @Test("PRC-5: events that the index proposes again are known by their ids, and the log does not change")
    func replayed() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        for order in ["1", "2"] { try await world.place(order) }
        try await world.pay("1")
        let runner = world.runner()
        try await world.settle(runner)
        #expect(try await world.outcome("1") == "confirmed")
        let (head, calls) = (try await world.store.head(), world.bank.calls)
        let id = ProcessIndex<Checkout>.id
        let work = ProcessTables(process: Checkout.name).work
        for event in try await world.store.read(Checkout.source).events {
            let key = event.stream?.key ?? ""
            let row: SQL = """
                INSERT INTO \(table: work) (id, key, kind, name, shard, look, position, due, attempts)
                VALUES (\(event.id.description), \(key), 'input', '', 0, 0, \(event.position), 0, 0)
                """
            try await world.index.withLock { $0 }.write(ReadModelWrite([.init(row, of: id)]))
        }
        try await within(.seconds(300)) { try await runner.catchUp() }
        #expect(try await world.store.head() == head && world.bank.calls == calls)
        #expect(try await runner.status().waiting == ["deadline": 1])
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("PRC-5: planted: a feed that is not in the order of the log is found", arguments: [true, false])
    func shuffled(isPlanted: Bool) async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        for _ in 1...2 { try await world.pay("1") }
        let model = world.index.withLock { $0 }
        let runner = world.runner(index: isPlanted ? ShuffledModel(base: model) : model)
        try await runner.catchUp()
        let faults = try await Checker.faults(world, ["1"])
        #expect(faults.contains { $0.contains("in another order") } == isPlanted, "\(faults)")
    }

    @Test("PRC-12: three runners whose clocks run wrong: due times are the store's, and each deadline fires once")
    func skewedClocks() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        let orders = (1...10).map { "\($0)" }
        for order in orders { try await world.place(order) }
        let isAtEnd = Lock(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for rate in [0.05, 20, 200] {
                var options = World.options
                options.clock = WrongClock(rate: rate)
                // The fast clocks take the leases of the others, and the slow one renews its own too late.
                options.lease = .milliseconds(500)
                options.partitions = 3
                options.pollInterval = .milliseconds(Int(max(1, 20 * rate)))
                let runner = world.runner(options: options)
                group.addTask { try await runner.run() }
            }
            var options = World.options
            (options.lease, options.partitions) = (.milliseconds(500), 3)
            // The fast clocks pass the deadlines within a second. A runner that trusts its own clock fires then.
            try await world.runner(options: options).running(until: {
                let elapsed = world.clock.now.microseconds(since: ManualClock().now)
                world.clock.advance(by: elapsed < 1_700_000_000 ? .seconds(50) : .milliseconds(10))
                for order in orders where try await world.names(order).count < 5 { return false }
                if elapsed < 1_700_000_000 { return false }
                if !isAtEnd.withLock({ $0 }) {
                    isAtEnd.withLock { $0 = true }
                    try await Task.sleep(for: .seconds(1))
                    for order in orders { #expect(try await world.outcome(order).isEmpty) }
                    world.clock.advance(by: .seconds(200))
                }
                return try await Checker.faults(world, orders).isEmpty
            })
            group.cancelAll()
        }
        #expect(try await Checker.faults(world, orders) == [])
        for order in orders {
            #expect(try await world.names(order).filter { $0 == "deadlineFired" }.count == 1)
            #expect(try await world.outcome(order) == "cancelled")
        }
    }

    @Test("PRC-12: a runner alone whose clock runs 200 times too fast fires nothing before the store's time")
    func fastClock() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        let orders = (1...5).map { "\($0)" }
        for order in orders { try await world.place(order) }
        var options = World.options
        let clock = WrongClock(rate: 200)
        options.clock = clock
        options.pollInterval = .seconds(4)
        let start = Lock<WrongClock.Instant?>(nil)
        try await world.runner(options: options).running(until: {
            for order in orders where try await world.names(order).count < 5 { return false }
            let known = start.withLock { start in
                start = start ?? clock.now
                return start ?? clock.now
            }
            // The clock of the runner passes the deadlines, and that of the store stays.
            if known.duration(to: clock.now) < .seconds(3600) {
                for order in orders { #expect(try await world.outcome(order).isEmpty) }
                return false
            }
            if world.clock.now.microseconds(since: ManualClock().now) == 0 { world.clock.advance(by: .seconds(1801)) }
            return try await Checker.faults(world, orders).isEmpty
        })
        #expect(try await Checker.faults(world, orders) == [])
    }

    @Test("PRC-16: a poison input, an outage, and both at once: the poison alone parks, and its instance alone")
    func poisonAndOutage() async throws {
        let clock = ManualClock()
        var limits = Limits()
        limits.payloadBytes = 1000
        let outage = OutageStore(MemoryEventStore(limits: limits, clock: clock.wallClock))
        let world = try World(outage, clock)
        try await world.stock("tea", 10)
        for order in ["1", "2"] { try await world.place(order) }
        // Its request and its undo together are larger than an event may be.
        let item = String(repeating: "x", count: 700)
        try await world.happens(.placed(item: item, units: 1, cents: 500), to: "poison")
        let runner = world.runner()
        // What the requests decide on does not answer.
        outage.extent.withLock { $0 = .stock }
        for _ in 0..<3 {
            try await runner.catchUp()
            clock.advance(by: .seconds(10))
        }
        #expect(try await runner.status().instances == ["running": 2, "parked": 1])
        #expect(try await runner.status().failure != nil)
        // Nothing answers for a minute.
        outage.extent.withLock { $0 = .all }
        for _ in 0..<6 {
            await #expect(throws: (any Error).self) { try await runner.catchUp() }
            clock.advance(by: .seconds(10))
        }
        outage.extent.withLock { $0 = .none }
        for order in ["1", "2", "poison"] { try await world.pay(order) }
        try await world.settle(runner)
        #expect(try await Checker.faults(world, ["1", "2"]) == [])
        for order in ["1", "2"] { #expect(try await world.outcome(order) == "confirmed") }
        #expect(try await world.names("poison") == ["parked"])
        #expect(try await world.outcome("poison").isEmpty)
    }

    @Test("PRC-18: passes every few milliseconds while calls run: each step is called once")
    func recovery() async throws {
        let orders = (1...20).map { "\($0)" }
        let world = try World()
        try await world.stock("tea", 1000)
        for order in orders { try await world.place(order) }
        try await world.runner().catchUp()
        for order in orders { try await world.pay(order) }
        var options = World.options
        options.pollInterval = .milliseconds(5)
        let calls = Lock<[String: Int]>([:])
        let runner = world.runner(options: options) { effect, attempt in
            calls.withLock { $0[attempt.idempotencyKey, default: 0] += 1 }
            try await Task.sleep(for: .milliseconds(60))
            return try world.bank.call(effect, key: attempt.idempotencyKey)
        }
        try await runner.running(until: { try await Checker.faults(world, orders).isEmpty })
        #expect(calls.withLock { $0.values.filter { $0 != 1 } } == [])
    }

    @Test(
        "PRC-21: a provider that forgets keys after an hour, and is down for two: charged once",
        arguments: [true, false])
    func forgottenKey(hasLookUp: Bool) async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        try await world.pay("1")
        var policy = World.policy
        (policy.attempts, policy.keyLifetime, policy.longestPause) = (100_000, .seconds(3600), .seconds(60))
        let (isDown, firstCall) = (Lock(false), Lock<Timestamp?>(nil))
        let runner = world.runner(policy: policy, hasLookUp: hasLookUp) { effect, attempt in
            guard case .charge = effect else { return try world.bank.call(effect, key: attempt.idempotencyKey) }
            let now = world.clock.now
            let first = firstCall.withLock { first in
                first = first ?? now
                return first ?? now
            }
            if isDown.withLock({ $0 }) { throw Bank.Down() }
            // A key that was forgotten is a new one.
            let isKnown = now.microseconds(since: first) <= 3_600_000_000
            _ = try world.bank.call(effect, key: attempt.idempotencyKey + (isKnown ? "" : " again"))
            // The answer to the first call is lost.
            if now == first { throw Bank.Down() }
            return "receipt"
        }
        try await runner.catchUp()
        isDown.withLock { $0 = true }
        for _ in 0..<140 {
            world.clock.advance(by: .seconds(60))
            try await runner.catchUp()
        }
        isDown.withLock { $0 = false }
        try await world.settle(runner)
        #expect(world.bank.net("1") == 500)
        if !hasLookUp {
            #expect(try await world.names("1").last == "effectUnknown")
            let step = try #require(try await world.records("1").first { $0.event.type == "effectPlanned" }?.event.id)
            #expect(try await runner.settle(step, of: "1", as: .done("the bank has it")))
        }
        try await world.settle(runner)
        #expect(try await world.outcome("1") == "confirmed")
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("PRC-22: a provider that acts after its timeout: no compensation before the outcome, and none is missed")
    func lateAction() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        try await world.pay("1")
        var policy = World.policy
        policy.timeout = .milliseconds(20)
        let late = Lock<(effect: Checkout.Effect, key: String)?>(nil)
        let runner = world.runner(policy: policy) { effect, attempt in
            let isFirst = late.withLock { late in
                defer { late = late ?? (effect, attempt.idempotencyKey) }
                return late == nil
            }
            if isFirst { try await Task.sleep(for: .seconds(600)) }
            return try world.bank.call(effect, key: attempt.idempotencyKey)
        }
        try await runner.catchUp()
        try await world.happens(.withdrawn, to: "1")
        try await runner.catchUp()
        // The order is withdrawn, and it is not known yet whether the card is charged.
        #expect(try await world.names("1").contains("compensationStarted"))
        #expect(try await world.stockEvents() == ["stocked", "reserved"])
        let call = try #require(late.withLock { $0 })
        _ = try world.bank.call(call.effect, key: call.key)
        #expect(world.bank.net("1") == 500)
        try await world.settle(runner)
        #expect(world.bank.net("1") == 0)
        #expect(try await world.stockEvents() == ["stocked", "reserved", "released"])
        #expect(try await Checker.faults(world, ["1"]) == [])
    }
}
