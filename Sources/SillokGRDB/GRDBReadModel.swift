public import GRDB
import SillokCore
public import SillokSQL

/// A read model in an SQLite file that GRDB opens. It offers queries with all of SQL, records, and observation of the
/// rows that projectors write.
///
/// ```swift
/// let model = try GRDBReadModel(path: "views.sqlite")
/// let observation = ValueObservation.tracking { db in try AccountBalance.fetchAll(db) }
/// ```
/// The file has the format and the rules of an `SQLiteReadModel`. One connection of this process writes. Several
/// processes may have the file open and write in turn. The command `sillok projections` works on it too. An observation
/// sees the changes that projectors write through this object, not those of other processes.
public final class GRDBReadModel: ReadModel {
    /// The durability of writes after a power cut.
    public enum Durability: Int, Sendable {
        /// A power cut may remove the last writes, rows and checkpoint together. The projector then projects the events
        /// again. Changes by operators are on the disk before the call returns.
        case normal = 1
        /// A write is on the disk before it returns.
        case full = 2
    }

    /// The connection pool of GRDB, for queries and observations.
    ///
    /// It only reads: rows are written by projections.
    public var reader: any DatabaseReader { pool }

    private let pool: DatabasePool
    private let writing: Writing

    /// Opens a read model; creates the file if there is none. Blocks while the file is opened.
    ///
    /// - Parameters:
    ///   - path: the file. While it is open, there are files next to it that end in `-wal`, `-shm` and `-lock`.
    ///   - durability: whether a write survives a power cut. It takes precedence over `configuration`.
    ///   - configuration: further settings of GRDB. Foreign keys are always off, because projections write their tables
    ///     in any order.
    /// - Throws: `StoreError`: `unsupportedFormat` if the file is an event store, no database, or of a newer format;
    ///   `locked` if another process prevents writing; `notFound`, `readOnly`, `ioFailure`, `corrupt`.
    public convenience init(
        path: String, durability: Durability = .normal, configuration: Configuration = Configuration()
    ) throws {
        try self.init(path: path, durability, configuration, timeout: .seconds(10))
    }

    /// Opens a read model that waits that long for its turn to write.
    package init(path: String, _ durability: Durability, _ configuration: Configuration, timeout: Duration) throws {
        var configuration = configuration
        configuration.foreignKeysEnabled = false
        if configuration.label == nil { configuration.label = "Sillok" }
        do {
            try FileFacts.refuseSeveralNames(path, "the read model")
            try checkIsReadModel(path)
            let lock = try WriteLock(path: resolvedPath(path) + "-lock", timeout: timeout)
            let writing = Writing(lock, durability)
            self.writing = writing
            configuration.prepareDatabase { db in try writing.prepare(db) }
            let settings = configuration
            // Opening writes too.
            pool = try lock.turn {
                let pool = try DatabasePool(path: path, configuration: settings)
                try pool.writeWithoutTransaction { db in try Writing.prepare(db, path, durability) }
                return pool
            }
            try pool.writeWithoutTransaction { db in try writing.install(db) }
            writing.watchFiles(path)
        } catch let error as DatabaseError {
            throw error.storeError("cannot open the read model \(path)")
        }
    }

    /// Finishes running writes, ends running queries, moves the write-ahead log into the file, and closes it. Ended
    /// queries and later calls throw `StoreError` `closed`.
    public func close() async {
        let (pool, writing) = (pool, writing)
        writing.endQueries()
        await withCheckedContinuation { continuation in
            startThread {
                try? pool.writeWithoutTransaction { db in try writing.finish(db) }
                try? pool.close()
                continuation.resume()
            }
        }
    }

    /// Executes all changes in one transaction, if all conditions hold in that transaction.
    public func write(_ write: ReadModelWrite) async throws {
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        let writing = writing
        do {
            // GRDB's own queue waits for the turn and the disk, and is not taken back when the task is cancelled.
            try await Task { [pool] in
                try await pool.writeWithoutTransaction { db in try writing.write(write, db) }
            }.value
        } catch let error as DatabaseError {
            throw error.storeError("the read model could not be written")
        }
    }

    /// Returns the rows of a query. The query sees every write that has returned.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled, also during a long query; `StoreError`:
    ///   `invalidQuery` if its SQL is wrong or would change something, `fileReplaced`.
    public func rows(_ query: SillokSQL.SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        do {
            try writing.checkFiles()
            return try await pool.read { db in
                try db.rows(query.text(of: projection), query.values)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
            try Task.checkCancellation()
            throw writing.isClosing ? StoreError(.closed, "the read model is closed.") : error.queryError
        } catch let error as DatabaseError {
            throw error.queryError
        }
    }
}

extension Database {
    /// The rows of a query that changes nothing.
    func rows(_ text: String, _ values: [SQLValue]) throws -> [SQLRow] {
        let statement = try cachedStatement(sql: text)
        guard statement.isReadonly, !text.firstWord.isOneOf("pragma", "attach", "detach", "begin", "savepoint") else {
            throw DatabaseError(resultCode: .SQLITE_READONLY, message: "a query must not change data")
        }
        let columns = statement.columnNames
        return try Row.fetchAll(statement, arguments: try StatementArguments(values: values)).map { row in
            SQLRow(columns: columns, values: row.databaseValues.map(\.sqlValue))
        }
    }
}
