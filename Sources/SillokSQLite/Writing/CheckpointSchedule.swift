import CSQLite

/// Decides when the writer moves the write-ahead log into the file: between commits, each time that the log has grown
/// by a number of pages. Until then it sees to it that there is room in the log.
///
/// No checkpoint waits for a reader. While a reader keeps a snapshot, the log can only be moved up to that snapshot and
/// grows with each commit. The first checkpoint after the reader has gone moves the rest, and a log that had become
/// large is cut.
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

    /// Whether the log has grown long.
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
            // Short reads that overlap would keep a large log for ever: those of this store pause for a moment, and the
            // next commits try again.
            gate.hold()
        }
    }
}
