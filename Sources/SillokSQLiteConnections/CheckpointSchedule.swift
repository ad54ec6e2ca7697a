import CSQLite

/// The sizes of the write-ahead log at which it is moved, in pages. They never affect correctness.
package struct CheckpointSizes: Sendable {
    /// The size at which the log is moved into the file.
    package var pages = 8_000
    /// The size at which the log is also truncated after the move. Short reads are held back for it.
    package var manyPages = 64_000

    package init() {}

    /// Both sizes, at which everything happens all the time.
    package static let tiny: CheckpointSizes = {
        var sizes = CheckpointSizes()
        (sizes.pages, sizes.manyPages) = (20, 40)
        return sizes
    }()

    /// The same with every size that does not work replaced by the nearest one that does.
    package var supported: CheckpointSizes {
        var sizes = self
        sizes.pages = min(max(1, pages), 1 << 30)
        sizes.manyPages = min(max(1, manyPages), 1 << 30)
        return sizes
    }
}

/// The schedule by which the writer moves the write-ahead log into the file: between commits, each time that the log
/// has grown by a number of pages. In between, it makes space in the log.
///
/// No checkpoint waits for a reader. While a reader keeps a snapshot open, the log can only be moved up to that
/// snapshot, and it grows with each commit. The first checkpoint after the reader has finished moves the rest, and
/// truncates a log that has become large.
package final class CheckpointSchedule {
    private let connection: Connection
    private let sizes: CheckpointSizes
    private var nextAttempt: Int
    private let room: LogRoom
    private let gate: SnapshotGate

    package init(_ connection: Connection, _ sizes: CheckpointSizes, _ gate: SnapshotGate = SnapshotGate()) {
        self.connection = connection
        self.sizes = sizes
        self.gate = gate
        nextAttempt = sizes.pages
        room = LogRoom(path: connection.opened)
        connection.countLogPages()
    }

    /// Whether the log has grown long enough.
    package var isDue: Bool { connection.pagesInLog >= sizes.pages }

    /// Moves the log if it has grown long enough since the last time.
    package func runIfDue() throws(SQLiteFailure) {
        let pages = connection.pagesInLog
        if pages < sizes.pages { nextAttempt = sizes.pages }
        guard pages >= nextAttempt || gate.isHolding else { return room.makeIfDue(pages, in: connection.file) }
        // Readers may keep the log from starting again; then the next attempt comes only when it has grown further.
        nextAttempt = pages + sizes.pages / 4
        guard pages >= sizes.manyPages else { return try connection.checkpoint(truncating: false) }
        do {
            try connection.checkpoint(truncating: true)
            room.restart()
            gate.open()
        } catch  where error.primary == SQLITE_BUSY {
            // Overlapping short reads would keep a large log forever. So those of this store pause for a moment, and
            // the next commits try again.
            gate.hold()
        }
    }
}
