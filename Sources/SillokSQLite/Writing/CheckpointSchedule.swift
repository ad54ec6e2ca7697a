import CSQLite

/// When the write-ahead log is moved into the file: by the writer alone, between commits, every so many pages. Until then
/// it sees to it that there is room in the log.
final class CheckpointSchedule {
    private let connection: Connection
    private let tuning: Tuning
    private var nextAttempt: Int
    private let room: LogRoom

    init(_ connection: Connection, _ tuning: Tuning) {
        self.connection = connection
        self.tuning = tuning
        nextAttempt = tuning.checkpointPages
        // As SQLite has opened it: a path that is relative may mean another file by now.
        let opened = sqlite3_db_filename(connection.handle, "main").map { String(cString: $0) }
        room = LogRoom(path: opened ?? connection.path)
        connection.countLogPages()
    }

    /// Whether the log has grown long.
    var isDue: Bool { connection.pagesInLog >= tuning.checkpointPages }

    /// Moves the log if it has grown long enough since the last time.
    func runIfDue() throws(SQLiteFailure) {
        let pages = connection.pagesInLog
        if pages < tuning.checkpointPages { nextAttempt = tuning.checkpointPages }
        guard pages >= nextAttempt else { return room.makeIfDue(pages) }
        // Readers may keep the log from beginning anew; then the next attempt comes only when it has grown further.
        nextAttempt = pages + tuning.checkpointPages / 4
        try connection.checkpoint(pages < tuning.manyPages ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART)
    }
}
