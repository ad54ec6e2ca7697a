import Foundation
import Sillok
import SillokCore
import SillokProcessOperations
import SillokProcesses
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

#if Postgres
import SillokPostgres
#endif

/// The same promises over the stores on disk and on PostgreSQL.
@Suite struct StoreTests {
    @Test(
        "P1 to P4: over a store on a disk, with the index in a file, across a crash and a restart",
        arguments: ShopStore.onDisk)
    func onDisk(_ kind: ShopStore) async throws {
        let (folder, clock) = (TemporaryFolder(), ManualClock())
        let store = try kind.open(in: folder, clock)
        let model = try SQLiteReadModel(path: folder("index.sqlite"))
        try await checkShop(World(store, clock, folders: [folder]), model)
    }

    #if Postgres
    private static var server: String { ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? "" }

    @Test("P1 to P4: over PostgreSQL, with the index in the same database", .enabled(if: !server.isEmpty))
    func postgres() async throws {
        let name = String(EventID().description.suffix(12))
        let clock = ManualClock()
        let store = try await PostgresEventStore(
            Self.server, schema: "processes_\(name)", clock: clock.wallClock)
        let model = try await PostgresReadModel(Self.server, schema: "index_\(name)")
        try await checkShop(World(store, clock), model)
        await model.close()
        await store.close()
    }
    #endif

    private func checkShop(_ world: World, _ model: any ReadModel) async throws {
        let orders = (1...6).map { "\($0)" }
        var options = World.options
        options.partitions = 3
        try await world.stock("tea", 10)
        for order in orders { try await world.place(order) }
        let crashing = CrashingStore(world.store, atAppend: 9, .beforeAnswer)
        try? await world.runner(over: crashing, index: model, options: options).catchUp()
        world.clock.advance(by: .seconds(60))
        for order in orders.prefix(3) { try await world.pay(order) }
        world.bank.answers([.worksSilently, .isDown])
        try await world.settle(world.runner(index: model, options: options))
        world.clock.advance(by: .seconds(1800))
        try await world.settle(world.runner(index: model, options: options))
        #expect(try await Checker.faults(world, orders) == [])
        for order in orders.prefix(3) { #expect(try await world.outcome(order) == "confirmed") }
        for order in orders.suffix(3) { #expect(try await world.outcome(order) == "cancelled") }
        try await checkOperations(world, model, options)
        // The runner as a service, with its own waits: the head is reached without a poll.
        try await world.stock("tea", 10)
        try await world.place("7")
        try await world.pay("7")
        try await world.runner(index: model, options: options)
            .running(until: { try await world.outcome("7") == "confirmed" })
    }
    /// What operators see and do, with the SQL of this read model.
    private func checkOperations(_ world: World, _ model: any ReadModel, _ options: ProcessOptions) async throws {
        let operations = ProcessOperations(of: world.store, in: model, wallClock: world.clock.wallClock)
        #expect(try await operations.processes().map(\.instances) == [[.completed: 6]])
        let first = try await operations.instances(of: "checkout", in: .completed, limit: 4)
        let rest = try await operations.instances(of: "checkout", in: .completed, after: first.next, limit: 4)
        #expect(Set((first.elements + rest.elements).map(\.key)).count == 6 && rest.next == nil)
        #expect(try await operations.instances(of: "checkout", keysFrom: "3").elements.map(\.key) == ["3"])
        try await world.place("8")
        try await world.pay("8")
        world.bank.answers([.isDown])
        let runner = world.runner(index: model, options: options)
        try await runner.catchUp()
        #expect(try await operations.process("checkout").instances == [.completed: 6, .running: 1])
        #expect(try await operations.instances(of: "checkout", in: .running).elements.map(\.key) == ["8"])
        #expect(try await operations.instances(of: "checkout", in: .waiting).elements.isEmpty)
        let failing = try #require(try await operations.failures(of: "checkout").elements.first)
        let whom = Operator("Ada", because: "the bank is up")
        try await operations.retry(failing.id, of: "8", in: "checkout", by: whom)
        let end = try await operations.answer(failing.id, with: "done", of: "8", in: "checkout", by: whom)
        try await world.settle(runner)
        #expect(try await operations.report(of: end.id).outcome != .waiting)
        #expect(try await operations.process("checkout").instances == [.completed: 7])
        #expect(try await operations.failures(of: "checkout").elements.isEmpty)
        #expect(try await operations.deadlines(of: "checkout").elements.isEmpty)
    }
}
