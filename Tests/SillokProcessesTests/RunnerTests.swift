import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

@Suite struct RunnerTests {
    @Test("P4: a runner begins its work at once, however long its poll interval is")
    func begins() async throws {
        let world = try World()
        var options = World.options
        options.pollInterval = .seconds(600)
        try await world.stock("tea", 5)
        try await world.place("1")
        try await world.runner(options: options)
            .running(until: { try await world.names("1").contains("requestAccepted") })
    }

    @Test("P1: a checkout runs from the order to the invoice, and all of it is in the log")
    func happyPath() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await runner.status().failure == nil)
        #expect(try await runner.status().waiting == ["deadline": 1])
        try await world.pay("1")
        try await runner.catchUp()
        #expect(
            try await world.names("1") == [
                "started", "received", "requestPlanned", "deadlineScheduled", "requestAccepted", "received",
                "deadlineCancelled", "effectPlanned", "effectStarted", "effectDone", "requestPlanned", "effectPlanned",
                "completed", "requestAccepted", "effectStarted", "effectDone",
            ])
        #expect(try await world.outcome("1") == "confirmed")
        #expect(world.bank.net("1") == 500)
        #expect(try await Checker.faults(world, ["1"]) == [])
        #expect(try await runner.status().waiting == [:])
        #expect(try await runner.status().instances == ["completed": 1])
    }

    @Test("P1: a lost index neither loses nor doubles a step")
    func lostIndex() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        for order in ["1", "2", "3"] { try await world.place(order) }
        try await world.runner().catchUp()
        for order in ["1", "2"] { try await world.pay(order) }
        try await world.runner(index: SQLiteReadModel()).catchUp()
        let (head, calls) = (try await world.store.head(), world.bank.calls)
        try await world.runner(index: SQLiteReadModel()).catchUp()
        #expect(try await world.store.head() == head)
        #expect(world.bank.calls == calls)
        #expect(try await Checker.faults(world, ["1", "2"]) == [])
    }

    @Test("P2: the events of the target and the result are one append; a refusal is recorded alone")
    func oneAppend() async throws {
        let world = try World()
        try await world.stock("tea", 1)
        try await world.place("1")
        try await world.runner().catchUp()
        try await world.place("2")
        try await world.runner().catchUp()
        let reserved = try await world.store.read(.category("stock")).events.filter { $0.type == "reserved" }
        let accepted = try await world.records("1").first { $0.event.type == "requestAccepted" }
        #expect(reserved.count == 1)
        #expect(reserved.first?.position.next == accepted?.event.position)
        #expect(reserved.first?.metadata.commandID?.description == reserved.first?.id.description)
        #expect(try await world.names("2").contains("requestRefused"))
        #expect(try await world.outcome("2") == "cancelled")
    }

    @Test("P2: towards another store a request is executed at least once, under the same id")
    func otherStore() async throws {
        let world = try World()
        let other = MemoryEventStore(clock: world.clock.wallClock)
        let data = try EventCoding<Stock.Event>().encode(.stocked(units: 10))
        try await other.append([data], to: "stock-tea")
        try await world.place("1")
        // The process dies after the target has the event, and before the result is recorded.
        let crashing = CrashingStore(world.store, atAppend: 2, .beforeAppend)
        try? await world.runner(over: crashing, targets: other).catchUp()
        #expect(try await other.read(.category("stock")).events.count == 2)
        #expect(try await !world.names("1").contains("requestAccepted"))
        world.clock.advance(by: .seconds(60))
        try await world.runner(targets: other).catchUp()
        #expect(try await world.names("1").contains("requestAccepted"))
        #expect(try await other.read(.category("stock")).events.map(\.type.text) == ["stocked", "reserved"])
    }

    @Test("P5: events of an instance are handled in the order of the log, instances in parallel partitions")
    func partitions() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        var options = World.options
        options.partitions = 4
        let orders = (1...20).map { "\($0)" }
        for order in orders { try await world.place(order) }
        for order in orders { try await world.pay(order) }
        try await world.runner(options: options).catchUp()
        #expect(try await Checker.faults(world, orders) == [])
    }

    @Test("P6: a poison input parks its instance and what follows; others continue; it is released")
    func poison() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        try await world.place("1")
        try await world.runner().catchUp()
        var unreadable = try EventCoding<ShopEvent>().encode(.paid(cents: 1), id: world.ids.next())
        unreadable.payload = Array(#"{"cents":"many"}"#.utf8)
        try await world.store.append([unreadable], to: "payment-1")
        try await world.pay("1")
        try await world.place("2")
        try await world.pay("2")
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await world.outcome("2") == "confirmed")
        #expect(try await world.names("1").filter { $0 == "received" }.count == 1)
        // Its deadline waits, too: the payment may be in the unreadable event.
        world.clock.advance(by: .seconds(3600))
        try await runner.catchUp()
        #expect(try await world.outcome("1").isEmpty)
    }

    @Test("P6: an instance that is parked takes nothing until it is released")
    func parked() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        var metadata = Metadata()
        metadata[Metadata.hopsKey] = "100"
        let placed = try EventCoding<ShopEvent>().encode(
            .placed(item: "tea", units: 1, cents: 500), id: world.ids.next(), metadata: metadata)
        try await world.store.append([placed], to: "order-1")
        try await world.pay("1")
        try await world.place("2")
        try await world.pay("2")
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await world.names("1") == ["parked"])
        #expect(try await world.outcome("2") == "confirmed")
        #expect(try await runner.status().waiting == ["input": 1, "held": 1])
        #expect(try await runner.status().instances == ["parked": 1, "completed": 1])
        #expect(try await runner.release("1", reason: "it is wanted"))
        #expect(try await !runner.release("1", reason: "again"))
        try await runner.catchUp()
        #expect(try await Checker.faults(world, ["1", "2"]) == [])
    }

    @Test("P6: a store of a target that does not answer is no poison: other instances continue")
    func unreachableTarget() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        let other = CrashingStore(MemoryEventStore(clock: world.clock.wallClock), atAppend: 0, .beforeAppend)
        try await world.place("1")
        let runner = world.runner(targets: other)
        try await runner.catchUp()
        #expect(try await !world.names("1").contains("parked"))
        #expect(try await runner.status().failure != nil)
        try await world.settle(world.runner())
        #expect(try await world.names("1").contains("requestAccepted"))
    }

    @Test("P8: a process that starts after a position leaves older events alone")
    func startsLater() async throws {
        let world = try World()
        try await world.place("old")
        let start = try await world.store.head()
        try await world.place("new")
        let (stock, _) = World.handlers(world.store)
        let runner = ProcessRunner(
            Checkout.self, after: start, in: world.store, index: world.index.withLock { $0 }
        ) { _ in
            .execute(.reserve(units: 1, order: "new"), on: "tea", with: stock)
        } effects: { _ in
            EffectCall { _ in "" }
        }
        try await runner.catchUp()
        #expect(try await world.names("old") == [])
        #expect(try await !world.names("new").isEmpty)
    }

    @Test("P9: an effect of a newer build is left to it and counted; other instances continue")
    func unknownEffect() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        try await world.place("1")
        let runner = world.runner()
        try await runner.catchUp()
        let gift = try ProcessRecord.coding.encode(
            .effectPlanned(effect: JSONFragment(["gift": ["order": "1"]]), undo: nil, undoes: nil))
        try await world.store.append([gift], to: Checkout.stream(of: "1"))
        try await world.place("2")
        try await world.pay("2")
        try await runner.catchUp()
        #expect(try await world.outcome("2") == "confirmed")
        #expect(try await runner.status().unknownSteps > 0)
        #expect(try await runner.status().waiting["effect:gift"] == 1)
        #expect(try await !world.names("1").contains("parked"))
    }

    @Test("PRC-3: 8 runners with an index each start 40 keys: one instance each, one append for each input")
    func concurrentStarts() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        let orders = (1...40).map { "\($0)" }
        for order in orders { try await world.place(order) }
        for order in orders { try await world.pay(order) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    var options = World.options
                    options.partitions = number
                    try await world.settle(world.runner(index: SQLiteReadModel(), options: options))
                }
            }
            try await group.waitForAll()
        }
        #expect(try await Checker.faults(world, orders) == [])
    }

    @Test("P10: an operator ends an instance with a reason, and its steps are undone")
    func operatorEnds() async throws {
        let world = try World()
        try await world.stock("tea", 10)
        try await world.place("1")
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await runner.end("1", compensating: true, reason: "fraud"))
        try await runner.catchUp()
        #expect(try await world.stockEvents() == ["stocked", "reserved", "released"])
        #expect(try await world.records("1").contains { $0.event.metadata.reason == "fraud" })
        #expect(try await runner.state(of: "1")?.isReserved == true)
    }

    @Test("P1: a name with a dash is refused with the reason")
    func dash() async throws {
        let world = try World()
        #expect(throws: InvalidRequest.self) { try world.store.limits.check(StreamCategory("process:check-out")) }
    }
}
