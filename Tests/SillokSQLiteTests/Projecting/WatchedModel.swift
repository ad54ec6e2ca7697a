import Sillok
import SillokSQL
import SillokSQLite
import SillokTesting

/// A read model that counts what is read, and lets something happen before a write.
final class WatchedModel: ReadModel {
    let model: TestedModel
    private let state = Lock((rows: 0, before: nil as (text: String, body: @Sendable () async throws -> Void)?))

    init(_ model: TestedModel) { self.model = model }

    /// How many rows queries gave.
    var rowsRead: Int { state.withLock { $0.rows } }

    /// Runs `body` once, before the first write that contains `text`.
    func before(_ text: String, _ body: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.before = (text, body) }
    }

    func write(_ write: ReadModelWrite) async throws {
        let body = state.withLock { state -> (@Sendable () async throws -> Void)? in
            guard let before = state.before,
                write.changes.contains(where: { $0.statement.text { "?\($0)" }.contains(before.text) })
            else { return nil }
            state.before = nil
            return before.body
        }
        try await body?()
        try await model.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        let rows = try await model.rows(query, of: projection)
        state.withLock { $0.rows += rows.count }
        return rows
    }
}

/// A store under another identity, as a copy of it would have.
struct RenamedStore: ForwardingEventStore {
    let base: any EventStore
    let id: StoreID

    func storeID() async throws -> StoreID { id }
}
