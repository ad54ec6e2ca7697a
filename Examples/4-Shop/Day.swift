import SillokProjections
import SillokSQLite

/// A day of the shop: its doors, its log, and what brings its read models up to date.
struct Day {
    let shop: Shop
    let store: SQLiteEventStore
    let orders: Projector<SQLiteReadModel>
    let dashboard: Projector<SQLiteReadModel>

    /// Opens the log in a folder. All events of the day are recorded at noon.
    init(_ name: String, in folder: String, _ model: SQLiteReadModel) throws {
        let noon = Timestamp(name + "T12:00:00Z")
        store = try SQLiteEventStore(
            path: folder + "/shop.sqlite", clock: noon.map { noon in WallClock { noon } } ?? .system)
        shop = Shop(in: store, day: name)
        orders = Projector(OrderList(), from: store, into: model)
        dashboard = Projector(Dashboard(), from: store, into: model)
    }

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
            _ = try await orders.model(atLeast: head, within: .seconds(5))
            _ = try await dashboard.model(atLeast: head, within: .seconds(5))
            group.cancelAll()
        }
    }
}
