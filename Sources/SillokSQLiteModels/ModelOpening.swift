import CSQLite
import SillokCore
package import SillokSQL
package import SillokSQLiteConnections

/// The options and steps for opening the connections of a read model.
struct ModelOpening {
    /// The path of the file; `nil` for a read model in memory.
    let path: String?
    let checkpoints: CheckpointSizes
    /// The maximum time to wait for a turn to write.
    let timeout: Duration

    /// Opens the connection that writes, and creates or checks the file first.
    func writer() throws -> ModelWriter {
        try reported {
            if let path {
                try FileFacts.refuseSeveralNames(path, "the read model")
                try FileProbe(path).checkIsReadModel(path)
            }
            let lock = try path.map { try WriteLock(path: resolvedPath($0) + "-lock", timeout: timeout) }
            let connection = try Connection(
                path: path ?? ":memory:", flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, cacheKiB: 32_768)
            let install = {
                try check(connection)
                if path != nil { try connection.run("PRAGMA journal_mode = WAL") }
                // A power cut removes rows and checkpoint together, so the rows are projected again.
                for pragma in SQLiteSettings.writing(isDurable: false) { try connection.run(pragma) }
                // Projections create their tables in any order.
                try connection.run("PRAGMA foreign_keys = OFF")
            }
            if let lock { try lock.turn(install) } else { try install() }
            let writer = try ModelWriter(connection, lock: lock, checkpoints: checkpoints)
            try writer.install(isFresh: connection.number("SELECT count(*) FROM sqlite_schema") == 0)
            if path != nil { try connection.watch("the read model") }
            return writer
        }
    }

    private func check(_ connection: Connection) throws {
        try ReadModelFormat.check(
            isDatabase: true, applicationID: connection.number("PRAGMA application_id"), version: 0, path: path ?? "it")
    }

    private func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            throw failure.storeError("cannot open the read model \(path ?? "in memory")")
        }
    }
}

/// A connection that reads a read model. Belongs to its thread.
package final class ModelReader {
    private let connection: Connection
    private let statements: ModelStatements

    /// Opens the file of a read model or a store once more.
    ///
    /// - Throws: `StoreError` `fileReplaced` if another file is there by now.
    package init(_ file: OpenedFile) throws {
        do {
            connection = try file.connect(cacheKiB: 8192)
        } catch let error as SQLiteFailure {
            throw error.storeError("cannot open the read model \(file.path)")
        }
        statements = ModelStatements(connection)
    }

    /// The rows of a query that changes nothing.
    package func rows(_ query: ModelQueries.Query) throws -> [SQLRow] {
        try connection.file?.check()
        return try connection.interruptible(by: query.cancellation) {
            try statements.rows(query.sql, of: query.projection)
        }
    }
}

extension ModelStatements {
    /// Returns the rows of a query that changes nothing; throws errors as `StoreError`.
    func rows(_ query: SQL, of projection: ProjectionID?) throws -> [SQLRow] {
        do {
            var columns: [String]?
            return try self.query(query, of: projection) { statement in
                let names = columns ?? statement.columns
                columns = names
                return SQLRow(columns: names, values: statement.values)
            }
        } catch  where error.primary == SQLITE_INTERRUPT {
            throw CancellationError()
        } catch {
            throw error.queryError
        }
    }
}
