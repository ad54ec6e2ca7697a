import SillokProcesses
import SillokProjections
import SillokSQLite

/// A day of the shop: its doors, its log, and what brings its read models up to date.
struct Day {
    let shop: Shop
    let store: SQLiteEventStore
    let orders: Projector<SQLiteReadModel>
    let dashboard: Projector<SQLiteReadModel>
    let bank: Bank

    private let model: SQLiteReadModel
    private let time: Guarded<Timestamp>

    /// Opens the log in a folder. All events of the day are recorded at one time, until it is moved.
    init(_ name: String, at time: String = "12:00:00", in folder: String, _ model: SQLiteReadModel, _ bank: Bank) throws
    {
        let now = Guarded(Timestamp("\(name)T\(time)Z") ?? WallClock.system.now())
        store = try SQLiteEventStore(path: folder + "/shop.sqlite", clock: WallClock { now.withLock { $0 } })
        shop = Shop(in: store, day: name)
        orders = Projector(OrderList(), from: store, into: model)
        dashboard = Projector(Dashboard(), from: store, into: model)
        (self.model, self.bank, self.time) = (model, bank, now)
    }

    /// Lets time pass.
    func wait(_ duration: Duration) {
        time.withLock { $0 = $0.advanced(byMicroseconds: duration.components.seconds * 1_000_000) }
    }

    /// Starts a runner of the checkouts, and does all that can be done now.
    func checkOut() async throws { try await shop.checkouts(index: model, bank: bank).catchUp() }

    /// What a query of the list of orders gives, once the list contains a position.
    func list(_ query: SQL, at position: Position, within time: Duration = .seconds(5)) async throws -> [SQLRow] {
        try await orders.model(atLeast: position, within: time).rows(query)
    }

    /// Runs both projections for as long as `story` takes, and until they contain all of it.
    func projecting(_ story: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (orders, dashboard) = (orders, dashboard)
            group.addTask { try await orders.run() }
            group.addTask { try await dashboard.run() }
            try await story()
            let head = try await store.head()
            _ = try await orders.model(atLeast: head, within: .seconds(30))
            _ = try await dashboard.model(atLeast: head, within: .seconds(30))
            group.cancelAll()
        }
    }
}
