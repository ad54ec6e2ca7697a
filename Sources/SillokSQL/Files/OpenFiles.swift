package import SillokCore

/// The files of a database that is open, as they were when it was opened.
///
/// A process keeps the file that it has open when another file is moved to the path, or when the file is removed. Its
/// later writes are lost when it ends. So a store compares the files at its paths with those that it has open.
package struct OpenFiles: Sendable {
    /// Which of the files are compared. Each takes a call of the system: a microsecond, several after a sync.
    package enum Scope: Comparable, Sendable {
        /// The database file.
        case database
        /// The files that a commit writes: the database file and its log.
        case written
        /// Also the index of the log, through which processes share it.
        case all
    }

    private let path: String
    private let files: [(path: String, scope: Scope, identity: FileIdentity)]

    /// Remembers the files of a database that was just opened.
    ///
    /// - Parameters:
    ///   - path: the path that the caller gave: a link that leads to another file later counts as well.
    ///   - opened: the path without links. The write-ahead log and its index are next to it.
    package init(path: String, opened: String) {
        self.path = absolutePath(path)
        let link: [(String, Scope)] = self.path == opened ? [] : [(self.path, .database)]
        let paths = link + [(opened, .database), (opened + "-wal", .written), (opened + "-shm", .all)]
        files = paths.compactMap { path, scope in FileIdentity(path: path).map { (path, scope, $0) } }
    }

    /// Returns an error if a path leads to another file by now, or to none. Asks the system about each path.
    package func replacement(of what: String, _ scope: Scope = .all) -> StoreError? {
        for file in files where file.scope <= scope && FileIdentity(path: file.path) != file.identity {
            return StoreError(
                .fileReplaced,
                "\(what) \(path) was replaced or removed while it was open: \(file.path) is not what was opened. "
                    + "Restart this process, or open it again, to use the file that is there now.")
        }
        return nil
    }

    /// Throws if a path leads to another file by now, or to none.
    package func check(_ what: String) throws(StoreError) {
        if let error = replacement(of: what) { throw error }
    }
}
