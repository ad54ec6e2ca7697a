import CSQLite
import SillokCore
package import SillokSQL
import SillokSQLiteConnections

/// The only connection of this process that writes a read model. Belongs to the thread that writes.
final class ModelWriter {
    private let connection: Connection
    private let lock: WriteLock?
    private let statements: ModelStatements
    private let begin: Statement
    private let commit: Statement
    private let rollback: Statement
    private let checkpoints: CheckpointSchedule
    /// The error for all further writes, once the disk has failed.
    private var failure: StoreError?

    init(_ connection: Connection, lock: WriteLock?, checkpoints: CheckpointSizes) throws {
        self.connection = connection
        self.lock = lock
        statements = ModelStatements(connection)
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        rollback = try connection.prepare("ROLLBACK")
        self.checkpoints = CheckpointSchedule(connection, checkpoints)
    }

    /// Creates the missing tables of the format, unless the file has a newer format.
    ///
    /// - Parameter isFresh: whether the file was created for this read model. Otherwise it may be another program's
    ///   file, and its application id is not changed.
    func install(isFresh: Bool) throws {
        try transaction {
            if isFresh { try connection.run("PRAGMA application_id = \(SQLiteFileMark.readModel)") }
            try statements.install()
        }
    }

    /// Makes the changes if the conditions hold.
    func write(_ write: ReadModelWrite) throws {
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        try transaction(isDurable: write.isDurable) {
            try statements.ask(write.conditions)
            try statements.make(write.changes)
        }
    }

    /// The file that it has open; `nil` in memory.
    var file: OpenedFile? { connection.file }

    /// The rows of a query, where no other connection can read.
    func rows(_ query: ModelQueries.Query) throws -> [SQLRow] {
        try connection.interruptible(by: query.cancellation) {
            try statements.rows(query.sql, of: query.projection)
        }
    }

    /// Moves the write-ahead log into the file when it has grown long. Called after the answers are sent.
    func checkpointIfDue() {
        guard failure == nil, let lock, checkpoints.isDue else { return }
        do {
            try lock.turn { try checkpoints.runIfDue() }
        } catch let error as SQLiteFailure where error.isFatal {
            failure = error.storeError("a checkpoint failed; the read model accepts no more writes")
        } catch {
            // The disk is full, or another connection prevents it. A later commit tries again.
        }
    }

    /// Leaves only the one file, if the disk is healthy and no other connection has it open.
    func finish() {
        guard failure == nil, let lock else { return }
        try? lock.turn { try connection.checkpoint(truncating: true) }
    }

    /// Runs `body` in a transaction, after it got the turn to write.
    ///
    /// - Parameter isDurable: whether the change must survive a power cut once this has returned.
    private func transaction(isDurable: Bool = false, _ body: () throws -> Void) throws {
        if let failure { throw failure }
        guard let lock else { return try ownTransaction(body) }
        try connection.file?.check()
        try lock.turn {
            guard isDurable else { return try ownTransaction(body) }
            try settings(SQLiteSettings.synchronous(isDurable: true))
            defer { try? settings(SQLiteSettings.synchronous(isDurable: false)) }
            try ownTransaction(body)
        }
        do {
            try connection.file?.check()
        } catch {
            throw StoreError(error.code, error.message, outcome: .unknown)
        }
    }

    private func settings(_ pragma: String) throws {
        do {
            try connection.run(pragma)
        } catch {
            throw error.storeError("the read model could not be written")
        }
    }

    private func ownTransaction(_ body: () throws -> Void) throws {
        do {
            try begin.run()
            try body()
        } catch {
            recover(from: error)
            throw (error as? SQLiteFailure)?.storeError("the read model could not be written") ?? error
        }
        do {
            try commit.run()
        } catch {
            recover(from: error)
            // The commit may be in the log of the file although it failed here. Only a full disk means that it is not.
            let outcome: StoreError.Outcome = error.primary == SQLITE_FULL ? .definite : .unknown
            throw error.storeError("the write could not be committed", outcome: outcome)
        }
    }

    /// Returns to the last committed state, or stops all further writes if the disk cannot be trusted.
    private func recover(from error: any Error) {
        let cause = error as? SQLiteFailure
        do {
            if connection.isInTransaction { try rollback.run() }
            if let cause, cause.isFatal {
                failure = cause.storeError("the disk failed; the read model accepts no more writes")
            }
        } catch {
            failure = error.storeError("a rollback failed; the read model accepts no more writes")
        }
    }
}

extension ModelStatements {
    /// Creates the tables of the format, unless the file has a newer one.
    package func install() throws {
        try run(ReadModelFormat.versions, of: nil)
        let found = try ReadModelFormat.version(in: values(ReadModelFormat.foundVersion, of: nil))
        for statement in ReadModelFormat.schema { try run(statement, of: nil) }
        let rest = found.map { ReadModelFormat.upgrade(from: $0) } ?? [ReadModelFormat.noteVersion]
        for statement in rest { try run(statement, of: nil) }
    }

    /// Throws unless all conditions hold.
    package func ask(_ conditions: [ReadModelWrite.Condition]) throws {
        for (index, condition) in conditions.enumerated() {
            let rows: [[SQLValue]]
            do {
                rows = try values(condition.query, of: nil)
            } catch {
                throw error.isOfStatement ? error.queryError : error
            }
            guard condition.holds(for: rows) else { throw ConditionFailed(index: index, rows: rows) }
        }
    }

    /// Makes changes in order.
    package func make(_ changes: [ReadModelWrite.Change]) throws {
        var index = 0
        for change in changes {
            do {
                try run(change.statement, of: change.projection)
            } catch {
                throw error.isOfStatement ? ChangeFailed(index: index, reason: error.message) : error
            }
            index += 1
        }
    }
}
