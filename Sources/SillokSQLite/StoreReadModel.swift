public import SillokCore
public import SillokSQL
import SillokSQLiteConnections
import SillokSQLiteModels
import SillokThreads

extension SQLiteEventStore {
    /// A read model in the store's own file. Use it for inline projections, and for others that should be backed up,
    /// copied and deleted together with the log.
    ///
    /// ```swift
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: store.readModel)
    /// ```
    /// Its tables are created when it is first used. All writes go through the thread that appends. They are as durable
    /// as events: they are on the disk before the call returns. A store that is open as read-only can read the rows
    /// too.
    public var readModel: StoreReadModel { StoreReadModel(store: self) }
}

/// A read model in the file of a store. It keeps the store open until it is released.
public struct StoreReadModel: InlineReadModel, Hashable {
    let store: SQLiteEventStore

    /// Returns whether both belong to the same open store.
    public static func == (left: StoreReadModel, right: StoreReadModel) -> Bool { left.store === right.store }

    /// Hashes the identity of the open store.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(store)) }

    /// Returns the identity of the store that it is part of.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Executes all changes in one transaction if all conditions hold in that transaction. The write waits in the queue
    /// of the appends.
    ///
    /// - Throws: `ConditionFailed` or `ChangeFailed`: nothing was written. A change of the log's own tables throws
    ///   `ChangeFailed`. `StoreError`: nothing was written, unless its outcome is unknown.
    public func write(_ write: ReadModelWrite) async throws {
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        try await store.model.ensureTables()
        _ = try await store.model.submit(.change(write))
    }

    /// Returns the rows of a query. The query sees every write and every append that has returned.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled, also during a long query; `StoreError`:
    ///   `invalidQuery` if its SQL is wrong or would change something, `notFound` if the store is open for reading only
    ///   and has no read model, `fileReplaced`.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await store.model.ensureTables()
        return try await store.model.rows(query, projection)
    }

    /// Catches up with the log, and from then on runs the rule within each append.
    ///
    /// It catches up by pages, beside appends; the last page and the beginning are one transaction.
    package func attach(_ rule: InlineRule) async throws {
        try await store.model.ensureTables()
        while true {
            try Task.checkCancellation()
            if case .projected(isAttached: true) = try await store.model.submit(.attach(rule)) { return }
        }
    }
}

/// The access of a store to the read model in its file: the thread that appends writes, other threads query.
final class StoreModelAccess: Sendable {
    private let file: OpenedFile
    private let writer: GroupCommit<WriterRequest, WriterAnswer>?
    private let queries: ModelQueries
    private let hasTables = Lock(false)

    init(_ file: OpenedFile, writer: GroupCommit<WriterRequest, WriterAnswer>?) {
        self.file = file
        self.writer = writer
        queries = ModelQueries(closed: StoreError(.closed, "the store is closed.")) {
            let reader = try ModelReader(file)
            return { try reader.rows($0) }
        }
    }

    /// Lets the writer execute a request of a projection. It waits for each of them, so the queue needs no bound.
    func submit(_ request: WriterRequest) async throws -> WriterAnswer {
        guard let writer else { throw readOnly }
        return try await writer.submit(request, weight: request.weight)
    }

    /// The error of a write to a store that was opened for reading only.
    var readOnly: StoreError {
        StoreError(.readOnly, "the store was opened for reading only: \(file.path).")
    }

    /// Creates the tables of the read model if this has not been done; throws if that is not possible.
    func ensureTables() async throws {
        if hasTables.withLock({ $0 }) { return }
        if writer == nil {
            try await checkTables()
        } else {
            _ = try await submit(.install)
        }
        hasTables.withLock { $0 = true }
    }

    /// Asks whether the read model has been made.
    private static let ownTable: SQL = SQL("SELECT 1 FROM sqlite_schema WHERE name = 'sillok_format'").ofSillok

    private func checkTables() async throws {
        let tables = try await rows(Self.ownTable, nil)
        if tables.isEmpty {
            throw StoreError(.notFound, "no projection has written to the store \(file.path) yet.")
        }
        _ = try ReadModelFormat.version(in: try await rows(ReadModelFormat.foundVersion, nil).map(\.values))
    }

    /// Returns the rows of a query.
    func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        try await queries.rows(query, projection)
    }

    /// Ends the queries that are under way, and refuses others.
    func close() async { await queries.close() }
}
