import SillokCore
import SillokDisk
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokSystem
import SillokThreads

/// What an open store consists of.
struct LogParts {
    let identity: LogIdentity
    let keys: LogKeys
    let head: Int64
    /// Whether this opening has made the store.
    let isNew: Bool
    /// The file of the read model.
    let rows: RowsFile
    /// Makes a reader for one thread.
    let makeReader: @Sendable () throws -> LogReader
    /// The state of the thread that appends, and the lock that it holds; `nil` for a store that is only read.
    let writer: (writer: LogWriter, lock: FileLock)?
    /// Why the store is only read although it could be written, if its log is damaged.
    var damage: DamagedLog?
}

extension LogOpening {
    /// Opens a store for writing.
    func forWriting(creating: Bool, _ origins: LogOrigins, _ clock: WallClock) throws -> LogParts {
        try reported {
            if !creating, try !SegmentLog.exists(folder, on: disk) { throw LogError.missing(folder) }
            let madeFolder = creating && makeFolder()
            let lock: FileLock
            do {
                lock = try FileLock(path: folder + "/lock") { holder in
                    "the store is open for writing in another process\(holder). Close it there, open it here for "
                        + "reading only, or let both write through a server: `sillok serve`."
                }
            } catch {
                if madeFolder { rmdir(folder) }
                throw error
            }
            let isNew = creating ? try create(origins) : false
            do {
                let log = try SegmentLog(opening: folder, on: disk, .write, tuning.segments)
                let opened = try index(log)
                let writer = try LogWriter(opened, limits: limits, clock: clock, tuning: tuning)
                try writer.openRows()
                return LogParts(
                    identity: log.identity, keys: opened.keys, head: opened.view.current.head, isNew: isNew,
                    rows: writer.rowsFile, makeReader: opened.readerMaker(limits: limits), writer: (writer, lock))
            } catch {
                // A new store is of no use to anyone, as long as the lock is held.
                if isNew && madeFolder { Self.removeFiles(folder, lock) }
                throw error
            }
        }
    }

    /// Opens a store for reading, while another process may write to it.
    func forReading() throws -> LogParts {
        try reported {
            let isAlone = !FileLock.isHeld(path: folder + "/lock")
            return try read(
                try SegmentLog(opening: folder, on: disk, isAlone ? .readAlone : .readOnly, tuning.segments), nil)
        }
    }

    /// Opens what is readable of a damaged store. Nothing in its folder is changed.
    ///
    /// - Parameter cause: the damage because of which it cannot be opened in another way, if that was tried.
    func forSalvage(_ cause: LogDamage? = nil) throws -> LogParts {
        try reported {
            let isAlone = !FileLock.isHeld(path: folder + "/lock")
            // Before the events are read: all up to this one are complete, also if a process writes meanwhile.
            let published = try SegmentLog.publishedHead(of: folder, on: disk)
            let log = try SegmentLog(opening: folder, on: disk, .salvage, tuning.segments)
            if !isAlone { log.hide(after: published ?? 0) }
            return try read(log, DamagedLog(log, cause: cause, published: published))
        }
    }

    /// Opens what reads a log to which this process does not write.
    private func read(_ log: SegmentLog, _ damage: DamagedLog?) throws -> LogParts {
        let keys = LogKeys(log.identity.hashKey, hashBits: tuning.hashBits)
        let check = FolderCheck(folder)
        let (identity, reader, head) = (log.identity, log.reader, Int64(clamping: log.durableHead))
        let indexed = try? usableIndex(log, head)
        let source = FollowedLog(
            Handover((log, indexed?.connection)), reader, from: indexed?.end ?? 0, keys, tuning)
        let (folder, limits, hasIndex) = (folder, limits, indexed != nil)
        let losses = damage?.ranges ?? []
        let makeReader: @Sendable () throws -> LogReader = {
            let table = hasIndex ? try IndexTable(try IndexFile.reader(folder)) : nil
            let made = LogReader(source, reader, table, keys, check, limits: limits)
            made.losses = losses
            return made
        }
        return LogParts(
            identity: identity, keys: keys, head: head, isNew: false, rows: RowsFile(folder: folder, identity.store),
            makeReader: makeReader, writer: nil, damage: damage)
    }

    /// Returns a connection to the index file and the position up to which it is complete, if it is one of this log.
    private func usableIndex(_ log: SegmentLog, _ head: Int64) throws -> (connection: Connection, end: Int64)? {
        guard FileProbe(IndexFile.path(in: folder)).found != nil else { return nil }
        let connection = try IndexFile.reader(folder)
        guard let state = try IndexFile.state(connection), state.store == log.identity.store, state.indexed <= head
        else { return nil }
        if state.indexed > 0 {
            let id = try log.reader.record(at: UInt64(clamping: state.indexed)) { try $0.id }
            guard state.mark == id else { return nil }
        }
        return (connection, state.indexed)
    }

    /// Opens a store for writing, checks all of it, and closes it.
    func verified(
        _ cancellation: Cancellation, _ report: @escaping (WorkProgress) -> Void
    ) throws -> VerificationReport {
        let lock = try FileLock(path: folder + "/lock") { _ in "the copy \(folder) is open in another process." }
        defer { lock.removeFile() }
        let opened = try index(try SegmentLog(opening: folder, on: disk, .write, tuning.segments))
        defer { opened.mover.stop() }
        var verification = LogVerification(try opened.readerMaker(limits: limits)(), cancellation, report: report)
        return try verification.run()
    }

    /// Makes the log if there is none; returns whether it has made one.
    private func create(_ origins: LogOrigins) throws -> Bool {
        if try SegmentLog.exists(folder, on: disk) { return false }
        try SegmentLog.create(folder, on: disk, origins.identity(), tuning.segments)
        return true
    }

    /// Makes the folder, which the lock needs; `false` if there is one, or none can be made.
    private func makeFolder() -> Bool { mkdir(folder, 0o755) == 0 }

    private func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as LogError {
            throw error.storeError
        } catch let failure as SQLiteFailure {
            throw failure.storeError("cannot open the index of the store \(folder)")
        }
    }

    /// Removes the files of a store whose lock is held, and that of the lock last.
    static func removeFiles(_ folder: String, _ lock: FileLock?) {
        // The file `store` first: without it the folder is no store.
        for name in ["store", "durable", "store.new"] { unlink("\(folder)/\(name)") }
        for name in (try? SystemDisk().names(in: folder + "/log")) ?? [] { unlink("\(folder)/log/\(name)") }
        rmdir(folder + "/log")
        IndexFile.remove(in: folder)
        RowsFile.remove(in: folder)
        if let lock { lock.removeFile() } else { unlink(folder + "/lock") }
        rmdir(folder)
    }
}
