import CSQLite
import SillokCore
import SillokSQL
import SillokSQLiteConnections
import SillokThreads

/// The options and steps for opening the connections of a store.
struct StoreOpening {
    let path: String
    let mode: SQLiteEventStore.Mode
    let limits: Limits
    let tuning: Tuning
    private let gate = SnapshotGate()

    /// Throws if the file at the path is not a store, or cannot be opened. Changes nothing.
    func probe() throws {
        if mode != .create && FileFacts(path: path) == nil {
            throw StoreError(.notFound, "there is no store at \(path).")
        }
        try FileFacts.refuseSeveralNames(path, "the store")
        try FileProbe(path).checkIsStore(path)
    }

    /// Opens the connection that writes, and creates or checks the file first.
    func writer(_ origins: Schema.Origins, clock: WallClock) throws -> Writer {
        try reported {
            let create = mode == .create ? SQLITE_OPEN_CREATE : 0
            let connection = try Connection(path: path, flags: SQLITE_OPEN_READWRITE | create, cacheKiB: 16_384)
            for pragma in SQLiteSettings.writing(isDurable: tuning.syncsCommits) { try connection.run(pragma) }
            try connection.run("PRAGMA journal_mode = WAL")
            guard try connection.reserveFile() else {
                throw StoreError(
                    .locked,
                    "the store \(path) is open for writing through another path. Close it there, or open it here for "
                        + "reading only.")
            }
            try Schema.install(on: connection, origins, conversionBatch: tuning.conversionBatch)
            guard try connection.number("PRAGMA synchronous") == (tuning.syncsCommits ? 2 : 1),
                try connection.text("PRAGMA journal_mode") == "wal"
            else { throw StoreError(.unsupportedFormat, "the file system of \(path) does not allow durable writes.") }
            try settle(connection)
            try watch(connection)
            return try Writer(connection, limits: limits, clock: clock, tuning: tuning, gate: gate)
        }
    }

    /// Syncs the write-ahead log that an earlier process left to the disk.
    ///
    /// That process may have been killed, or its disk may have failed, after it wrote a commit and before the commit
    /// was on the disk. This process sees the commit and acknowledges it to a caller that repeats it, so it must be on
    /// the disk first. Later commits must not follow a part of the log that the disk may have lost.
    private func settle(_ connection: Connection) throws {
        if try isMoved(connection) { return }
        // A full disk or a reader can prevent the move of the log. SQLite has then not synced all of it, or nothing
        // with a reader of the file only (read mark 0). The write lock keeps others from changing it.
        try connection.run("BEGIN IMMEDIATE")
        defer { sqlite3_exec(connection.handle, "ROLLBACK", nil, nil, nil) }
        try rewrite(connection.opened + "-wal")
    }

    /// Moves the write-ahead log into the file and syncs both. Returns `false` if a reader or a full disk prevents it.
    private func isMoved(_ connection: Connection) throws(SQLiteFailure) -> Bool {
        do {
            try connection.checkpoint(truncating: true)
            return true
        } catch  where error.isFull || error.primary == SQLITE_BUSY {
            return false
        }
    }

    /// The connections that read.
    ///
    /// - Parameter file: the file that the writer has open; `nil` if there is no writer.
    /// - Returns: the file, the identity of the store, and the connections.
    func readers(_ file: OpenedFile?) throws -> (file: OpenedFile, id: StoreID, readers: [EventReader]) {
        try reported {
            let first = try file?.connect(cacheKiB: Self.readerKiB, gate: gate) ?? firstReader()
            guard let file = first.file else { throw StoreError(.corrupt, "the store has no readable id.") }
            let id = try Schema.storeID(first)
            let others = try (1..<tuning.readers).map { _ in try file.connect(cacheKiB: Self.readerKiB, gate: gate) }
            let readers = try ([first] + others).map {
                try EventReader($0, limits: limits, isWriter: false, tuning: tuning)
            }
            return (file, id, readers)
        }
    }

    private func firstReader() throws -> Connection {
        let connection = try Connection(
            path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: Self.readerKiB, gate: gate)
        try Schema.check(connection)
        try watch(connection)
        return connection
    }

    private static let readerKiB = 4096

    /// Remembers the files that a connection has open, and the identity of the store in them.
    private func watch(_ connection: Connection) throws {
        let id = try Schema.storeID(connection)
        try connection.watch("the store") { try Schema.storeID($0) == id }
    }

    /// A check of the whole store, on a connection of its own to the file that the store has open.
    func verification(
        _ file: OpenedFile, _ report: @escaping (WorkProgress) -> Void, _ cancellation: Cancellation
    ) throws -> Verification {
        try reported {
            let connection = try file.connect(cacheKiB: 16_384)
            return try Verification(connection, limits: limits, report: report, cancellation)
        }
    }

    /// Checks the whole store at the path, and returns its head as well.
    func verified(
        _ report: @escaping (WorkProgress) -> Void, _ cancellation: Cancellation
    ) throws -> (VerificationReport, head: Position) {
        let (file, _, readers) = try readers(nil)
        let head = try reported {
            try readers.first.map { reader in try reader.connection.reading { try reader.head() } } ?? 0
        }
        return (try verification(file, report, cancellation).run(), Position(UInt64(clamping: head)))
    }

    private func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            if failure.primary == SQLITE_NOTADB {
                throw StoreError(.unsupportedFormat, "\(path) is not a store: \(failure.message).", cause: failure)
            }
            throw failure.storeError("cannot open the store \(path)")
        }
    }
}

extension SQLiteEventStore {
    /// Returns whether the file is a store of any format. Blocks until the file is opened.
    package static func isStore(at path: String) -> Bool {
        FileProbe(path).isStore
    }

    /// Says why a store at a path may be lost although it is synced; `nil` on the file system of a disk.
    package static func fileSystemWarning(at path: String) -> String? { FileSystem.warning(at: path) }

    /// Opens a store whose writer checks each condition itself, without a limit of steps. Benchmarks use it as the slow
    /// baseline.
    @_spi(Benchmarks)
    public static func withoutBudgets(path: String) throws -> SQLiteEventStore {
        var (limits, tuning) = (Limits(), Tuning())
        limits.conditionSteps = .max
        (tuning.writerSteps, tuning.groupSteps) = (.max, .max)
        return try SQLiteEventStore(path: path, mode: .existing, limits: limits, clock: .system, tuning: tuning)
    }
}

extension StoreError {
    /// Returns the error to throw for a failed read.
    static func reading(_ error: any Error) -> any Error {
        (error as? SQLiteFailure)?.storeError("the store could not be read") ?? error
    }
}
