import CSQLite
import GRDB
import SillokCore
import SillokSQL
import SillokThreads

/// What the one connection that writes does, in its turn among all processes. Called on GRDB's writing queue alone.
final class Writing: Sendable {
    private let lock: WriteLock
    private let durability: GRDBReadModel.Durability
    /// The files that are open, once they are known.
    private let files = Lock<OpenFiles?>(nil)
    /// Is set when the read model closes.
    private let closing = Cancellation()
    private let scopes: StatementScopes
    /// Statements that may touch what they read, until the schema changes.
    private let judged = Lock<[ExactText: StatementScope]>([:])
    private static let capacity = 300

    init(_ lock: WriteLock, _ durability: GRDBReadModel.Durability) {
        self.lock = lock
        self.durability = durability
        scopes = StatementScopes()
    }

    /// Sets what GRDB has left otherwise, and sees that it stays; refuses an event store.
    static func prepare(_ db: Database, _ path: String, _ durability: GRDBReadModel.Durability) throws {
        try ReadModelFormat.check(
            isDatabase: true, applicationID: Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0, version: 0,
            path: path)
        for pragma in SQLiteSettings.writing(isDurable: durability == .full) { try db.execute(sql: pragma) }
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == durability.rawValue else {
            throw StoreError(.ioFailure, "\(path) cannot be opened with the durability \(durability).")
        }
    }

    /// Makes the tables of the format where they are missing, unless the file has a newer format.
    func install(_ db: Database) throws {
        db.add(transactionObserver: scopes.observer, extent: .databaseLifetime)
        for function in StatementScopes.deniedFunctions { db.add(function: function) }
        try transaction(db) {
            if try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 {
                try db.execute(sql: "PRAGMA application_id = \(SQLiteFileMark.readModel)")
            }
            try run(ReadModelFormat.versions, of: nil, db)
            let rows = try db.rows(ReadModelFormat.foundVersion.text(of: nil), [])
            let found = try ReadModelFormat.version(in: rows.map(\.values))
            for statement in ReadModelFormat.schema { try run(statement, of: nil, db) }
            let rest = found.map { ReadModelFormat.upgrade(from: $0) } ?? [ReadModelFormat.noteVersion]
            for statement in rest { try run(statement, of: nil, db) }
        }
    }

    /// Makes the changes, if the conditions hold.
    func write(_ write: ReadModelWrite, _ db: Database) throws {
        try transaction(db, isDurable: write.isDurable) {
            for (index, condition) in write.conditions.enumerated() {
                let rows: [[SQLValue]]
                do {
                    rows = try db.rows(condition.query.text(of: nil), condition.query.values).map(\.values)
                } catch let error as DatabaseError {
                    throw error.isOfStatement ? error.queryError : error
                }
                guard condition.holds(for: rows) else { throw ConditionFailed(index: index, rows: rows) }
            }
            for (index, change) in write.changes.enumerated() {
                do {
                    try run(change.statement, of: change.projection, db)
                } catch let error as DatabaseError where error.isOfStatement {
                    throw ChangeFailed(index: index, reason: error.message ?? "\(error)")
                } catch let denial as Denial {
                    throw ChangeFailed(index: index, reason: denial.reason)
                }
            }
        }
    }

    /// Leaves a single file, if no other connection has it open.
    func finish(_ db: Database) throws {
        // What others still read stays in the log.
        try db.execute(sql: "PRAGMA busy_timeout = 0")
        try lock.turn { _ = try db.checkpoint(.truncate) }
    }

    private func run(_ sql: SillokSQL.SQL, of projection: ProjectionID?, _ db: Database) throws {
        let (text, names) = sql.named(projection)
        let key = ExactText("\(projection?.description ?? "")\u{0}\(text)")
        let known = judged.withLock { $0[key] }
        let scope = known ?? StatementScope(projection, names: names, text: text)
        if known == nil, let denial = scope.denialOfText { throw denial }
        let before = try scope.isGuardedSchema ? Self.schema(db) : nil
        try scopes.within(scope) {
            let statement = try db.cachedStatement(sql: text)
            if known == nil, let denial = try scope.denial(ofReading: statement, db) { throw denial }
            try statement.execute(arguments: try StatementArguments(values: sql.values))
        }
        if let before, let denial = scope.denial(ofChanges: before, try Self.schema(db)) { throw denial }
        guard db.isInsideTransaction else {
            throw Denial(reason: "it ended the transaction that it is a part of")
        }
        judged.withLock { judged in
            if scope.changesSchema || judged.count >= Self.capacity { judged = [:] }
            if known == nil && !scope.changesSchema { judged[key] = scope }
        }
    }

    /// Everything that the schema has, each with its table.
    private static func schema(_ db: Database) throws -> Set<[String]> {
        Set(
            try Row.fetchAll(db, sql: "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema").map { row in
                (0..<4).map { row[$0] as String }
            })
    }

    /// Remembers the files that are open by now.
    func watchFiles(_ path: String) {
        files.withLock { $0 = OpenFiles(path: path, opened: resolvedPath(path)) }
    }

    /// Throws if a path leads to another file by now, or to none.
    func checkFiles() throws(StoreError) { try files.withLock { $0 }?.check("the read model") }

    /// Prepares a connection that GRDB has opened by the path: which may lead to another file by then.
    ///
    /// Its queries end when the read model closes.
    func prepare(_ db: Database) throws {
        guard files.withLock({ $0 }) != nil, let connection = db.sqliteConnection else { return }
        // The write-ahead log is opened by the first read.
        _ = try Int.fetchOne(db, sql: "PRAGMA user_version")
        try checkFiles()
        guard sillok_has_moved(connection) == 0 else {
            throw StoreError(
                .fileReplaced,
                "the read model was replaced while it was open. Restart this process, or open it again, to use the "
                    + "file that is there now.")
        }
        sqlite3_progress_handler(
            connection, 1000,
            { context in
                guard let context else { return 0 }
                return Unmanaged<Cancellation>.fromOpaque(context).takeUnretainedValue().isCancelled ? 1 : 0
            }, Unmanaged.passUnretained(closing).toOpaque())
    }

    /// Whether the read model is closed or closing.
    var isClosing: Bool { closing.isCancelled }

    /// Ends the queries that run.
    func endQueries() { closing.cancel() }

    /// Runs `body` in a transaction, in our turn.
    ///
    /// - Parameter isDurable: a power cut must not take it once this has returned.
    private func transaction(_ db: Database, isDurable: Bool = false, _ body: () throws -> Void) throws {
        try checkFiles()
        try lock.turn {
            guard isDurable && durability == .normal else { return try ownTransaction(db, body) }
            try db.execute(sql: SQLiteSettings.synchronous(isDurable: true))
            defer { try? db.execute(sql: SQLiteSettings.synchronous(isDurable: false)) }
            try ownTransaction(db, body)
        }
        do {
            try checkFiles()
        } catch {
            throw StoreError(error.code, error.message, outcome: .unknown)
        }
    }

    private func ownTransaction(_ db: Database, _ body: () throws -> Void) throws {
        try db.beginTransaction(.immediate)
        do {
            try body()
        } catch {
            if db.isInsideTransaction { try db.rollback() }
            throw error
        }
        do {
            try db.commit()
        } catch let error as DatabaseError {
            if db.isInsideTransaction { try db.rollback() }
            // The commit may be in the log of the file although it failed here; only a full disk says that it is not.
            throw error.storeError(
                "the write could not be committed", outcome: error.resultCode == .SQLITE_FULL ? .definite : .unknown)
        }
    }
}
