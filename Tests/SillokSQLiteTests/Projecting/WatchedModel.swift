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
struct RenamedStore: EventStore {
    let store: MemoryEventStore
    let id: StoreID

    var limits: Limits { store.limits }

    func storeID() async throws -> StoreID { id }

    func append(_ request: AppendRequest) async throws -> Receipt { try await store.append(request) }

    func read(_ request: ReadRequest) async throws -> EventBatch { try await store.read(request) }

    func head() async throws -> Position { try await store.head() }

    func reach(_ position: Position, for query: EventQuery) async throws { try await store.reach(position, for: query) }

    func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }

    func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }

    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
}
