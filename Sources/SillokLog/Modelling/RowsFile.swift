import CSQLite
import SillokCore
import SillokDisk
import SillokSQL
import SillokSQLiteConnections
import SillokSQLiteModels
import SillokStorage
import SillokSystem
import SillokThreads

/// The file `rows.sqlite` in the folder of a store: the rows of its projections, and their checkpoints.
///
/// Only the process that writes to the store may write it. The log repeats the rows of inline projections, so their
/// commits do not wait for the disk.
final class RowsFile: Sendable {
    private let folder: String
    private let store: StoreID
    /// The file as the connection that writes has opened it.
    private let opened = Lock<OpenedFile?>(nil)

    init(folder: String, _ store: StoreID) { (self.folder, self.store) = (folder, store) }

    static func path(in folder: String) -> String { folder + "/rows.sqlite" }

    private var path: String { Self.path(in: folder) }

    /// Whether there is a file.
    private var exists: Bool { FileFacts(path: path) != nil }

    /// Opens the connection that writes, if there is a file.
    func writerIfUsed(_ reader: LogReader, _ tuning: LogTuning) throws -> RowsWriter? {
        exists ? try writer(reader, tuning) : nil
    }

    /// Opens the connection that writes, and creates the file if there is none.
    ///
    /// - Throws: `StoreError`: `storeChanged` if the file contains rows of events that the log does not have.
    func writer(_ reader: LogReader, _ tuning: LogTuning) throws -> RowsWriter {
        try reported {
            let connection = try Connection(
                path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, cacheKiB: 16_384)
            for pragma in SQLiteSettings.writing(isDurable: false) { try connection.run(pragma) }
            try connection.run("PRAGMA journal_mode = WAL")
            try connection.run("PRAGMA foreign_keys = OFF")
            guard try connection.reserveFile() else {
                throw StoreError(.locked, "the file \(path) is open for writing in another program. Close it there.")
            }
            let isFresh = try isFresh(connection)
            let writer = try RowsWriter(connection, isFresh: isFresh, tuning)
            if isFresh { try syncName() }
            try check(try writer.checkpoints(), reader)
            try connection.watch("the read model")
            opened.withLock { $0 = connection.file }
            return writer
        }
    }

    /// Returns the file for another connection, which queries.
    ///
    /// - Parameter makeReader: makes a reader of the log, for a store that is only read.
    /// - Throws: `StoreError`: `notFound` if no projection has used the store yet; `storeChanged`.
    func file(_ makeReader: () throws -> LogReader) throws -> OpenedFile {
        if let file = opened.withLock({ $0 }) { return file }
        return try reported {
            guard exists else { throw StoreModelAccess.unused(folder) }
            let connection = try Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 1024)
            if try isFresh(connection) { throw StoreModelAccess.unused(folder) }
            let checkpoints = try ModelStatements(connection).inlineCheckpoints()
            try check(checkpoints, try makeReader())
            try connection.watch("the read model")
            guard let file = connection.file else { throw StoreModelAccess.unused(folder) }
            return file
        }
    }

    /// Writes a copy of the rows to a new file; returns `false` if no projection has used the store yet.
    func copy(to target: String, _ makeReader: () throws -> LogReader, _ cancellation: Cancellation) throws -> Bool {
        do {
            try file(makeReader).writeCopy(to: target, cancellation)
            return true
        } catch let error as StoreError where error.code == .notFound {
            return false
        }
    }

    /// Makes the name of the file durable, so that a power cut does not take acts of operators that were synced.
    private func syncName() throws {
        do throws(DiskError) {
            try SystemDisk().syncFolder(folder)
        } catch {
            throw StoreError(.ioFailure, "the folder \(folder) cannot be synced: \(error).", cause: error)
        }
    }

    /// Returns whether no tables were made yet. Throws if it is the file of another program.
    private func isFresh(_ connection: Connection) throws -> Bool {
        let id = try connection.number("PRAGMA application_id")
        if id == SQLiteFileMark.rows { return false }
        guard try id == 0 && connection.number("SELECT count(*) FROM sqlite_schema") == 0 else {
            throw StoreError(
                .unsupportedFormat, "\(path) is not the read model of this store. Move the file to another place.")
        }
        return true
    }

    /// Throws if rows of inline projections contain events that the log does not have.
    ///
    /// The rows of a group are committed after its events are durable. So rows are never ahead of their log, unless one
    /// of the two was replaced. Rows that are behind are normal: the events are projected again.
    private func check(_ found: [(build: ProjectionID, checkpoint: Checkpoint)], _ reader: LogReader) throws {
        try reader.renew()
        for (build, checkpoint) in found {
            guard checkpoint.store == store else { throw foreign("\(build) has rows of the store \(checkpoint.store)") }
            let head = reader.view.head
            do {
                try reader.check(checkpoint.mark, head)
            } catch let error as StoreError where error.code == .storeChanged {
                let mark = checkpoint.mark
                let event = mark.id.map { "the event \($0)" } ?? "an event"
                throw foreign(
                    "\(build) has projected \(event) at position \(mark.position), and the log ends at position "
                        + "\(head) or has another event there")
            }
        }
    }

    private func foreign(_ reason: String) -> StoreError {
        StoreError(
            .storeChanged,
            "\(path) does not belong to this log: \(reason). One of them was replaced or restored from a copy. Restore "
                + "the whole folder from one backup, or remove rows.sqlite, rows.sqlite-wal and rows.sqlite-shm: "
                + "projections are then rebuilt from the log, without dead letters and decisions of operators.")
    }

    private func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as SQLiteFailure {
            throw failure.storeError("cannot open the read model \(path)")
        }
    }

    /// Removes the file.
    static func remove(in folder: String) {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(path(in: folder) + ending) }
    }
}
