import CSQLite
package import SillokCore
package import SillokSQL
package import SillokThreads

/// The file of a store or a read model as its first connection has opened it, for the connections that come later.
///
/// By then its path may lead to another file. What such a connection reads or checks would be of another store.
package struct OpenedFile: Sendable {
    /// The path that the caller gave.
    package let path: String
    /// What a message calls it.
    package let what: String
    /// The path as SQLite has opened it: absolute, without links.
    package let opened: String
    private let files: OpenFiles
    /// Whether a connection has the same store open; `nil` for a read model.
    private let isSame: (@Sendable (Connection) throws -> Bool)?

    /// Remembers the files that a connection has open by now.
    fileprivate init(
        _ connection: Connection, _ what: String, isSame: (@Sendable (Connection) throws -> Bool)?
    ) throws {
        (path, opened, self.what, self.isSame) = (connection.path, connection.opened, what, isSame)
        files = OpenFiles(path: connection.path, opened: connection.opened)
        guard sillok_has_moved(connection.handle) == 0 else {
            throw StoreError(.fileReplaced, "\(what) \(path) was replaced while it was opened. Open it again.")
        }
    }

    /// Why the file must not be used: other files are at the paths than those that are open. `nil` if they are the
    /// same.
    package var replacement: StoreError? { replacement(.all) }

    /// The same for some of the files.
    package func replacement(_ scope: OpenFiles.Scope) -> StoreError? { files.replacement(of: what, scope) }

    /// Throws `StoreError` `fileReplaced` if a path leads to another file by now, or to none.
    package func check() throws(StoreError) { try files.check(what) }

    /// Opens another connection to the file, which reads.
    ///
    /// - Throws: `StoreError` `fileReplaced` if another file is there by now; `SQLiteFailure`.
    package func connect(cacheKiB: Int, gate: SnapshotGate = SnapshotGate()) throws -> Connection {
        // Before it is opened: SQLite would put a write-ahead log next to a file that is not ours.
        try check()
        do {
            let connection = try Connection(path: opened, flags: SQLITE_OPEN_READONLY, cacheKiB: cacheKiB, gate: gate)
            try connection.watch(self)
            return connection
        } catch {
            throw replacement ?? error
        }
    }

    /// Writes a copy of one state of the database to a new file. The caller syncs it.
    package func writeCopy(to target: String, _ cancellation: Cancellation) throws {
        do {
            let connection = try connect(cacheKiB: 16_384)
            let statement = try connection.prepare("VACUUM INTO ?1")
            statement.bind(text: target, at: 1)
            connection.interrupt(when: cancellation)
            try connection.interruptible(by: cancellation) { try statement.run() }
            try check()
        } catch let failure as SQLiteFailure {
            throw failure.storeError("the copy could not be written to \(target)")
        }
    }

    /// Throws unless a connection has this file open.
    fileprivate func check(_ connection: Connection) throws {
        try check()
        // The descriptor of the connection is that of the file at the path, which was ours before and is so afterwards.
        let isMoved = sillok_has_moved(connection.handle) != 0
        try check()
        guard !isMoved, try isSame?(connection) ?? true else {
            throw StoreError(
                .fileReplaced,
                "\(what) \(path) was replaced while it was open. Restart this process, or open it again, to use the "
                    + "file that is there now.")
        }
    }
}

extension Connection {
    /// Remembers the files that are open by now, so that a read or a commit notices when others take their places.
    ///
    /// - Parameters:
    ///   - what: what a message calls the file.
    ///   - isSame: whether a later connection has the same file open, by what it reads.
    package func watch(_ what: String, isSame: (@Sendable (Connection) throws -> Bool)? = nil) throws {
        try openLog()
        file = try OpenedFile(self, what, isSame: isSame)
    }

    /// Throws unless the connection has this file open; later reads notice when others take its place.
    fileprivate func watch(_ file: OpenedFile) throws {
        try openLog()
        try file.check(self)
        self.file = file
    }

    /// The write-ahead log is opened by the first read.
    private func openLog() throws(SQLiteFailure) { _ = try number("PRAGMA user_version") }
}
