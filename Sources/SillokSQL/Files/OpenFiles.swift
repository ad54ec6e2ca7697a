package import SillokCore

/// The files of a database that is open, as they were when it was opened.
///
/// A process keeps the file that it has open when another file is moved to the path, or when the file is removed. Its
/// later writes are lost when it ends. So a store compares the files at its paths with those that it has open.
package struct OpenFiles: Sendable {
    /// Which of the files are compared. Each takes a call of the system: a microsecond, several after a sync.
    package enum Scope: Sendable {
        /// The database file.
        case database
        /// The files that a commit writes: the database file and its log.
        case written
        /// Also the index of the log, through which processes share it.
        case all
    }

    private let path: String
    private let database: [(path: String, identity: FileIdentity)]
    private let log: [(path: String, identity: FileIdentity)]
    private let index: [(path: String, identity: FileIdentity)]

    /// Remembers the files of a database that was just opened.
    ///
    /// - Parameters:
    ///   - path: the path that the caller gave: a link that leads to another file later counts as well.
    ///   - opened: the path without links. The write-ahead log and its index are next to it.
    package init(path: String, opened: String) {
        self.path = absolutePath(path)
        func identified(_ paths: [String]) -> [(path: String, identity: FileIdentity)] {
            paths.compactMap { path in FileIdentity(path: path).map { (path, $0) } }
        }
        database = identified((self.path == opened ? [] : [self.path]) + [opened])
        log = identified([opened + "-wal"])
        index = identified([opened + "-shm"])
    }

    /// Returns an error if a path leads to another file by now, or to none. Asks the system about each path.
    package func replacement(of what: String, _ scope: Scope = .all) -> StoreError? {
        let path =
            switch scope {
            case .database: Self.replaced(database)
            case .written: Self.replaced(database) ?? Self.replaced(log)
            case .all: Self.replaced(database) ?? Self.replaced(log) ?? Self.replaced(index)
            }
        return path.map { found in
            StoreError(
                .fileReplaced,
                "\(what) \(self.path) was replaced or removed while it was open: \(found) is not what was opened. "
                    + "Restart this process, or open it again, to use the file that is there now.")
        }
    }

    private static func replaced(_ files: [(path: String, identity: FileIdentity)]) -> String? {
        for file in files where FileIdentity(path: file.path) != file.identity { return file.path }
        return nil
    }

    /// Throws if a path leads to another file by now, or to none.
    package func check(_ what: String) throws(StoreError) {
        if let error = replacement(of: what) { throw error }
    }
}
