import SillokChain
import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments

/// A log that is open for writing, with its index up to date.
struct OpenedLog {
    let log: SegmentLog
    let folder: String
    let check: FolderCheck
    let keys: LogKeys
    let view: SharedView
    let mover: IndexMover
    /// The hash chain, if the store keeps one.
    let chain: Chain?
    /// The highest key of a time-ordered id in the log.
    let highestOrderedKey: Int64

    /// Returns what makes readers of the log, each with a connection of its own to the index.
    func readerMaker(limits: Limits) -> @Sendable () throws -> LogReader {
        let (view, segments, folder, keys, check, mover) = (view, log.reader, folder, keys, check, mover)
        return {
            let openTable = { [fileLock = mover.fileLock] in
                try fileLock.withLock { _ in try IndexTable(try IndexFile.reader(folder)) }
            }
            return LogReader(
                view, segments, try openTable(), keys, check, limits: limits, mover.filter,
                replacing: (openTable, { [weak mover] in mover?.replaceDamaged($0) }))
        }
    }

    /// Whether any source was ever tracked.
    func hasTracked() -> Bool {
        if view.current.parts.contains(where: { $0.contents.withLock { !$0.tracking.isEmpty } }) { return true }
        let found = try? IndexFile.reader(folder).number("SELECT EXISTS (SELECT * FROM tracking)")
        return found != 0
    }
}

extension SegmentLog {
    /// The hash chain that the identity of the log describes.
    var chain: Chain? { identity.chainStart.map { Chain(of: identity.store, from: $0) } }
}
