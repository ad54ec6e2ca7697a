import Foundation
import Sillok
import SillokClient
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokServer
import SillokTestSupport
import SillokTesting
import Testing

/// Runners that reach the log through a server, as several processes on several machines do.
@Suite(.timeLimit(.minutes(10))) struct RemoteTests {
    /// What a runner of the checkout may do: read and append on its own streams, its source and what it commands.
    private static let grant = Grant(
        [.read, .append],
        on: ["process:checkout-*", "order-*", "payment-*", "stock-*", "outcome-*"].map { ResourcePattern($0) })

    /// A server of a store, for as long as `body` runs.
    private func serving(
        _ store: any EventStore, to grant: Grant, _ body: (_ address: String, _ token: String) async throws -> Void
    ) async throws {
        let keyring = Keyring(log: MemoryEventStore())
        try await keyring.load()
        let (_, secret) = try await keyring.create("a runner", grant, by: "a test")
        var configuration = GRPCServer.Configuration()
        configuration.port = 0
        configuration.drain = .seconds(1)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = GRPCServer(
            serving: store, configuration, authorizer: Gatekeeper(keyring: keyring).authorizer
        ) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let port = try #require(await ports.first { _ in true })
            try await body("sillok://127.0.0.1:\(port)", secret.revealed)
            group.cancelAll()
        }
    }

    private func connected(_ address: String, _ token: String) async throws -> RemoteEventStore {
        var options = RemoteEventStore.Options()
        options.token = token
        return try await RemoteEventStore(address, options)
    }

    @Test(
        "P1 to P4: two runners with leases over a server, by a key on their categories alone; one of them dies",
        arguments: ShopStore.allCases)
    func twoRunners(_ kind: ShopStore) async throws {
        let (folder, world) = (TemporaryFolder(), try World(on: kind))
        let orders = (1...12).map { "\($0)" }
        try await world.stock("tea", 100)
        for order in orders { try await world.place(order) }
        for order in orders.prefix(6) { try await world.pay(order) }
        world.bank.answers([.worksSilently, .isDown])
        var options = World.options
        options.lease = .milliseconds(300)
        options.partitions = 4
        try await serving(world.store, to: Self.grant) { address, token in
            // Each has a connection and an index of its own, as in two processes; the index is the same file.
            let path = folder("index.sqlite")
            let (first, second) = (try await connected(address, token), try await connected(address, token))
            let dying = world.runner(
                over: CrashingStore(first, atAppend: 15, .beforeAnswer), index: try SQLiteReadModel(path: path),
                options: options)
            let staying = world.runner(over: second, index: try SQLiteReadModel(path: path), options: options)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await dying.run() }
                try await staying.running(until: { try await isDone(world, orders) })
                group.cancelAll()
            }
            await first.close()
            await second.close()
        }
        #expect(try await Checker.faults(world, orders) == [])
    }

    /// Moves the time on, past the deadlines as soon as the paid orders have ended, until all orders have ended.
    private func isDone(_ world: World, _ orders: [String]) async throws -> Bool {
        world.clock.advance(by: .seconds(5))
        for order in orders.prefix(6) where try await world.outcome(order).isEmpty { return false }
        let due = ManualClock().now.advanced(byMicroseconds: 1_800_000_000)
        if world.clock.now < due { world.clock.advance(by: .seconds(1800)) }
        return try await Checker.faults(world, orders).isEmpty
    }

    @Test("reserved: a runner whose key does not name its category says so, and does nothing")
    func refused() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        try await world.place("1")
        try await serving(world.store, to: Grant([.read, .append])) { address, token in
            let remote = try await connected(address, token)
            let runner = world.runner(over: remote)
            let error = await #expect(throws: (any Error).self) { try await runner.catchUp() }
            #expect("\(String(describing: error))".contains("reserved for the runners"))
            await remote.close()
        }
        #expect(try await world.names("1").isEmpty && world.bank.calls == 0)
    }

    @Test(
        "a second process that writes to a store is refused, and the message says what to do",
        arguments: ShopStore.onDisk)
    func secondWriter(_ kind: ShopStore) async throws {
        let (folder, clock) = (TemporaryFolder(), ManualClock())
        let store = try kind.open(in: folder, clock)
        let world = try World(store, clock, folders: [folder])
        try await world.stock("tea", 10)
        try await world.place("1")
        let error = #expect(throws: StoreError.self) { try kind.open(in: folder, clock) }
        #expect(error?.code == .locked && error?.message.contains("sillok serve") == true)
        // It can read what the runner does, and a runner over it fails with the reason.
        let reading = try kind.openToRead(in: folder)
        let refused = await #expect(throws: (any Error).self) { try await world.runner(over: reading).catchUp() }
        #expect("\(String(describing: refused))".contains("reading"), "\(String(describing: refused))")
        try await world.runner().catchUp()
        #expect(try await reading.stream(Checkout.stream(of: "1")) != nil)
    }
}
