import Sillok
import SillokCore
import SillokHistory
import SillokProcesses
import SillokRehearsal
import SillokSQLite
import SillokTesting
import Testing

@Suite struct OverdueTests {
    private let world: World
    private let orders = (1...6).map { "\($0)" }

    init() throws { world = try World() }

    /// Six unpaid orders, and no runner for a day.
    private func wait(_ runner: ProcessRunner<Checkout>) async throws {
        try await world.stock("tea", 100)
        for order in orders { try await world.place(order) }
        try await runner.catchUp()
        world.clock.advance(by: .seconds(86_400))
    }

    private func fired() async throws -> Int {
        var count = 0
        for order in orders { count += try await world.names(order).filter { $0 == "deadlineFired" }.count }
        return count
    }

    @Test("P8: overdue deadlines are listed before anything is executed, also those of events that were not handled")
    func lists() async throws {
        let runner = world.runner()
        try await wait(runner)
        try await world.place("7")
        world.clock.advance(by: .seconds(3600))
        let overdue = try await world.runner().overdueDeadlines()
        #expect(Set(overdue.map(\.key)) == Set(orders + ["7"]))
        #expect(overdue.allSatisfy { $0.deadline == .payment })
        #expect(try await fired() == 0)
        #expect(try await world.stockEvents().filter { $0 == "reserved" }.count == 6)
        #expect(try await world.runner().overdueDeadlines(limit: 2).count == 2)
    }

    @Test("P8: dropped deadlines are cancelled with a reason, and never fire", arguments: [1, 3])
    func drops(partitions: Int) async throws {
        var options = World.options
        options.partitions = partitions
        options.page = 2
        let runner = world.runner(options: options)
        try await wait(runner)
        let ada = Metadata(actor: "Ada")
        let count = try await Metadata.$current.withValue(ada) {
            try await runner.resolveOverdue(by: .drop, reason: "they were informed by mail")
        }
        #expect(count == 6)
        try await world.settle(runner)
        #expect(try await fired() == 0)
        for order in orders {
            #expect(try await world.outcome(order).isEmpty)
            let act = try #require(try await world.records(order).first { $0.event.type == "actRequested" })
            #expect(act.event.metadata.actor == "Ada")
            #expect(act.event.metadata.reason == "they were informed by mail")
        }
        #expect(try await runner.overdueDeadlines().isEmpty)
    }

    @Test("P8: adopted deadlines count as passed: the instance ends, and nothing is done that was done before")
    func adopts() async throws {
        let runner = world.runner()
        try await wait(runner)
        let (calls, stock) = (world.bank.calls, try await world.stockEvents())
        #expect(try await runner.resolveOverdue(by: .adopt, reason: "the old shop cancelled these orders") == 6)
        try await world.settle(runner)
        for order in orders {
            let records = try await world.records(order)
            let acts = ["actRequested", "deadlineFired", "completed", "actEnded"]
            #expect(records.suffix(4).map(\.event.type.text) == acts)
            #expect(records.last?.event.metadata.reason == "the old shop cancelled these orders")
            #expect(try await world.outcome(order).isEmpty)
        }
        #expect(world.bank.calls == calls)
        #expect(try await world.stockEvents() == stock)
        #expect(try await runner.overdueDeadlines().isEmpty)
        #expect(try await runner.status().instances == ["completed": 6])
        // A later rehearsal of the log follows the acts.
        let report = try await world.store.past().rehearse(Checkout.self)
        #expect(report.isSame, "\(report)")
    }

    @Test("P8: spread deadlines fire at different times within the given one, each once")
    func spreads() async throws {
        let runner = world.runner()
        try await wait(runner)
        #expect(try await runner.resolveOverdue(by: .spread(over: .seconds(3600)), reason: "one hour") == 6)
        try await runner.catchUp()
        let first = try await fired()
        world.clock.advance(by: .seconds(1800))
        try await runner.catchUp()
        let second = try await fired()
        #expect(first < second)
        #expect(second < 6)
        world.clock.advance(by: .seconds(1801))
        try await runner.catchUp()
        #expect(try await fired() == 6)
        #expect(try await Checker.faults(world, orders) == [])
    }

    @Test("P8: events before the introduction are applied to the state, and lead to no steps except the end")
    func stateOnly() async throws {
        for order in ["1", "2"] { try await world.place(order) }
        try await world.happens(.withdrawn, to: "2")
        var options = World.options
        options.reactsAfter = try await world.store.head()
        try await world.pay("1")
        let runner = world.runner(options: options)
        try await world.settle(runner)
        #expect(try await world.names("1") == ["started", "received", "received", "deadlineCancelled"])
        #expect(try await world.names("2") == ["started", "received", "received", "completed"])
        #expect(try await runner.state(of: "1")?.cents == 500)
        #expect(world.bank.calls == 0)
    }
}
