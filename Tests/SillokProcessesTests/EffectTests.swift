import Sillok
import SillokCore
@testable import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

@Suite struct EffectTests {
    /// A paid order whose charge is planned.
    private func paid(_ orders: [String] = ["1"]) async throws -> World {
        let world = try World()
        try await world.stock("tea", 1000)
        for order in orders { try await world.place(order) }
        try await world.runner().catchUp()
        for order in orders { try await world.pay(order) }
        return world
    }

    @Test("P3: a lost answer is asked for again under the same key: charged once")
    func lostAnswer() async throws {
        let world = try await paid()
        world.bank.answers([.worksSilently, .isDown])
        try await world.settle(world.runner())
        #expect(world.bank.net("1") == 500)
        #expect(world.bank.calls == 4)
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("P3: a decline is final, and the order is undone")
    func declined() async throws {
        let world = try await paid()
        world.bank.answers([.declines])
        try await world.settle(world.runner())
        #expect(try await world.outcome("1") == "cancelled")
        #expect(try await world.stockEvents() == ["stocked", "reserved", "released"])
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("P3: after the last attempt the look-up settles the outcome")
    func lookUp() async throws {
        let world = try await paid()
        world.bank.answers([.worksSilently, .isDown, .isDown])
        try await world.settle(world.runner())
        #expect(try await world.outcome("1") == "confirmed")
        #expect(try await !world.names("1").contains("effectUnknown"))
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("P3: without a look-up the outcome is unknown, no call follows, and an operator settles it")
    func unknown() async throws {
        let world = try await paid()
        world.bank.answers([.worksSilently, .isDown, .isDown])
        let runner = world.runner(hasLookUp: false)
        try await world.settle(runner)
        #expect(try await world.names("1").last == "effectUnknown")
        #expect(try await runner.status().waiting["unknown"] == 1)
        let calls = world.bank.calls
        world.clock.advance(by: .seconds(86_400))
        try await world.settle(runner)
        #expect(world.bank.calls == calls)
        let step = try #require(try await world.records("1").first { $0.event.type == "effectPlanned" }?.event.id)
        #expect(try await runner.settle(step, of: "1", as: .done("the bank has it")))
        try await runner.catchUp()
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("P3: a key whose lifetime is over is not used again")
    func lifetime() async throws {
        let world = try await paid()
        var policy = World.policy
        policy.keyLifetime = .seconds(60)
        world.bank.answers([.worksSilently])
        try await world.runner(policy: policy).catchUp()
        let calls = world.bank.calls
        world.clock.advance(by: .seconds(120))
        try await world.runner(policy: policy, hasLookUp: false).catchUp()
        #expect(world.bank.calls == calls)
        #expect(try await world.names("1").last == "effectUnknown")
    }

    @Test("P3: a call that does not end is given up after its timeout, and made again")
    func timeout() async throws {
        let world = try await paid()
        var policy = World.policy
        policy.timeout = .milliseconds(20)
        let calls = Lock(0)
        let runner = world.runner(policy: policy) { effect, attempt in
            let number = calls.withLock { calls in
                calls += 1
                return calls
            }
            if number == 1 { try await Task.sleep(for: .seconds(600)) }
            return try world.bank.call(effect, key: attempt.idempotencyKey)
        }
        try await world.settle(runner)
        #expect(try await Checker.faults(world, ["1"]) == [])
        #expect(try await world.outcome("1") == "confirmed")
    }

    @Test("P3: not more calls of a kind at once than its limit")
    func limit() async throws {
        let orders = (1...12).map { "\($0)" }
        let world = try await paid(orders)
        var policy = World.policy
        policy.limit = 2
        let counts = Lock((now: 0, most: 0))
        let runner = world.runner(policy: policy) { effect, attempt in
            if case .charge = effect {
                counts.withLock { counts in
                    counts.now += 1
                    counts.most = max(counts.most, counts.now)
                }
                try await Task.sleep(for: .milliseconds(5))
                counts.withLock { $0.now -= 1 }
            }
            return try world.bank.call(effect, key: attempt.idempotencyKey)
        }
        try await runner.running(until: { try await Checker.faults(world, orders).isEmpty })
        #expect(counts.withLock { $0.most } == 2)
    }

    @Test("PRC-1: a result never arrives before its step, also if the other side answers at once")
    func answersAtOnce() async throws {
        let orders = (1...50).map { "\($0)" }
        let world = try await paid(orders)
        let early = Lock(0)
        let runner = world.runner { effect, attempt in
            let id = EventID(attempt.idempotencyKey) ?? EventID()
            if try await world.store.event(id) == nil { early.withLock { $0 += 1 } }
            return try world.bank.call(effect, key: attempt.idempotencyKey)
        }
        try await runner.catchUp()
        #expect(early.withLock { $0 } == 0)
        #expect(try await Checker.faults(world, orders) == [])
    }

    @Test("PRC-17: a call of 10 leases beside a second runner is made once, and its outcome is taken once")
    func slowCall() async throws {
        let world = try await paid()
        var options = World.options
        options.lease = .milliseconds(100)
        let calls = Lock(0)
        func runner() -> ProcessRunner<Checkout> {
            world.runner(options: options) { effect, attempt in
                if case .charge = effect {
                    calls.withLock { $0 += 1 }
                    try await Task.sleep(for: .seconds(1))
                }
                return try world.bank.call(effect, key: attempt.idempotencyKey)
            }
        }
        let second = runner()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await second.run() }
            try await runner().running(until: { try await world.outcome("1") == "confirmed" })
            group.cancelAll()
        }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test("PRC-13: the work of a runner that died is continued by another, under its lease")
    func takeOver() async throws {
        let orders = (1...5).map { "\($0)" }
        let world = try await paid(orders)
        var options = World.options
        options.lease = .milliseconds(100)
        let crashing = CrashingStore(world.store, atAppend: 9, .beforeAnswer)
        let dying = world.runner(over: crashing, options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await dying.run() }
            try await world.runner(options: options)
                .running(until: {
                    // What the dying runner could not do is tried again after a pause, by the store's clock.
                    world.clock.advance(by: .milliseconds(100))
                    return try await Checker.faults(world, orders).isEmpty
                })
            group.cancelAll()
        }
        #expect(try await Checker.faults(world, orders) == [])
    }
}

extension ProcessRunner {
    /// Runs until a condition holds, which is asked after each append; throws after 60 seconds.
    func running(until isDone: @escaping @Sendable () async throws -> Bool) async throws {
        try await within(.seconds(300)) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.run() }
                group.addTask { [store = self.store] in
                    while try await !isDone() {
                        let head = try await store.head()
                        if try await isDone() { return }
                        try await withThrowingTaskGroup(of: Void.self) { waiting in
                            waiting.addTask { try await store.reach(head.next) }
                            waiting.addTask { try await Task.sleep(for: .milliseconds(100)) }
                            defer { waiting.cancelAll() }
                            try await waiting.next()
                        }
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }
}
