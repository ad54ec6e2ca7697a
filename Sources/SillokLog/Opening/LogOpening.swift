import SillokCore
import SillokDisk
import SillokSQLiteConnections
import SillokSegments
import SillokStorage

/// The options and steps for opening a store.
struct LogOpening {
    let folder: String
    let limits: Limits
    let tuning: LogTuning
    let disk: any Disk
    let progress: (WorkProgress) -> Void

    /// Brings the index up to the end of the log, and starts the thread that moves entries to it.
    func index(_ log: SegmentLog) throws -> OpenedLog {
        let keys = LogKeys(log.identity.hashKey, hashBits: tuning.hashBits)
        let head = Int64(clamping: log.durableHead)
        let (writer, start) = try IndexOpening(folder: folder, log: log, keys: keys, tuning: tuning, progress: progress)
            .open(head)
        let highest = try writer.connection.number(
            "SELECT ifnull(max(key), -1) FROM entries WHERE key >= 0 AND key < \(IndexKey.firstUnordered)")
        let part = IndexPart(after: start, capacity: tuning.partEntries)
        try part.take(log.reader, through: head, keys)
        let key = part.contents.withLock { contents in
            contents.tail.entries.reduce(highest) { IndexKey.isTimeOrdered($1.key) ? max($0, $1.key) : $0 }
        }
        let view = SharedView(LogView(head: head, parts: [part]))
        let filter = TableFilter(highestOrdered: highest, tuning)
        return OpenedLog(
            log: log, folder: folder, check: FolderCheck(folder), keys: keys, view: view,
            mover: IndexMover(writer, view, log.reader, filter, tuning), chain: log.chain, highestOrderedKey: key)
    }
}

/// Opens the index file of a log for writing. If it is missing, damaged or of another log, it is rebuilt.
struct IndexOpening {
    let folder: String
    let log: SegmentLog
    let keys: LogKeys
    let tuning: LogTuning
    let progress: (WorkProgress) -> Void

    /// Returns the statements that write the index, and the position up to which it is complete.
    func open(_ head: Int64) throws -> (EntryWriter, start: Int64) {
        if let found = try? existing(head) {
            do {
                return try caughtUp(found.writer, from: found.indexed, head)
            } catch let failure as SQLiteFailure where !failure.isFull {
                // It is damaged: build another one.
            }
        }
        IndexFile.remove(in: folder)
        do {
            let connection = try IndexFile.writer(folder)
            try IndexFile.create(connection, log.identity.store)
            return try caughtUp(try EntryWriter(connection), from: 0, head)
        } catch let failure as SQLiteFailure {
            throw failure.storeError("the index of the store \(folder) cannot be created")
        }
    }

    /// Returns the index that is there, if it is one of this log.
    private func existing(_ head: Int64) throws -> (writer: EntryWriter, indexed: Int64)? {
        guard FileProbe(IndexFile.path(in: folder)).found != nil else { return nil }
        let connection = try IndexFile.writer(folder)
        guard let state = try IndexFile.state(connection) else { return nil }
        if tuning.segments.faults.contains(.indexTrusted) {
            return (try EntryWriter(connection), min(state.indexed, head))
        }
        guard state.store == log.identity.store, state.indexed <= head else { return nil }
        if state.indexed > 0 {
            let id = try log.reader.record(at: UInt64(clamping: state.indexed)) { try $0.id }
            guard state.mark == id else { return nil }
        }
        return (try EntryWriter(connection), state.indexed)
    }

    /// Adds what the file misses, unless that is so little that it may stay in memory.
    private func caughtUp(_ writer: EntryWriter, from indexed: Int64, _ head: Int64) throws -> (EntryWriter, Int64) {
        guard head - indexed > Int64(tuning.partEntries) else { return (writer, indexed) }
        try IndexBuilder(writer, log.reader, keys, batch: tuning.rebuiltEntries)
            .add(after: indexed, through: head, progress)
        return (writer, head)
    }
}
