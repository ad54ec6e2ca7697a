import CSQLite
package import SillokCore
import SillokDisk
package import SillokSQLiteConnections
import SillokSystem
package import SillokThreads

// The file `index.sqlite`: the index of the older events. It is never the truth: if it is missing, damaged or of
// another store, it is deleted and rebuilt from the log.
//
//   entries     (key, last): blocks of the positions of the events that have the key of a name: a stream, a category, a
//               type or a tag. A key is a hash: LogKeys. A block ends with the position `last`; `earlier` are the
//               distances back to the positions before it, as LEB128.
//   runs        sorted runs of the keys of ids with their positions: their first and last key, the highest key of a
//               time-ordered id (-1 without one), and the number of their entries. Several runs of a level are merged
//               into one of the next level.
//   chunks      the entries of the runs, a few hundred in a row: RunChunk. A chunk ends with the key `last`. Chunks of
//               other runs are those of an interrupted move or merge. Readers ignore them.
//   streams     the name of every stream, so that streams can be listed by name.
//   tracking    for each source, the position up to which it was consumed, and the id of the foreign event there.
//   state       'store': the id of the store · 'indexed': the position up to which the other tables are complete
//               · 'mark': the id of the event there. If the log has another event there, the index is of another log.
//
// Blocks that end behind `indexed` may be there as well: those of a move that was interrupted. Readers ignore them.
// Later they may overlap with others. Every block is complete within its range, so readers skip what they have read.

/// The statements on the tables of the index file, and the checks of the file.
package enum IndexFile {
    /// "SLIX": marks an SQLite file as an index.
    package static let applicationID: Int64 = 0x534C_4958
    package static let version: Int64 = 2

    private static let tables = [
        """
        TABLE entries (key INTEGER NOT NULL, last INTEGER NOT NULL, earlier BLOB NOT NULL, PRIMARY KEY (key, last))
        STRICT, WITHOUT ROWID
        """,
        "TABLE streams (name BLOB PRIMARY KEY) STRICT, WITHOUT ROWID",
        "TABLE tracking (source BLOB PRIMARY KEY, position INTEGER NOT NULL, event BLOB) STRICT, WITHOUT ROWID",
        "TABLE state (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
        """
        TABLE runs (run INTEGER PRIMARY KEY, level INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        ordered INTEGER NOT NULL, entries INTEGER NOT NULL) STRICT
        """,
        """
        TABLE chunks (chunk INTEGER PRIMARY KEY, run INTEGER NOT NULL, last INTEGER NOT NULL, entries BLOB NOT NULL)
        STRICT
        """,
        "INDEX places ON chunks (run, last)",
    ]

    /// The contents of the table `state`.
    package struct State: Equatable {
        package let store: StoreID
        /// The position up to which the index is complete.
        package let indexed: Int64
        /// The id of the event at that position; `nil` at the start.
        package let mark: EventID?
    }

    /// The path of the index of a store.
    package static func path(in folder: String) -> String { folder + "/index.sqlite" }

    /// Opens the connection that writes, without a check of its contents.
    ///
    /// A commit does not wait for the disk. After a power cut the last commits may be missing, but never a part of one.
    package static func writer(_ folder: String) throws -> Connection {
        let connection = try Connection(
            path: path(in: folder), flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, cacheKiB: 16_384)
        try connection.run("PRAGMA journal_mode = WAL")
        try connection.run("PRAGMA synchronous = NORMAL")
        try connection.boundWriteAheadLog()
        return connection
    }

    /// Opens a connection that reads.
    package static func reader(_ folder: String) throws -> Connection {
        try Connection(path: path(in: folder), flags: SQLITE_OPEN_READONLY, cacheKiB: 4096)
    }

    /// Creates the tables in an empty file.
    package static func create(_ connection: Connection, _ store: StoreID) throws {
        try connection.run("BEGIN IMMEDIATE")
        for table in tables { try connection.run("CREATE \(table)") }
        try connection.run("PRAGMA application_id = \(applicationID)")
        try connection.run("PRAGMA user_version = \(version)")
        let insert = try connection.prepare("INSERT INTO state VALUES ('store', ?1), ('indexed', 0)")
        insert.bind(copied: store.bytes, at: 1)
        try insert.run()
        try connection.run("COMMIT")
    }

    /// Returns the state of the index; `nil` if the file is not a readable index of this version.
    package static func state(_ connection: Connection) throws -> State? {
        guard try connection.number("PRAGMA application_id") == applicationID,
            try connection.number("PRAGMA user_version") == version
        else { return nil }
        let rows = try connection.prepare(
            "SELECT (SELECT value FROM state WHERE key = 'store'), (SELECT value FROM state WHERE key = 'indexed'), "
                + "(SELECT value FROM state WHERE key = 'mark')")
        guard try rows.step() else { return nil }
        defer { rows.reset() }
        guard let store = StoreID(bytes: rows.bytes(0)), rows.int(1) >= 0 else { return nil }
        return State(store: store, indexed: rows.int(1), mark: EventID(bytes: rows.bytes(2)))
    }

    /// Returns the highest key of a time-ordered id in an index; −1 without one.
    package static func highestOrdered(_ connection: Connection) throws -> Int64 {
        try connection.number("SELECT ifnull(max(ordered), -1) FROM runs")
    }

    /// Returns whether no part at the end of the file is missing.
    package static func isWhole(_ connection: Connection, _ folder: String) throws -> Bool {
        let pages = try connection.number("PRAGMA page_count")
        let size = try connection.number("PRAGMA page_size")
        // Pages that are only in the write-ahead log are counted too.
        let bytes = try ["", "-wal"].reduce(Int64(0)) { sum, ending in
            guard let file = try? SystemDisk().open(path(in: folder) + ending, .read) else { return sum }
            return sum + Int64(try file.size())
        }
        return pages * size <= bytes
    }

    /// The error of contents that no index has.
    static var damaged: StoreError {
        StoreError(
            .corrupt,
            "the index of the store is damaged. Close the store, delete index.sqlite in its folder, and open it again: "
                + "the index is rebuilt from the log.")
    }

    /// Writes a copy of the index of a store to a new file, page by page, which takes little memory.
    ///
    /// - Returns: whether there is one now; `false` if the index cannot be used and has to be rebuilt from the log.
    package static func copy(of folder: String, to target: String, _ cancellation: Cancellation) throws -> Bool {
        do {
            guard FileProbe(path(in: folder)).found != nil else { return false }
            let connection = try reader(folder)
            guard try state(connection) != nil else { return false }
            try connection.watch("the index")
            try connection.file?.writeCopy(to: target, cancellation)
            return true
        } catch let error where error is CancellationError || (error as? StoreError)?.code == .full {
            throw error
        } catch {
            unlink(target)
            return false
        }
    }

    /// Removes the file of an index.
    package static func remove(in folder: String) {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(path(in: folder) + ending) }
    }
}

extension Connection {
    /// Runs `body` in one transaction.
    func committing(_ body: () throws -> Void) throws {
        try run("BEGIN IMMEDIATE")
        do {
            try body()
            try run("COMMIT")
        } catch {
            if isInTransaction { try run("ROLLBACK") }
            throw error
        }
        try boundWriteAheadLog()
    }

    /// Has the write-ahead log moved into the file when it is as large as a quarter of the index, from 512 KiB to
    /// 16 MiB. To move it on a full disk the file needs space to grow, so the log must not be most of the index.
    fileprivate func boundWriteAheadLog() throws {
        try run("PRAGMA wal_autocheckpoint = \(min(max(128, try number("PRAGMA page_count") / 4), 4000))")
    }
}
