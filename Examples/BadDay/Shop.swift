import Logging
import ServiceLifecycle
import SillokProcessOperations
import SillokProcesses
import SillokProjections
import SillokSQLite
import SillokServer
import SillokService

/// The shop of the bad day: a log, a read model, what keeps it up to date, and a server with the dashboard.
struct Shop: Sendable {
    /// 99 of 100 measurements of the last half minute must find a lag of less than two seconds.
    static let objective = Objective.lag(p99: .seconds(2), over: .seconds(30))

    let store: SQLiteEventStore
    let model: SQLiteReadModel
    let courier = Courier()
    let readSide: ReadSide
    let processes: ProcessOperations
    /// Whether the tills sell.
    private let isOpen = Guarded(true)

    /// Opens the files in the current folder.
    init() throws {
        store = try SQLiteEventStore(path: BadDay.log)
        model = try SQLiteReadModel(path: BadDay.model)
        readSide = ReadSide(of: store, in: model)
        processes = ProcessOperations(of: store, in: model)
    }

    /// Runs the projection, the process and the server until `body` ends. `body` gets the address of the server.
    func run(_ body: @escaping @Sendable (_ address: String) async throws -> Void) async throws {
        let logger = Logger(label: "bad-day") { _ in SwiftLogNoOpLogHandler() }
        let views = ReadSideService(
            Projector(Sales(), from: store, into: model), courier.shipping(in: store, index: model),
            monitor: ObjectiveMonitor([Self.objective]) { alarm in Stage.say("   ALARM  \(alarm)") })
        try await views.prepare()
        let interface = try await WebInterface(
            Served(store, readSide: readSide, processes: processes), gatekeeper: .open, loopbackOnly: true,
            logger: logger)
        let (addresses, address) = AsyncStream<String>.makeStream()
        let server = StoreServer(
            interface, configuration: .init(address: ListeningAddress(host: "127.0.0.1", port: 0)), logger: logger
        ) { address.yield("http://\($0)") }
        let group = ServiceGroup(configuration: .init(services: [views, server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { try await sell() }
            tasks.addTask {
                for await address in addresses { return try await body(address) }
            }
            // The body ends, or a service cannot continue.
            try await tasks.next()
            await group.triggerGracefulShutdown()
            tasks.cancelAll()
        }
        await store.close()
        await model.close()
    }

    /// Opens or closes the tills.
    func setOpen(_ open: Bool) { isOpen.withLock { $0 = open } }

    /// Sells five things a second at three tills.
    private func sell() async throws {
        let coding = EventCoding<TillEvent>()
        let goods: [(item: String, cents: UInt32)] = [("tea", 4_50), ("coffee", 5_20), ("cake", 3_80)]
        for number in 0... {
            try await Task.sleep(for: .milliseconds(200))
            guard isOpen.withLock({ $0 }) else { continue }
            let good = goods[number % goods.count]
            let event = try coding.encode(.sold(item: good.item, cents: good.cents))
            try await store.append([event], to: StreamID("till-\(number % 3 + 1)"))
        }
    }
}
