import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

@Suite struct DeadlineTests {
    @Test("P4: an unpaid order is cancelled at its time, not before, once, after restarts and without its index")
    func fires() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        world.clock.advance(by: .seconds(1799))
        try await world.runner(index: SQLiteReadModel()).catchUp()
        #expect(try await world.outcome("1").isEmpty)
        world.clock.advance(by: .seconds(1))
        try await world.runner(index: SQLiteReadModel()).catchUp()
        #expect(try await world.outcome("1") == "cancelled")
        for _ in 1...3 { try await world.runner(index: SQLiteReadModel()).catchUp() }
        #expect(try await world.names("1").filter { $0 == "deadlineFired" }.count == 1)
        #expect(try await world.stockEvents() == ["stocked", "reserved", "released"])
        #expect(try await Checker.faults(world, ["1"]) == [])
    }

    @Test("PRC-10: paid at 29:59, the runner is down for an hour: never cancelled", arguments: [1, 4])
    func backlog(partitions: Int) async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        let orders = (1...30).map { "\($0)" }
        for order in orders { try await world.place(order) }
        var options = World.options
        options.partitions = partitions
        // A page of one row, so that the backlog is never read at once.
        options.page = 1
        try await world.runner(options: options).catchUp()
        world.clock.advance(by: .seconds(1799))
        for order in orders { try await world.pay(order) }
        world.clock.advance(by: .seconds(3600))
        try await world.settle(world.runner(options: options))
        #expect(try await Checker.faults(world, orders) == [])
        for order in orders { #expect(try await world.outcome(order) == "confirmed") }
    }

    @Test("PRC-6: cancelled at the last tick, at the due time, and after it", arguments: [-1, 0, 1])
    func ticks(offset: Int64) async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        world.clock.move(byMicroseconds: 1_800_000_000 + offset)
        try await world.pay("1")
        try await world.settle(world.runner())
        #expect(try await Checker.faults(world, ["1"]) == [])
        #expect(try await !world.outcome("1").isEmpty)
    }

    @Test("PRC-8: the deadline of an old generation does not reach the new one")
    func generations() async throws {
        let world = try World()
        try await world.stock("tea", 1)
        try await world.place("1", units: 2)
        try await world.runner().catchUp()
        #expect(try await world.outcome("1") == "cancelled")
        world.clock.advance(by: .seconds(1000))
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        world.clock.advance(by: .seconds(1000))
        try await world.runner().catchUp()
        #expect(try await !world.names("1").contains("deadlineFired"))
        world.clock.advance(by: .seconds(1000))
        try await world.runner().catchUp()
        #expect(try await world.names("1").filter { $0 == "deadlineFired" }.count == 1)
    }

    @Test("PRC-9: 8 runners over one store: one firing each")
    func eightClocks() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        let orders = (1...10).map { "\($0)" }
        for order in orders { try await world.place(order) }
        try await world.runner().catchUp()
        world.clock.advance(by: .seconds(1800))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...8 {
                group.addTask { try await world.settle(world.runner(index: SQLiteReadModel())) }
            }
            try await group.waitForAll()
        }
        #expect(try await Checker.faults(world, orders) == [])
        for order in orders { #expect(try await world.outcome(order) == "cancelled") }
    }

    @Test("PRC-11: the store's clock jumps a day forward and back: what is due fires once, and none is lost")
    func jumps() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        try await world.place("1")
        let runner = world.runner()
        try await runner.catchUp()
        world.clock.advance(by: .seconds(86_400))
        try await runner.catchUp()
        #expect(try await world.outcome("1") == "cancelled")
        world.clock.advance(by: .seconds(-86_400))
        try await world.place("2")
        for _ in 1...3 { try await runner.catchUp() }
        #expect(try await world.names("1").filter { $0 == "deadlineFired" }.count == 1)
        #expect(try await world.outcome("2").isEmpty)
        world.clock.advance(by: .seconds(86_400 + 1801))
        try await runner.catchUp()
        #expect(try await world.outcome("2") == "cancelled")
        #expect(try await Checker.faults(world, ["1", "2"]) == [])
    }

    @Test("PRC-13: an overdue deadline is visible, and its lateness is reported when it fires")
    func lateness() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        try await world.runner().catchUp()
        world.clock.advance(by: .seconds(1800 + 600))
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await runner.status().greatestLateness >= .seconds(600))
        #expect(try await runner.status().overdue == .zero)
    }

    @Test("PRC-14: 1,000 deadlines at one instant fire page by page")
    func storm() async throws {
        let world = try World()
        var options = World.options
        options.page = 100
        let orders = (1...1000).map { "\($0)" }
        for order in orders { try await world.place(order) }
        // Nothing is in stock: the requests are refused, so the deadline is scheduled by hand.
        let deadline = try JSONFragment(of: Checkout.Deadline.reminder(number: 1))
        try await world.runner(options: options).catchUp()
        for order in orders {
            let scheduled = try ProcessRecord.coding.encode(
                .deadlineScheduled(
                    deadline: deadline, due: world.clock.now.advanced(byMicroseconds: 1), after: nil, replaces: nil),
                id: world.ids.next())
            try await world.store.append([scheduled], to: Checkout.stream(of: order))
        }
        world.clock.advance(by: .seconds(1))
        let runner = world.runner(options: options)
        try await runner.catchUp()
        #expect(try await runner.status().waiting == [:])
    }

    @Test("PRC-15: 300 instances that cannot fire do not keep a healthy one from firing in time")
    func poisonedPage() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        var options = World.options
        options.page = 10
        let bad = (1...300).map { "bad\($0)" }
        for order in bad { try await world.place(order) }
        try await world.runner(options: options).catchUp()
        for order in bad {
            let parked = try ProcessRecord.coding.encode(.parked(input: nil, reason: "test"), id: world.ids.next())
            try await world.store.append([parked], to: Checkout.stream(of: order))
        }
        world.clock.advance(by: .seconds(10))
        try await world.place("good")
        try await world.runner(options: options).catchUp()
        world.clock.advance(by: .seconds(1800))
        try await world.runner(options: options).catchUp()
        #expect(try await world.outcome("good") == "cancelled")
        #expect(try await world.outcome("bad1").isEmpty)
    }

    @Test("P4: the next deadline is found by the index of the table, not by a scan")
    func dueIndex() async throws {
        let model = try SQLiteReadModel()
        let world = try World()
        let runner = world.runner(index: model)
        try await runner.prepare()
        let table = ProcessTables(process: Checkout.name).work
        let id = ProcessIndex<Checkout>.id
        let plan = try await model.rows(
            """
            EXPLAIN QUERY PLAN SELECT MIN(look) AS look FROM \(table: table) WHERE shard = \(0) AND kind = 'deadline'
            """, of: id)
        #expect(plan.contains { $0["detail"].text?.contains("work_next") == true }, "\(plan)")
        let page = try await model.rows(
            """
            EXPLAIN QUERY PLAN SELECT id FROM \(table: table)
            WHERE shard = \(0) AND kind = 'deadline' AND look <= \(5) ORDER BY look, position LIMIT \(10)
            """, of: id)
        #expect(page.contains { $0["detail"].text?.contains("work_next") == true }, "\(page)")
        #expect(!page.contains { $0["detail"].text?.contains("TEMP B-TREE") == true }, "\(page)")
    }
}
