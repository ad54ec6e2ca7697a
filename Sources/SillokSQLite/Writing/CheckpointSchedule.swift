import CSQLite

/// The schedule by which the writer moves the write-ahead log into the file: between commits, each time that the log
/// has grown by a number of pages. In between, it makes space in the log.
///
/// No checkpoint waits for a reader. While a reader keeps a snapshot open, the log can only be moved up to that
/// snapshot, and it grows with each commit. The first checkpoint after the reader has finished moves the rest, and
/// truncates a log that has become large.
final class CheckpointSchedule {
    private let connection: Connection
    private let tuning: Tuning
    private var nextAttempt: Int
    private let room: LogRoom
    private let gate: SnapshotGate

    init(_ connection: Connection, _ tuning: Tuning, _ gate: SnapshotGate = SnapshotGate()) {
        self.connection = connection
        self.tuning = tuning
        self.gate = gate
        nextAttempt = tuning.checkpointPages
        room = LogRoom(path: connection.opened)
        connection.countLogPages()
    }

    /// Whether the log has grown long enough.
    var isDue: Bool { connection.pagesInLog >= tuning.checkpointPages }

    /// Moves the log if it has grown long enough since the last time.
    func runIfDue() throws(SQLiteFailure) {
        let pages = connection.pagesInLog
        if pages < tuning.checkpointPages { nextAttempt = tuning.checkpointPages }
        guard pages >= nextAttempt || gate.isHolding else { return room.makeIfDue(pages, in: connection.file) }
        // Readers may keep the log from starting again; then the next attempt comes only when it has grown further.
        nextAttempt = pages + tuning.checkpointPages / 4
        guard pages >= tuning.manyPages else { return try connection.checkpoint(truncating: false) }
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
