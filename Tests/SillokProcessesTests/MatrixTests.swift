import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

/// Everything that must not matter to a process: duplicates, crashes, the order between streams, a second runner, and
/// clocks that jump. The checker knows the log and the bank only.
@Suite(.timeLimit(.minutes(10))) struct MatrixTests {
    private static let orders = ["1", "2", "3", "4"]

    /// Four orders: paid, sold out, never paid, and declined.
    private func plot(_ world: World) async throws {
        try await world.stock("tea", 5)
        try await world.place("1")
        try await world.pay("1")
        try await world.place("2", units: 9)
        try await world.place("3")
        try await world.place("4")
        try await world.pay("4")
        world.bank.answers([.worksSilently, .declines])
    }

    /// The faults of a run with one runner at a time, which calls nothing whose result is recorded.
    private func faults(_ world: World, _ orders: [String]) async throws -> [String] {
        let late = Set(world.bank.late).sorted().map { "P3: \($0) was called after its result was recorded" }
        return try await Checker.faults(world, orders) + late
    }

    @Test(
        "P1, P2, PRC-2: a crash at every append, before it and before its answer",
        arguments: [true, false], ShopStore.allCases)
    func crashes(keepsIndex: Bool, on kind: ShopStore) async throws {
        for moment in CrashingStore.Moment.allCases {
            var number = 0
            while true {
                number += 1
                let world = try World(on: kind)
                try await plot(world)
                let crashing = CrashingStore(world.store, atAppend: number, moment)
                for _ in 1...3 {
                    try? await world.runner(over: crashing).catchUp()
                    world.clock.advance(by: .seconds(5))
                }
                world.clock.advance(by: .seconds(60))
                if !keepsIndex { world.index.withLock { $0 = (try? SQLiteReadModel()) ?? $0 } }
                try await world.settle(world.runner())
                world.clock.advance(by: .seconds(1800))
                try await world.settle(world.runner())
                let faults = try await faults(world, Self.orders)
                #expect(faults == [], "a crash \(moment) at append \(number)")
                if !crashing.hasCrashed || number > 80 { break }
            }
            #expect(number > 20)
        }
    }

    @Test(
        "P2: requests to another store: a crash at every append executes each command once",
        arguments: ShopStore.allCases)
    func otherStore(_ kind: ShopStore) async throws {
        var number = 0
        while true {
            number += 1
            let world = try World(on: kind, hasOther: true)
            try await plot(world)
            let crashing = CrashingStore(world.store, atAppend: number, .beforeAppend)
            try? await world.runner(over: crashing).catchUp()
            world.clock.advance(by: .seconds(60))
            try await world.settle(world.runner())
            world.clock.advance(by: .seconds(1800))
            try await world.settle(world.runner())
            let faults = try await faults(world, Self.orders)
            #expect(faults == [], "a crash at append \(number)")
            if !crashing.hasCrashed || number > 80 { break }
        }
        #expect((11...80).contains(number))
    }

    @Test(
        "P1, P5, PRC-4: all orders of three events in three streams, handled one by one or together",
        arguments: ShopStore.allCases)
    func permutations(on kind: ShopStore) async throws {
        let events: [(ShopEvent, StreamCategory)] = [
            (.placed(item: "tea", units: 1, cents: 500), "order"), (.paid(cents: 500), "payment"),
            (.withdrawn, "order"),
        ]
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for isTogether in [true, false] {
                let world = try World(on: kind)
                try await world.stock("tea", 5)
                for index in order {
                    try await world.happens(events[index].0, to: "1", in: events[index].1)
                    if !isTogether { try await world.settle(world.runner()) }
                }
                try await world.settle(world.runner(index: SQLiteReadModel()))
                world.clock.advance(by: .seconds(1800))
                try await world.settle(world.runner())
                let faults = try await faults(world, ["1"])
                #expect(faults == [], "order \(order), together: \(isTogether)")
            }
        }
    }

    private static let lastSeed = UInt64(Environment.count("SILLOK_PROCESS_SEEDS", default: 20))

    @Test(
        "P1 to P10: seeds of shops with duplicates, crashes, lost indexes and jumps",
        arguments: 1...lastSeed, ShopStore.allCases)
    func seeds(seed: UInt64, on kind: ShopStore) async throws {
        var random = SeededNumbers(seed: seed)
        let world = try World(on: kind)
        try await world.stock("tea", Int.random(in: 3...8, using: &random))
        let orders = (1...6).map { "\($0)" }
        var unpaid = Set(orders)
        for order in orders { try await world.place(order) }
        // The first payment of this one parks it, and the second waits behind the first.
        try await world.place("parked")
        try await world.happens(.paid(cents: 1), to: "parked", in: "payment", after: 1000)
        try await world.pay("parked")
        for _ in 1...12 {
            if Bool.random(using: &random), let order = unpaid.sorted().randomElement(using: &random) {
                unpaid.remove(order)
                try await world.pay(order)
            }
            if Int.random(in: 0..<6, using: &random) == 0, let order = orders.randomElement(using: &random) {
                try await world.happens(.withdrawn, to: order)
            }
            world.bank.answers(
                (0..<3).map { _ in [.works, .worksSilently, .isDown, .declines].randomElement(using: &random) ?? .works
                })
            let crash = CrashingStore(
                world.store, atAppend: Int.random(in: 1...12, using: &random),
                Bool.random(using: &random) ? .beforeAppend : .beforeAnswer)
            let index = Int.random(in: 0..<4, using: &random) == 0 ? try SQLiteReadModel() : nil
            try? await world.runner(over: crash, index: index).catchUp()
            world.clock.advance(by: .seconds(Int.random(in: -30...400, using: &random)))
        }
        world.bank.answers([])
        world.clock.advance(by: .seconds(3600))
        try await world.settle(world.runner())
        var faults = try await faults(world, orders)
        faults += try await Checker.faults(world, ["parked"], isEnded: false)
        #expect(faults == [], "seed \(seed)")
        #expect(try await world.outcome("parked") != "confirmed", "seed \(seed)")
        if seed == Self.lastSeed { print("PRC-2: the matrix on \(kind.testDescription) with the seeds 1 to \(seed)") }
    }
}
