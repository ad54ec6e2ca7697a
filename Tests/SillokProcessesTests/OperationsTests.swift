import Sillok
import SillokCore
import SillokProcessOperations
@testable import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

@Suite("Operations of processes without their code") struct OperationsTests {
    private let whom = Operator("Ada", because: "a test")

    private func operations(_ world: World) -> ProcessOperations {
        ProcessOperations(
            of: world.store, in: world.index.withLock { $0 }, wallClock: world.clock.wallClock, ids: world.ids)
    }

    /// A world with orders that are placed and paid.
    private func paid(_ orders: [String] = ["1"]) async throws -> World {
        let world = try World()
        try await world.stock("tea", 1000)
        for order in orders { try await world.place(order) }
        try await world.runner().catchUp()
        for order in orders { try await world.pay(order) }
        return world
    }

    /// An order whose charge has failed once, without an answer.
    private func failing() async throws -> (world: World, charge: ProcessWork) {
        let world = try await paid()
        world.bank.answers([.isDown, .isDown, .isDown])
        try await world.runner(hasLookUp: false).catchUp()
        let page = try await operations(world).failures(of: "checkout")
        return (world, try #require(page.elements.first))
    }

    @Test("counts by state follow the instances, and running ones that have no work wait")
    func counts() async throws {
        let world = try await paid(["1", "2", "3"])
        world.bank.answers([.works, .works, .works])
        try await world.place("4")
        try await world.runner().catchUp()
        let process = try #require(try await operations(world).processes().first)
        #expect(process.name == "checkout")
        #expect(process.instances == [.completed: 3, .waiting: 1])
        #expect(process.deadlines == 1 && process.inputs == 0 && process.failing == 0 && process.total == 4)
        #expect(process.overdue == 0)
        world.clock.advance(by: .seconds(3600))
        #expect(try await operations(world).process("checkout").overdue == 1)
        await #expect(throws: ProcessRefusal.self) { try await operations(world).process("other") }
    }

    @Test("an instance whose steps are undone is compensating until the last one is")
    func compensating() async throws {
        let world = try await paid()
        try await world.runner().catchUp()
        try await operations(world).undo("1", in: "checkout", by: whom)
        // The refund is not possible yet.
        world.bank.answers([.isDown, .isDown])
        let runner = world.runner()
        try await runner.catchUp()
        #expect(try await operations(world).process("checkout").instances == [.compensating: 1])
        try await world.settle(runner)
        #expect(try await operations(world).process("checkout").instances == [.completed: 1])
        #expect(world.bank.net("1") == 0)
        let names = try await world.names("1")
        #expect(names.contains("actRequested") && names.contains("actEnded"))
        #expect(names.filter { $0 == "compensationEnded" }.count == 1)
    }

    @Test("instances are listed by state, by the start of their keys and in pages, the newest first")
    func instances() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        for order in ["a1", "a2", "b1"] {
            try await world.place(order)
            world.clock.advance(by: .seconds(1))
            try await world.runner().catchUp()
        }
        let operations = operations(world)
        let first = try await operations.instances(of: "checkout", limit: 2)
        #expect(first.elements.map(\.key) == ["b1", "a2"])
        let next = try #require(first.next.flatMap { PageCursor($0.description) })
        let second = try await operations.instances(of: "checkout", after: next, limit: 2)
        #expect(second.elements.map(\.key) == ["a1"] && second.next == nil)
        #expect(try await operations.instances(of: "checkout", keysFrom: "a").elements.map(\.key) == ["a2", "a1"])
        #expect(try await operations.instances(of: "checkout", in: .waiting).elements.count == 3)
        #expect(try await operations.instances(of: "checkout", in: .running).elements.isEmpty)
        #expect(try await operations.instances(of: "checkout", in: .completed).elements.isEmpty)
    }

    @Test("deadlines are listed in the order of their times, in pages")
    func deadlines() async throws {
        let world = try World()
        try await world.stock("tea", 1000)
        for order in ["3", "1", "2"] {
            try await world.place(order)
            world.clock.advance(by: .seconds(1))
        }
        try await world.runner().catchUp()
        let operations = operations(world)
        let first = try await operations.deadlines(of: "checkout", limit: 2)
        #expect(first.elements.map(\.key) == ["3", "1"] && first.elements.map(\.name) == ["payment", "payment"])
        let second = try await operations.deadlines(of: "checkout", after: first.next, limit: 2)
        #expect(second.elements.map(\.key) == ["2"] && second.next == nil)
    }

    @Test("the timeline has each record with its cause, and the ids lead from a result to its step")
    func timeline() async throws {
        let world = try await paid()
        try await world.runner().catchUp()
        let operations = operations(world)
        let page = try await operations.timeline(of: "1", in: "checkout")
        let entries = page.elements
        let names = try await world.names("1")
        #expect(page.next == nil && entries.map(\.kind) == names)
        let received = try #require(entries.first { $0.kind == "received" })
        #expect(received.cause == received.source?.event && received.source?.stream == "order-1")
        let reserve = try #require(entries.first { $0.name == "reserve" })
        #expect(reserve.cause == received.cause)
        let accepted = try #require(entries.first { $0.kind == "requestAccepted" })
        #expect(accepted.step == reserve.id && accepted.cause == reserve.id)
        let pages = try await operations.timeline(of: "1", in: "checkout", limit: 3)
        let rest = try await operations.timeline(of: "1", in: "checkout", after: pages.next, limit: 1000)
        #expect(pages.elements + rest.elements == entries)
        await #expect(throws: ProcessRefusal.self) { try await operations.timeline(of: "9", in: "checkout") }
    }

    @Test("a failing effect is listed with its error, and a retry is tried without the pause")
    func retry() async throws {
        let (world, charge) = try await failing()
        #expect(charge.kind == .effect && charge.name == "charge" && charge.attempts == 1)
        #expect(charge.failure != nil && charge.nextAttempt != nil)
        #expect(try await operations(world).instances(of: "checkout", in: .running).elements.map(\.key) == ["1"])
        let calls = world.bank.calls
        try await world.runner(hasLookUp: false).catchUp()
        #expect(world.bank.calls == calls)
        world.bank.answers([.works])
        let report = try await operations(world).retry(charge.id, of: "1", in: "checkout", by: whom)
        #expect(report.outcome == .done)
        try await world.runner(hasLookUp: false).catchUp()
        #expect(try await world.outcome("1") == "confirmed")
        let act = try #require(try await world.records("1").first { $0.event.id == report.id }?.event)
        #expect(act.metadata.actor == "Ada" && act.metadata.reason == "a test")
        await #expect(throws: ProcessRefusal.self) {
            try await operations(world).retry(charge.id, of: "1", in: "checkout", by: whom)
        }
    }

    @Test("an effect whose outcome is unknown is called again under its key when an operator wants it")
    func retryUnknown() async throws {
        let (world, charge) = try await failing()
        world.bank.answers([.worksSilently, .isDown])
        let runner = world.runner(hasLookUp: false)
        try await world.settle(runner)
        let unknown = try #require(try await operations(world).failures(of: "checkout").elements.first)
        #expect(unknown.kind == .unknown && unknown.id == charge.id)
        #expect(try await operations(world).process("checkout").unknown == 1)
        world.bank.answers([.works])
        try await operations(world).retry(charge.id, of: "1", in: "checkout", by: whom)
        try await world.settle(runner)
        #expect(try await world.outcome("1") == "confirmed")
        #expect(world.bank.net("1") == 500)
        #expect(try await operations(world).failures(of: "checkout").elements.isEmpty)
    }

    @Test("an answer settles an effect, and the runner records that it obeyed, once")
    func answer() async throws {
        let (world, charge) = try await failing()
        let report = try await operations(world).answer(
            charge.id, with: "the bank has it", of: "1", in: "checkout", by: whom)
        #expect(report.outcome == .waiting)
        world.bank.answers([])
        for _ in 0..<2 { try await world.runner(hasLookUp: false).catchUp() }
        #expect(try await operations(world).report(of: report.id).outcome == .done)
        #expect(try await world.outcome("1") == "confirmed")
        let ended = try await world.records("1").filter { $0.event.type == "actEnded" }
        #expect(ended.count == 1 && ended.first?.event.metadata.actor == "Ada")
        #expect(try await operations(world).instance("1", of: "checkout").work.isEmpty)
    }

    @Test("a skipped effect has failed, and of two acts on one step the second is refused")
    func skip() async throws {
        let (world, charge) = try await failing()
        let first = try await operations(world).skip(charge.id, of: "1", in: "checkout", by: whom)
        let second = try await operations(world).answer(charge.id, with: "late", of: "1", in: "checkout", by: whom)
        try await world.settle(world.runner(hasLookUp: false))
        #expect(try await operations(world).report(of: first.id).outcome == .done)
        guard case .refused(let reason) = try await operations(world).report(of: second.id).outcome else {
            Issue.record("the second act was not refused")
            return
        }
        #expect(reason.contains("no open effect"))
        #expect(try await world.outcome("1") == "cancelled")
        #expect(world.bank.net("1") == 0)
    }

    @Test("a parked instance is released, or released without the event that parked it")
    func release() async throws {
        for isSkipped in [false, true] {
            let world = try World()
            try await world.stock("tea", 100)
            var metadata = Metadata()
            metadata[Metadata.hopsKey] = "100"
            let placed = try EventCoding<ShopEvent>().encode(
                .placed(item: "tea", units: 1, cents: 500), id: world.ids.next(), metadata: metadata)
            try await world.store.append([placed], to: "order-1")
            // The index has what was recorded last.
            try await world.runner().catchUp()
            #expect(try await operations(world).process("checkout").instances == [.parked: 1])
            let detail = try await operations(world).instance("1", of: "checkout")
            #expect(detail.summary.state == .parked && detail.summary.parkedBecause != nil)
            #expect(detail.work.map(\.isHeldByParking) == [true])
            try await operations(world).release("1", in: "checkout", skippingInput: isSkipped, by: whom)
            try await world.runner().catchUp()
            let names = try await world.names("1")
            #expect(names.contains("inputSkipped") == isSkipped && names.contains("started") != isSkipped)
            await #expect(throws: ProcessRefusal.self) {
                try await operations(world).release("1", in: "checkout", by: whom)
            }
        }
    }

    @Test("an end completes an instance, and its deadline no longer waits")
    func end() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        try await world.place("1")
        try await world.runner().catchUp()
        try await operations(world).end("1", in: "checkout", by: whom)
        try await world.runner().catchUp()
        #expect(try await operations(world).process("checkout").instances == [.completed: 1])
        #expect(try await operations(world).deadlines(of: "checkout").elements.isEmpty)
        await #expect(throws: ProcessRefusal.self) { try await operations(world).end("1", in: "checkout", by: whom) }
        await #expect(throws: ProcessRefusal.self) { try await operations(world).end("7", in: "checkout", by: whom) }
    }

    @Test("an index that is built again has the same counts and the same open work")
    func rebuilt() async throws {
        let world = try await paid(["1", "2"])
        world.bank.answers([.declines, .works])
        try await world.place("3")
        try await world.runner().catchUp()
        let before = try await operations(world).process("checkout")
        world.index.withLock { index in if let other = try? SQLiteReadModel() { index = other } }
        try await world.runner().catchUp()
        let after = try await operations(world).process("checkout")
        #expect(before.instances == after.instances && before.deadlines == after.deadlines)
    }
}
