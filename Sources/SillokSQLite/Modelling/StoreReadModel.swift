public import SillokCore
public import SillokSQL
import SillokThreads

extension SQLiteEventStore {
    /// A read model in the store's own file: for projections that are inline, and for any others that should be backed
    /// up, copied and thrown away together with the log.
    ///
    /// ```swift
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: store.readModel)
    /// ```
    /// Its tables are made when it is first used. All writes go through the one thread that appends, and are as durable
    /// as events: they are on the disk before they return. A store that is open for reading only has its rows too.
    public var readModel: StoreReadModel { StoreReadModel(store: self) }
}

/// A read model that lies in the file of a store. It keeps the store open for as long as it is held.
public struct StoreReadModel: InlineReadModel, Hashable {
    let store: SQLiteEventStore

    /// Whether both are that of one open store.
    public static func == (left: StoreReadModel, right: StoreReadModel) -> Bool { left.store === right.store }

    /// Hashes which open store it is that of.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(store)) }

    /// The store that it is part of.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Makes all changes in one transaction, if all conditions hold in it, beside the appends that wait.
    ///
    /// - Throws: ``ConditionFailed`` or ``ChangeFailed``: nothing was written, such as for a change of the log's own
    ///   tables. `StoreError`: nothing was written, unless its outcome is unknown.
    public func write(_ write: ReadModelWrite) async throws {
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        try await store.model.ensureTables()
        _ = try await store.model.submit(.change(write))
    }

    /// The rows that a query gives, which sees every write and every append that has returned.
    ///
    /// - Throws: `StoreError`: `invalidQuery` if its SQL is wrong or would change something, `notFound` if the store is
    ///   open for reading only and has no read model.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await store.model.ensureTables()
        return try await store.model.rows(query, projection)
    }

    /// Catches up with the log, and from then on carries out the rule within each append.
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

/// How a store reaches the read model in its file: writes through the thread that appends, queries on threads of their
/// own.
final class StoreModelAccess: Sendable {
    private let path: String
    private let writer: GroupCommit<WriterRequest, WriterAnswer>?
    private let queries: ModelQueries
    private let hasTables = Lock(false)

    init(path: String, writer: GroupCommit<WriterRequest, WriterAnswer>?) {
        self.path = path
        self.writer = writer
        queries = ModelQueries(closed: StoreError(.closed, "the store is closed.")) {
            let reader = try ModelReader(path: path)
            return { try reader.rows($0.sql, of: $0.projection) }
        }
    }

    /// Lets the writer execute a request. Appends wait in the bounded queue; the projections of the store wait for each
    /// of their requests, so these need no bound.
    func submit(_ request: WriterRequest) async throws -> WriterAnswer {
        guard let writer else { throw StoreError(.readOnly, "the store was opened for reading only: \(path).") }
        guard case .append(let prepared) = request else {
            return try await writer.submit(request, weight: request.weight)
        }
        return try await writer.submit(request, weight: request.weight, bytes: prepared.retainedBytes)
    }

    /// Makes the tables of the read model if this has not been done; throws if that is not possible.
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
            throw StoreError(.notFound, "no projection has written to the store \(path) yet.")
        }
        let found = try await rows(ReadModelFormat.foundVersion, nil).first?.integer("version") ?? 0
        if found > Int64(ReadModelFormat.version) { throw ReadModelFormat.newer(found) }
    }

    /// The rows of a query.
    func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        try await queries.rows(query, projection)
    }

    /// Lets queries finish that are under way, and refuses others.
    func close() async { await queries.close() }
}
