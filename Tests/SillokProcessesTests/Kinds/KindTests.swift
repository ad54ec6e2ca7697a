import Foundation
import Sillok
import SillokCore
import SillokProcessOperations
import SillokReadSide
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokProcesses

#if Postgres
import SillokPostgres
#endif

/// A kind of effect whose calls keep failing is paused, and the other kinds continue.
@Suite(.timeLimit(.minutes(10))) struct KindTests {
    private let whom = Operator("Ada", because: "the bank is up")

    @Test("PRC-15: a kind that keeps failing is paused", arguments: ShopStore.allCases)
    func paused(on kind: ShopStore) async throws {
        let (folder, clock) = (TemporaryFolder(), ManualClock())
        let store = try kind.open(in: folder, clock)
        try await check(World(store, clock, folders: [folder]), SQLiteReadModel(path: folder("index.sqlite")))
    }

    #if Postgres
    private static var server: String { ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? "" }

    @Test("PRC-15: a kind that keeps failing is paused: over PostgreSQL", .enabled(if: !server.isEmpty))
    func postgres() async throws {
        let name = String(EventID().description.suffix(12))
        let clock = ManualClock()
        let store = try await PostgresEventStore(Self.server, schema: "kinds_\(name)", clock: clock.wallClock)
        let model = try await PostgresReadModel(Self.server, schema: "kinds_index_\(name)")
        try await check(World(store, clock), model)
        await model.close()
        await store.close()
    }
    #endif

    private static var policy: EffectCall.Policy {
        var policy = World.policy
        policy.failuresBeforePause = 5
        policy.attempts = 50
        return policy
    }

    private func check(_ world: World, _ model: any ReadModel) async throws {
        let teller = Teller(world.bank)
        func runner() -> ProcessRunner<Checkout> {
            world.runner(index: model, policy: Self.policy) { try teller.call($0, $1) }
        }
        func run() async throws { try await runner().catchUp() }
        let operations = ProcessOperations(of: world.store, in: model, wallClock: world.clock.wallClock, ids: world.ids)
        let orders = (1...12).map { "\($0)" }
        // The charge of one order is done, and its invoice waits for its second attempt.
        teller.state.withLock { $0.isPostDown = true }
        try await world.stock("tea", 100)
        try await place(["other"], in: world)
        try await run()
        teller.state.withLock { $0 = Teller.State(isBankDown: true) }
        try await place(orders, in: world)
        try await run()
        #expect(teller.charges == 5)
        // A new runner sees the pause. The instances with other kinds of effects continue.
        world.clock.advance(by: .seconds(2))
        let second = runner()
        try await second.catchUp()
        #expect(teller.charges == 5)
        #expect(try await world.names("other").last == "effectDone")
        let paused = try #require(try await second.status().pausedKinds.first)
        #expect(paused.kind == "charge" && paused.tries == 0 && paused.reason.contains("Down"))
        #expect(try await operations.process("checkout").pausedKinds == [paused])
        #expect(try await operations.measurements().first?.pausedKinds.keys.sorted() == ["charge"])
        // One call is tried after 5 seconds, and the next after 10.
        for (seconds, charges) in [(4, 6), (9, 6), (2, 7), (19, 7)] {
            world.clock.advance(by: .seconds(seconds))
            for _ in 1...2 { try await run() }
            #expect(teller.charges == charges)
        }
        try await checkResuming(world, teller, operations, run)
        for order in orders { #expect(try await world.outcome(order) == "confirmed") }
        #expect(try await Checker.faults(world, orders) == [])
    }

    /// An operator lets the kind continue too early. It is paused again, and continues when the bank answers.
    private func checkResuming(
        _ world: World, _ teller: Teller, _ operations: ProcessOperations, _ run: () async throws -> Void
    ) async throws {
        try await operations.resume(effects: "charge", of: "checkout", by: whom)
        await #expect(throws: ProcessRefusal.self) {
            try await operations.resume(effects: "charge", of: "checkout", by: whom)
        }
        let audit = try await ReadSide(of: world.store, in: operations.readModel).audit(limit: 1)
        #expect(audit.map(\.actor) == ["Ada"] && audit.map(\.detail) == ["effects charge"])
        try await run()
        #expect(teller.charges == 12)
        #expect(try await operations.process("checkout").pausedKinds.map(\.kind) == ["charge"])
        teller.state.withLock { $0.isBankDown = false }
        world.clock.advance(by: .seconds(6))
        for _ in 1...3 {
            try await run()
            world.clock.advance(by: .seconds(600))
        }
        #expect(try await operations.process("checkout").pausedKinds.isEmpty)
    }

    private func place(_ orders: [String], in world: World) async throws {
        for order in orders {
            try await world.place(order)
            try await world.pay(order)
        }
    }

    @Test("PRC-15: two runners pause a kind together, and one of them tries a call")
    func twoRunners() async throws {
        let clock = ManualClock()
        let counted = PassCounter(MemoryEventStore(clock: clock.wallClock))
        let world = try World(counted, clock)
        let teller = Teller(world.bank)
        teller.state.withLock { $0.isBankDown = true }
        let orders = (1...40).map { "\($0)" }
        try await world.stock("tea", 100)
        try await place(orders, in: world)
        var options = World.options
        (options.partitions, options.lease) = (4, .milliseconds(200))
        let runners = (1...2).map { _ in
            world.runner(options: options, policy: Self.policy) { try teller.call($0, $1) }
        }
        let model = world.index.withLock { $0 }
        let id = ProcessIndex<Checkout>.id
        let pauses = PausedKinds(model: model, tables: ProcessTables(process: "checkout"), build: id)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for runner in runners { group.addTask { try await runner.run() } }
            try await within(.seconds(300)) {
                while (try? await pauses.all().first) == nil { try await counted.passes(1) }
                try await counted.passes(6)
                let before = teller.charges
                // Each runner has made at most 5 calls, and those that were under way.
                #expect((5...26).contains(before))
                try await counted.passes(10)
                #expect(teller.charges == before)
                clock.advance(by: .seconds(6))
                try await counted.passes(20)
                #expect(teller.charges == before + 1)
                teller.state.withLock { $0.isBankDown = false }
                while try await !Checker.faults(world, orders).isEmpty {
                    clock.advance(by: .seconds(1))
                    try await counted.passes(2)
                }
            }
            group.cancelAll()
        }
        #expect(try await pauses.all().isEmpty)
    }

    @Test("PRC-12: a runner whose clock jumps by a day calls nothing early, forgets no key and fires nothing")
    func jumpingClock() async throws {
        let clock = ManualClock()
        let counted = PassCounter(MemoryEventStore(clock: clock.wallClock))
        let world = try World(counted, clock)
        try await world.stock("tea", 10)
        try await place(["1"], in: world)
        world.bank.answers([.isDown])
        let own = JumpingClock()
        var options = World.options
        options.clock = own
        var policy = World.policy
        policy.keyLifetime = .seconds(3600)
        let runner = world.runner(options: options, policy: policy)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            try await within(.seconds(300)) {
                while world.bank.calls < 1 { try await counted.passes(1) }
                for days in [1, -1, -1, 1] {
                    own.jump(by: .seconds(86_400 * days))
                    try await counted.passes(5)
                    #expect(world.bank.calls == 1)
                }
                try await world.place("2")
                while try await !world.names("2").contains("requestAccepted") { try await counted.passes(1) }
                own.jump(by: .seconds(86_400))
                try await counted.passes(5)
                #expect(try await !world.names("2").contains("deadlineFired"))
                clock.advance(by: .seconds(1800))
                while try await world.outcome("1") != "confirmed" { try await counted.passes(1) }
                while try await world.outcome("2") != "cancelled" { try await counted.passes(1) }
            }
            group.cancelAll()
        }
        #expect(try await !world.names("1").contains("effectUnknown"))
        #expect(try await Checker.faults(world, ["1", "2"]) == [])
    }
}

@Suite struct KindHealthTests {
    private let rules = KindHealth.Rules(failures: 3, firstPause: .seconds(5), longestPause: .seconds(30))
    private let start = ManualClock().now

    @Test("only failures one after the other pause a kind")
    func counting() {
        var health = KindHealth()
        for _ in 1...2 { #expect(health.failed("charge", because: "down", at: start, rules) == nil) }
        health.answered()
        for _ in 1...2 { #expect(health.failed("charge", because: "down", at: start, rules) == nil) }
        let pause = health.failed("charge", because: "down", at: start, rules)
        #expect(pause?.nextTry == start.advanced(byMicroseconds: 5_000_000) && pause?.tries == 0)
        #expect(health.failures == 0)
    }

    @Test("tries are further and further apart, up to the longest pause, and a clock that was set back delays none")
    func tries() {
        var pause = PausedKind(kind: "charge", since: start, nextTry: start, tries: 0, reason: "down")
        var pauses: [Int64] = []
        for _ in 1...4 {
            let now = pause.nextTry
            #expect(pause.mayTry(at: now) && !pause.mayTry(at: now.advanced(byMicroseconds: -1)))
            pause = pause.trying(at: now, rules)
            pauses.append(pause.nextTry.microseconds(since: now) / 1_000_000)
        }
        #expect(pauses == [10, 20, 30, 30])
        let before = start.advanced(byMicroseconds: -86_400_000_000)
        #expect(pause.mayTry(at: before))
        let again = pause.trying(at: before, rules)
        #expect(!again.mayTry(at: before) && again.nextTry < start)
    }
}

/// Passes calls on to a bank, unless it or the post is down.
private final class Teller: Sendable {
    struct State: Sendable {
        var isBankDown = false
        var isPostDown = false
        var charges = 0
    }

    let state = Lock(State())
    private let bank: Bank

    init(_ bank: Bank) { self.bank = bank }

    /// The number of calls of the bank, also while it is down.
    var charges: Int { state.withLock { $0.charges } }

    func call(_ effect: Checkout.Effect, _ attempt: EffectAttempt) throws -> String {
        try state.withLock { state in
            if case .charge = effect {
                state.charges += 1
                if state.isBankDown { throw Bank.Down() }
            } else if state.isPostDown {
                throw Bank.Down()
            }
        }
        return try bank.call(effect, key: attempt.idempotencyKey)
    }
}

/// A store that counts the passes of its runners: each asks for the head once.
final class PassCounter: ForwardingEventStore {
    let base: any EventStore
    private let count = Lock(0)

    init(_ base: any EventStore) { self.base = base }

    func head() async throws -> Position {
        count.withLock { $0 += 1 }
        return try await base.head()
    }

    /// Waits until passes have begun.
    func passes(_ number: Int) async throws {
        let end = count.withLock { $0 } + number
        while count.withLock({ $0 }) < end { try await Task.sleep(for: .milliseconds(2)) }
    }
}

/// A clock that can jump.
private final class JumpingClock: Clock {
    typealias Instant = WrongClock.Instant

    private let start = ContinuousClock.now
    private let offset = Lock(Duration.zero)

    var now: Instant { Instant(since: start.duration(to: .now) + offset.withLock { $0 }) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func jump(by duration: Duration) { offset.withLock { $0 += duration } }

    /// A sleep that has begun ends after the time that it was to take, as that of the system does.
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: max(.zero, min(now.duration(to: deadline), .seconds(1))))
    }
}
