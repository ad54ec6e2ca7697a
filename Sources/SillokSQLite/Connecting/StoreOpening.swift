import CSQLite
import SillokCore

/// How the connections of a store are opened.
struct StoreOpening {
    let path: String
    let mode: SQLiteEventStore.Mode
    let limits: Limits
    let tuning: Tuning

    /// The connection that writes, in a file that is made or checked first.
    func writer(_ origins: Schema.Origins, clock: WallClock) throws -> Writer {
        try reported {
            let create = mode == .create ? SQLITE_OPEN_CREATE : 0
            let connection = try Connection(path: path, flags: SQLITE_OPEN_READWRITE | create, cacheKiB: 16_384)
            try connection.run("PRAGMA synchronous = \(tuning.syncsCommits ? "FULL" : "NORMAL")")
            try Schema.install(on: connection, origins, tuning: tuning)
            guard try connection.number("PRAGMA synchronous") == (tuning.syncsCommits ? 2 : 1),
                try connection.text("PRAGMA journal_mode") == "wal"
            else { throw StoreError(.unsupportedFormat, "the file system of \(path) does not allow durable writes.") }
            try settle(connection)
            return try Writer(connection, limits: limits, clock: clock, tuning: tuning)
        }
    }

    /// Moves what a process before has left in the write-ahead log into the file.
    ///
    /// That process may have been killed, or have met a failing disk, after it wrote a commit and before that commit was
    /// on the disk. We see the commit and would acknowledge it to whoever repeats it, so it must be on the disk first;
    /// and what comes next must not stand in the log behind a part that the disk may have lost.
    private func settle(_ connection: Connection) throws(SQLiteFailure) {
        do {
            try connection.run("PRAGMA busy_timeout = 500")
            try connection.checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
        } catch  where error.isFull || error.primary == SQLITE_BUSY {
            // No room for the move, or a reader in the way: the log has been synced all the same, before the move.
        }
        try connection.run("PRAGMA busy_timeout = 5000")
    }

    /// The connections that read, and the identity of the store.
    func readers() throws -> (StoreID, [EventReader]) {
        try reported {
            var id: StoreID?
            let readers = try (0..<tuning.readers).map { _ in
                let connection = try Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 4096)
                if id == nil {
                    try Schema.check(connection)
                    id = try Schema.storeID(connection)
                }
                return try EventReader(connection, limits: limits, isWriter: false, tuning: tuning)
            }
            guard let id else { throw StoreError(.corrupt, "the store has no readable id.") }
            return (id, readers)
        }
    }

    /// A check of the whole store, on a connection of its own.
    func verification(
        _ report: @escaping (WorkProgress) -> Void, isCancelled: @escaping () -> Bool
    ) throws -> Verification {
        try reported {
            let connection = try Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 16_384)
            return try Verification(connection, limits: limits, report: report, isCancelled: isCancelled)
        }
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
    /// Whether the file is a store, of whatever format. Blocks for as long as it takes to open a file.
    package static func isStore(at path: String) -> Bool {
        guard let connection = try? Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 64) else {
            return false
        }
        return (try? connection.number("PRAGMA application_id")) == Schema.applicationID
    }
}
