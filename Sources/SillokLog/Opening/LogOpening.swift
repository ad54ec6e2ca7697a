import SillokCore
import SillokDisk
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage

/// The options and steps for opening a store.
struct LogOpening {
    let folder: String
    let limits: Limits
    let tuning: LogTuning
    let disk: any Disk
    let progress: @Sendable (WorkProgress) -> Void

    /// Opens the index, and starts the thread that moves entries to it. If the index is far behind, the thread rebuilds
    /// it while the store serves.
    func index(_ log: SegmentLog) throws -> OpenedLog {
        let keys = LogKeys(log.identity.hashKey, hashBits: tuning.hashBits)
        let head = Int64(clamping: log.durableHead)
        let opening = IndexOpening(folder: folder, log: log, tuning: tuning)
        let (writer, indexed, highest) = try opening.open(head)
        let gap = head - indexed > tuning.openedEvents ? IndexGap(after: indexed, through: head, tuning) : nil
        let start = gap == nil ? indexed : head
        let part = IndexPart(after: start, capacity: tuning.partEntries)
        try part.take(log.reader, through: head, keys)
        let key = part.contents.withLock { contents in
            contents.tail.entries.reduce(highest) { IndexKey.isTimeOrdered($1.key) ? max($0, $1.key) : $0 }
        }
        let view = SharedView(LogView(head: head, parts: [part], gap: gap))
        let filter = TableFilter(
            highestOrdered: highest, isLoaded: indexed == 0, isSurveyed: gap == nil, tuning)
        let store = log.identity.store
        let mover = IndexMover(writer, (view, log.reader, keys), filter, tuning, progress) { [folder, tuning] in
            try IndexOpening.emptyWriter(folder, store, tuning)
        }
        if tuning.rebuildsBeforeServing { mover.settle() }
        return OpenedLog(
            log: log, folder: folder, check: FolderCheck(folder), keys: keys, view: view, mover: mover,
            chain: log.chain, highestOrderedKey: key)
    }
}

/// Opens the index file of a log for writing. If it is missing, damaged or of another log, it is replaced.
struct IndexOpening {
    let folder: String
    let log: SegmentLog
    let tuning: LogTuning

    /// Returns the statements that write the index, the position up to which it is complete, and its highest key of a
    /// time-ordered id (−1 without one).
    func open(_ head: Int64) throws -> (EntryWriter, indexed: Int64, highest: Int64) {
        if let found = try? existing(head) { return found }
        do {
            return (try Self.emptyWriter(folder, log.identity.store, tuning), 0, -1)
        } catch let failure as SQLiteFailure {
            throw failure.storeError("the index of the store \(folder) cannot be created")
        }
    }

    /// Replaces the index by an empty one.
    static func emptyWriter(_ folder: String, _ store: StoreID, _ tuning: LogTuning) throws -> EntryWriter {
        IndexFile.remove(in: folder)
        let connection = try IndexFile.writer(folder)
        try IndexFile.create(connection, store)
        return try EntryWriter(connection, tuning.runSizes)
    }

    /// Returns the index that is there, if it is one of this log.
    private func existing(_ head: Int64) throws -> (EntryWriter, indexed: Int64, highest: Int64)? {
        guard FileProbe(IndexFile.path(in: folder)).found != nil else { return nil }
        let connection = try IndexFile.writer(folder)
        guard let state = try IndexFile.state(connection) else { return nil }
        let highest = try IndexFile.highestOrdered(connection)
        if tuning.segments.faults.contains(.indexTrusted) {
            return (try EntryWriter(connection, tuning.runSizes), min(state.indexed, head), highest)
        }
        guard state.store == log.identity.store, state.indexed <= head else { return nil }
        if state.indexed > 0 {
            let id = try log.reader.record(at: UInt64(clamping: state.indexed)) { try $0.id }
            guard state.mark == id else { return nil }
        }
        guard try IndexFile.isWhole(connection, folder) else { return nil }
        return (try EntryWriter(connection, tuning.runSizes), state.indexed, highest)
    }
}

extension LogTuning {
    /// The sizes of the runs of ids, and the planted fault of their merging.
    fileprivate var runSizes: RunSizes {
        var sizes = runs
        sizes.losesLast = segments.faults.contains(.mergeLosesEntry)
        return sizes
    }
}
