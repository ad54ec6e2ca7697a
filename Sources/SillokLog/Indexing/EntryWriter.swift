import SillokCore
import SillokSQLiteConnections

/// The statements that write the index file.
final class EntryWriter {
    let connection: Connection
    private let one, many, stream, source, indexed, mark: Statement
    /// The number of entries that the larger statement writes.
    private static let rows = 32

    init(_ connection: Connection) throws {
        self.connection = connection
        one = try connection.prepare("INSERT OR IGNORE INTO entries VALUES (?, ?)")
        let values = Array(repeating: "(?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT OR IGNORE INTO entries VALUES \(values)")
        stream = try connection.prepare("INSERT OR IGNORE INTO streams VALUES (?1)")
        source = try connection.prepare("INSERT OR REPLACE INTO tracking VALUES (?1, ?2, ?3)")
        indexed = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('indexed', ?1)")
        mark = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('mark', ?1)")
    }

    /// Runs `body` in one transaction.
    func committing(_ body: () throws -> Void) throws {
        try connection.run("BEGIN IMMEDIATE")
        do {
            try body()
            try connection.run("COMMIT")
        } catch {
            if connection.isInTransaction { try connection.run("ROLLBACK") }
            throw error
        }
    }

    /// Writes entries, which should be in the order of keys.
    func write(_ entries: ArraySlice<IndexEntry>) throws {
        var next = entries.startIndex
        while next < entries.endIndex {
            let isMany = entries.endIndex - next >= Self.rows
            let statement = isMany ? many : one
            let end = next + (isMany ? Self.rows : 1)
            var column: Int32 = 1
            for entry in entries[next..<end] {
                statement.bind(entry.key, at: column)
                statement.bind(entry.position, at: column + 1)
                column += 2
            }
            try statement.run()
            next = end
        }
    }

    /// Writes the names of streams and the positions of sources, and that the index is complete up to a position.
    func finish(
        _ streams: some Collection<StreamID>, _ tracking: [TrackingSource: Tracking], through end: Int64,
        _ id: EventID?
    ) throws {
        for name in streams.sorted() {
            stream.bind(bytesOf: name.text, at: 1)
            try stream.run()
        }
        for (name, progress) in tracking {
            source.bind(bytesOf: name.text, at: 1)
            source.bind(Int64(bitPattern: progress.position), at: 2)
            if let event = progress.event { source.bind(copied: event.bytes, at: 3) } else { source.bindNull(at: 3) }
            try source.run()
        }
        indexed.bind(end, at: 1)
        try indexed.run()
        guard let id else { return }
        mark.bind(copied: id.bytes, at: 1)
        try mark.run()
    }
}

/// An entry of the index: an event at a position has a key.
struct IndexEntry: Hashable, Sendable {
    let key: Int64
    let position: Int64

    /// The order of the table.
    static func isBefore(_ left: IndexEntry, _ right: IndexEntry) -> Bool {
        left.key != right.key ? left.key < right.key : left.position < right.position
    }
}
