import CSQLite
import SillokCore
package import SillokThreads

/// A connection to a database file. Belongs to one thread at a time.
package final class Connection {
    package let handle: OpaquePointer
    package let path: String
    /// The path that SQLite opened: absolute, without links.
    package let opened: String
    /// The file that the connection has open; `nil` in memory, and until ``watch(_:isSame:)``.
    package internal(set) var file: OpenedFile?
    /// What every snapshot of ``reading(_:)`` passes.
    package let gate: SnapshotGate
    private let interrupter: Interrupter
    /// Pages in the write-ahead log after the last commit of this connection.
    private let logPages = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    /// Opens a database file.
    package init(
        path: String, flags: Int32, cacheKiB: Int, gate: SnapshotGate = SnapshotGate()
    ) throws(SQLiteFailure) {
        self.path = path
        self.gate = gate
        var opened: OpaquePointer?
        let result = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard result == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
            sqlite3_close_v2(opened)
            logPages.deallocate()
            throw SQLiteFailure(code: result, message: message)
        }
        handle = opened
        interrupter = Interrupter(opened)
        self.opened = sqlite3_db_filename(opened, "main").map { String(cString: $0) } ?? path
        logPages.initialize(to: 0)
        sqlite3_busy_timeout(handle, Self.busyTimeout)
        _ = sillok_no_checkpoint_on_close(handle)
        try run("PRAGMA cache_size = -\(cacheKiB)")
        try run("PRAGMA temp_store = MEMORY")
        try run("PRAGMA cell_size_check = ON")
    }

    deinit {
        interrupter.end()
        sqlite3_close_v2(handle)
        logPages.deallocate()
    }

    /// Runs statements and ignores their rows.
    package func run(_ sql: String) throws(SQLiteFailure) {
        try check(sqlite3_exec(handle, sql, nil, nil, nil))
    }

    /// Prepares a statement that is kept for a long time.
    package func prepare(_ sql: String) throws(SQLiteFailure) -> Statement {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else { throw SQLiteFailure(code: SQLITE_MISUSE, message: "empty statement") }
        return Statement(statement, of: handle)
    }

    /// Returns the first column of the first row as a number, or 0 without a row.
    package func number(_ sql: String) throws(SQLiteFailure) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.int(0) : 0
    }

    /// Returns the first column of the first row as text.
    package func text(_ sql: String) throws(SQLiteFailure) -> String? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// Takes the right to write to the file, which holds for all of its paths; `false` if another connection has it.
    package func reserveFile() throws(SQLiteFailure) -> Bool {
        let code = sillok_reserve_file(handle)
        if code & 0xFF == SQLITE_BUSY { return false }
        guard code == SQLITE_OK else { throw SQLiteFailure(code: code, message: String(cString: sqlite3_errstr(code))) }
        return true
    }

    /// The number of snapshots that were read.
    package private(set) var snapshot: UInt64 = 0

    /// Runs `body` in a read transaction, so that everything it reads is one snapshot.
    package func reading<Result>(_ body: () throws -> Result) throws -> Result {
        try file?.check()
        return try gate.passing {
            try run("BEGIN")
            snapshot &+= 1
            defer { sqlite3_exec(handle, "COMMIT", nil, nil, nil) }
            return try body()
        }
    }

    /// Runs `body`, whose statements end soon when the cancellation is set.
    ///
    /// - Throws: what `body` throws; `CancellationError` for a statement that was ended.
    package func interruptible<Result>(by cancellation: Cancellation, _ body: () throws -> Result) throws -> Result {
        sqlite3_progress_handler(
            handle, Self.interruptibleSteps,
            { context in
                guard let context else { return 0 }
                return Unmanaged<Cancellation>.fromOpaque(context).takeUnretainedValue().isCancelled ? 1 : 0
            }, Unmanaged.passUnretained(cancellation).toOpaque())
        defer { sqlite3_progress_handler(handle, 0, nil, nil) }
        do {
            return try withExtendedLifetime(cancellation, body)
        } catch let failure as SQLiteFailure where failure.primary == SQLITE_INTERRUPT {
            throw CancellationError()
        }
    }

    /// The instructions of SQLite's virtual machine between two looks at a cancellation: less than a millisecond.
    private static let interruptibleSteps: Int32 = 1000

    /// Ends the statement that runs when the cancellation is set, also one that is a single instruction, such as the
    /// check of a file. For a connection that does nothing else.
    package func interrupt(when cancellation: Cancellation) {
        cancellation.whenCancelled { [interrupter] in interrupter.interrupt() }
    }

    /// Whether a transaction is open.
    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Turns automatic checkpoints off and counts the pages of the write-ahead log instead.
    package func countLogPages() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, logPages)
    }

    /// Pages in the write-ahead log after the last commit.
    package var pagesInLog: Int { Int(logPages.pointee) }

    /// Moves pages from the write-ahead log into the database file. Never waits for other connections: pages that they
    /// still read stay in the log.
    ///
    /// - Parameter truncating: whether the log must be empty afterwards; if it cannot be, this throws `SQLITE_BUSY`.
    package func checkpoint(truncating: Bool) throws(SQLiteFailure) {
        sqlite3_busy_timeout(handle, 0)
        defer { sqlite3_busy_timeout(handle, Self.busyTimeout) }
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        try check(sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil))
    }

    /// The time that a statement waits for another process that writes or recovers the file, in milliseconds.
    private static let busyTimeout: Int32 = 5000

    package func check(_ result: Int32) throws(SQLiteFailure) {
        guard result != SQLITE_OK else { return }
        throw SQLiteFailure(code: result, message: String(cString: sqlite3_errmsg(handle)))
    }
}

/// Interrupts the statements of a connection from any thread, until the connection is closed.
private final class Interrupter: Sendable {
    /// The address of the connection; SQLite allows any thread to interrupt one that is open.
    private let address: Lock<UInt?>

    init(_ handle: OpaquePointer) { address = Lock(UInt(bitPattern: handle)) }

    func interrupt() {
        address.withLock { address in
            if let handle = address.flatMap({ OpaquePointer(bitPattern: $0) }) { sqlite3_interrupt(handle) }
        }
    }

    func end() { address.withLock { $0 = nil } }
}
