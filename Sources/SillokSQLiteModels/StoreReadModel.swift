public import SillokCore
public import SillokSQL
package import SillokSQLiteConnections

/// A store that has a read model in its own files.
package protocol StoreWithReadModel: AnyObject, Sendable {
    /// The access to the read model.
    var model: StoreModelAccess { get }
    /// Returns the identity of the store.
    func storeID() async throws -> StoreID
}

/// A read model in the files of a store. It keeps the store open until it is released.
public struct StoreReadModel: InlineReadModel, Hashable {
    private let store: any StoreWithReadModel

    /// Creates the read model of a store.
    package init(_ store: any StoreWithReadModel) { self.store = store }

    /// Returns whether both belong to the same open store.
    public static func == (left: StoreReadModel, right: StoreReadModel) -> Bool { left.store === right.store }

    /// Hashes the identity of the open store.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(store)) }

    /// Returns the identity of the store that it is part of.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Executes all changes in one transaction if all conditions hold in that transaction. The write waits in the queue
    /// of the appends.
    ///
    /// - Throws: `ConditionFailed` or `ChangeFailed`: nothing was written. A change of tables of the log throws
    ///   `ChangeFailed`. `StoreError`: nothing was written, unless its outcome is unknown.
    public func write(_ write: ReadModelWrite) async throws {
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        try await store.model.ensureTables()
        try await store.model.submit(.change(write))
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
        repeat { try Task.checkCancellation() } while try await !store.model.submit(.attach(rule))
    }
}

/// The access of a store to its read model: the thread that appends writes, other threads query.
package final class StoreModelAccess: Sendable {
    /// Lets the thread that appends execute a request; returns whether the request is done.
    package typealias Submit = @Sendable (ModelRequest) async throws -> Bool

    private let path: String
    private let write: Submit?
    private let queries: ModelQueries
    private let hasTables = Lock(false)

    /// - Parameters:
    ///   - path: the path of the store.
    ///   - file: returns the file of the read model, which another connection has open; called on threads that query.
    ///   - write: `nil` for a store that was opened for reading only.
    package init(path: String, file: @escaping @Sendable () throws -> OpenedFile, write: Submit?) {
        (self.path, self.write) = (path, write)
        queries = ModelQueries(closed: StoreError(.closed, "the store is closed.")) {
            let reader = try ModelReader(try file())
            return { try reader.rows($0) }
        }
    }

    /// Lets the writer execute a request of a projection. It waits for each of them, so the queue needs no bound.
    ///
    /// - Returns: whether the request is done. Otherwise the log has more events for a rule that is being attached.
    @discardableResult
    func submit(_ request: ModelRequest) async throws -> Bool {
        guard let write else { throw readOnly }
        return try await write(request)
    }

    /// The error of a write to a store that was opened for reading only.
    package var readOnly: StoreError {
        StoreError(.readOnly, "the store was opened for reading only: \(path).")
    }

    /// Creates the tables of the read model if this has not been done; throws if that is not possible.
    func ensureTables() async throws {
        if hasTables.withLock({ $0 }) { return }
        if write == nil {
            try await checkTables()
        } else {
            try await submit(.install)
        }
        hasTables.withLock { $0 = true }
    }

    /// Asks whether the read model has been made.
    private static let ownTable: SQL = SQL("SELECT 1 FROM sqlite_schema WHERE name = 'sillok_format'").ofSillok

    private func checkTables() async throws {
        let tables = try await rows(Self.ownTable, nil)
        if tables.isEmpty {
            throw Self.unused(path)
        }
        _ = try ReadModelFormat.version(in: try await rows(ReadModelFormat.foundVersion, nil).map(\.values))
    }

    /// The error of a query to a store that is open for reading and has no read model.
    package static func unused(_ path: String) -> StoreError {
        StoreError(.notFound, "no projection has written to the store \(path) yet.")
    }

    /// Returns the rows of a query.
    func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        try await queries.rows(query, projection)
    }

    /// Ends the queries that are under way, and refuses others.
    package func close() async { await queries.close() }
}
