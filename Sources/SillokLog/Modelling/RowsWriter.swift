import SillokCore
import SillokSQL
import SillokSQLiteConnections
import SillokSQLiteModels
import SillokStorage

/// The rows of the store's read model, as used by the thread that appends. Belongs to that thread.
///
/// The rows of a group are written in one transaction before the log is written, and committed after the log was
/// synced. So rows never contain an event that the log may lose. If the process ends in between, the rows are behind
/// the log, and the events are projected again when the rules are attached.
final class RowsWriter {
    private let connection: Connection
    private let model: InlineModel
    private let begin, commit, rollback: Statement
    private let schedule: CheckpointSchedule
    private let faults: RowsFaults
    /// Whether the log has events of this process whose rows could not be committed.
    private(set) var isBehind = false
    /// The error for all further writes, once the disk has failed.
    private var failure: StoreError?

    /// - Parameter isFresh: whether the file is empty.
    init(_ connection: Connection, isFresh: Bool, _ tuning: LogTuning) throws {
        self.connection = connection
        faults = tuning.rowsFaults
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        rollback = try connection.prepare("ROLLBACK")
        schedule = CheckpointSchedule(connection, tuning.rowsCheckpoints.supported)
        try begin.run()
        if isFresh { try connection.run("PRAGMA application_id = \(SQLiteFileMark.rows)") }
        model = try InlineModel(connection)
        try commit.run()
        model.didCommit()
    }

    /// Returns the checkpoints of all builds that are written inline.
    func checkpoints() throws -> [(build: ProjectionID, checkpoint: Checkpoint)] { try model.checkpoints() }

    /// Whether any rule is attached to appends.
    var hasRules: Bool { model.hasRules }

    /// Returns whether the committed rows of all attached rules contain the log up to a position.
    func contains(_ position: Position) -> Bool { model.committedPosition.map { $0 >= position } ?? true }

    /// Begins the transaction of a group of appends. Rows that are behind the log are written first.
    ///
    /// - Throws: `StoreError`: the group must not be written.
    func beginGroup(_ reader: LogReader) throws {
        guard hasRules else { return }
        if isBehind { try catchUp(reader) }
        try reported {
            try checkUsable()
            try begin.run()
        }
    }

    /// Projects the events of an append, then records it. If either fails, nothing of it was done.
    ///
    /// - Throws: `InlineProjectionFailed` if a rule refuses the append.
    func project(_ events: [RecordedEvent], _ record: () throws -> Receipt) throws -> Receipt {
        func body() throws -> Receipt {
            try model.take(events)
            do { return try record() } catch { throw StoreError.reading(error) }
        }
        return try reported { faults.planted.contains(.keepsRefusedRows) ? try body() : try model.undoable(body) }
    }

    /// Writes the checkpoints of the group. After this only the commit is left.
    func flush() throws {
        guard connection.isInTransaction else { return }
        try reported { try model.flush() }
        if faults.planted.contains(.commitsBeforeSync) { commitGroup() }
    }

    /// Commits the rows of a group whose events are durable. If that fails, the rows are behind.
    func commitGroup() {
        guard connection.isInTransaction else { return }
        do {
            try faults.failIfDue()
            try commit.run()
            model.didCommit()
        } catch {
            isBehind = true
            recover(from: error)
        }
    }

    /// Takes back the rows of a group that is not written.
    func undo() { if connection.isInTransaction { recover(from: nil) } }

    /// Projects the events that the log has and the rows do not contain.
    ///
    /// - Throws: `StoreError`: the rows are still behind. Its code is `refused` if a rule rejects an event now that it
    ///   accepted before.
    func catchUp(_ reader: LogReader) throws {
        do {
            try transaction(isDurable: false) { try model.catchUp { try page(reader, $0, $1) } }
            isBehind = false
        } catch let error as InlineProjectionFailed {
            throw StoreError(
                .refused,
                "\(error.projection) is inline and cannot project the event at position \(error.event.position) a "
                    + "second time: \(error.cause). The log has the event. Correct the projection and attach it again.")
        }
    }

    /// Executes requests for the read model in one transaction. One that fails on its own has written nothing.
    func execute(_ requests: [ModelRequest], _ reader: LogReader) -> [Result<Bool, any Error>] {
        do {
            return try transaction(isDurable: requests.contains(where: \.isDurable)) {
                let answers = try requests.map { request in
                    do {
                        return Result<Bool, any Error>.success(
                            try model.execute(request) { try page(reader, $0, $1) })
                    } catch  where !(error is SQLiteFailure) {
                        return .failure(error)
                    }
                }
                try model.flush()
                return answers
            }
        } catch {
            return requests.map { _ in .failure(error) }
        }
    }

    /// Moves the write-ahead log into the file when it has grown long. Called after the answers are sent.
    func checkpointIfDue() {
        guard failure == nil, schedule.isDue, connection.file?.replacement == nil else { return }
        do {
            try schedule.runIfDue()
        } catch  where error.isFatal {
            failure = error.storeError("a checkpoint failed; the read model accepts no more writes")
        } catch {
            // The disk is full, or a reader prevents it. A later commit tries again.
        }
    }

    /// Leaves only the one file, if the disk is healthy and no other connection has it open.
    func finish() { if failure == nil { try? connection.checkpoint(truncating: true) } }

    private func page(_ reader: LogReader, _ query: EventQuery, _ mark: EventMark) throws -> EventBatch {
        do {
            let page = try reader.pageForRule(query, after: mark)
            guard faults.planted.contains(.skipsReplay) else { return page }
            return EventBatch(events: [], mark: page.mark, isEnd: page.isEnd, head: page.head)
        } catch {
            throw StoreError.reading(error)
        }
    }
}

extension RowsWriter {
    /// Throws if the file must not be written.
    private func checkUsable() throws {
        if let failure { throw failure }
        if let replaced = connection.file?.replacement(.written) { throw replaced }
    }

    private func transaction<Result>(isDurable: Bool, _ body: () throws -> Result) throws -> Result {
        try reported {
            try checkUsable()
            if isDurable { try connection.run(SQLiteSettings.synchronous(isDurable: true)) }
            defer { if isDurable { try? connection.run(SQLiteSettings.synchronous(isDurable: false)) } }
            try begin.run()
            let result: Result
            do {
                result = try body()
            } catch {
                recover(from: error)
                throw error
            }
            do throws(SQLiteFailure) {
                try faults.failIfDue()
                try commit.run()
                model.didCommit()
                return result
            } catch {
                recover(from: error)
                // The commit may be in the file's log although it failed here. Only a full disk means that it is not.
                let outcome: StoreError.Outcome = error.isFull ? .definite : .unknown
                throw error.storeError("the rows could not be committed", outcome: outcome)
            }
        }
    }

    /// Returns to the last committed state. Stops all further writes if the disk cannot be trusted.
    private func recover(from error: (any Error)?) {
        do {
            if connection.isInTransaction { try rollback.run() }
            try model.reload()
        } catch {
            let cause = error as? SQLiteFailure
            failure =
                cause?.storeError("a rollback failed; the read model accepts no more writes")
                ?? StoreError.storing(error)
        }
        if let cause = error as? SQLiteFailure { noteIfFatal(cause) }
    }

    private func noteIfFatal(_ cause: SQLiteFailure) {
        guard cause.isFatal, failure == nil else { return }
        failure = cause.storeError("the disk failed; the read model of the store accepts no more writes")
    }

    /// Runs `body`, and throws a failure of SQLite as an error of the store.
    private func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let cause as SQLiteFailure {
            noteIfFatal(cause)
            throw cause.storeError("the rows of the store could not be written")
        }
    }
}
