import SillokProjections

/// Who made how many commits, as a table.
struct Authors: Projection {
    let name = "authors"
    let version = 1
    let source = EventQuery.category(CommitStream.category)
    let schema: [SQL] = [
        "CREATE TABLE \(table: "authors") (author TEXT PRIMARY KEY, commits BIGINT NOT NULL, changes BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<CommitHistory.Event>) -> [SQL] {
        guard case .commitRecorded(_, let changes) = event.payload else { return [] }
        return [
            """
            INSERT INTO \(table: "authors") VALUES (\(event.metadata.actor ?? ""), 1, \(changes))
            ON CONFLICT (author) DO UPDATE SET commits = \(table: "authors").commits + 1,
            changes = \(table: "authors").changes + excluded.changes
            """
        ]
    }
}

/// Which files change most, as a table.
struct HotFiles: Projection {
    /// A mistake in the code, for show: it cannot handle this file.
    struct CannotHandle: Error, CustomStringConvertible {
        let path: String
        var description: String { "the projection has a mistake and cannot handle \(path)" }
    }

    let name = "hot_files"
    let version = 1
    let source = EventQuery.category(CommitStream.category)
    let schema: [SQL] = [
        "CREATE TABLE \(table: "hot_files") (path TEXT PRIMARY KEY, changes BIGINT NOT NULL)",
        "CREATE INDEX \(index: "hottest") ON \(table: "hot_files") (changes)",
    ]

    /// The file that it cannot handle.
    var refused: String?

    func project(_ event: Recorded<CommitHistory.Event>) throws -> [SQL] {
        switch event.payload {
        case .commitRecorded: return []
        case .fileAdded(let path, _, _), .fileModified(let path, _, _), .fileDeleted(let path),
            .fileRenamed(_, let path, _, _):
            if path.text == refused { throw CannotHandle(path: path.text) }
            return [
                """
                INSERT INTO \(table: "hot_files") VALUES (\(path.text), 1)
                ON CONFLICT (path) DO UPDATE SET changes = \(table: "hot_files").changes + 1
                """
            ]
        }
    }
}
