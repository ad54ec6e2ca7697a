import CSQLite

/// When the write-ahead log is moved into the file: by the writer alone, between commits, every so many pages.
final class CheckpointSchedule {
    /// Pages in the log from which on it is moved.
    static let pages = 8_000
    /// Pages from which on the writer waits for readers, so that the log can begin anew.
    static let manyPages = 64_000

    private let connection: Connection
    private var nextAttempt = CheckpointSchedule.pages

    init(_ connection: Connection) {
        self.connection = connection
        connection.countLogPages()
    }

    /// Moves the log if it has grown long enough since the last time.
    func runIfDue() throws(SQLiteFailure) {
        let pages = connection.pagesInLog
        if pages < Self.pages { nextAttempt = Self.pages }
        guard pages >= nextAttempt else { return }
        // Readers may keep the log from beginning anew; then the next attempt comes only when it has grown further.
        nextAttempt = pages + Self.pages / 4
        try connection.checkpoint(pages < Self.manyPages ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART)
    }
}
