import SillokCore
import SillokSQLiteConnections

/// The statements that write the index file.
final class EntryWriter {
    let connection: Connection
    private let one, many, stream, source, indexed, mark, keys: Statement
    private var earlier: [UInt8] = []
    /// The number of blocks that the larger statement writes.
    private static let rows = 32

    init(_ connection: Connection) throws {
        self.connection = connection
        one = try connection.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)")
        let values = Array(repeating: "(?, ?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT OR REPLACE INTO entries VALUES \(values)")
        stream = try connection.prepare("INSERT OR IGNORE INTO streams VALUES (?1)")
        source = try connection.prepare("INSERT OR REPLACE INTO tracking VALUES (?1, ?2, ?3)")
        indexed = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('indexed', ?1)")
        mark = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('mark', ?1)")
        keys = try connection.prepare(
            "SELECT key, last FROM entries WHERE (key, last) > (?1, ?2) AND key <= ?3 ORDER BY key, last LIMIT ?4")
    }

    /// Calls `body` with the keys of a number of rows after a place, up to a key, in their order.
    ///
    /// - Returns: the place of the last of these rows; `nil` if there are no more.
    func readKeys(
        after place: (key: Int64, position: Int64), through last: Int64, limit: Int, _ body: (Int64) -> Void
    ) throws -> (key: Int64, position: Int64)? {
        keys.bind(place.key, at: 1)
        keys.bind(place.position, at: 2)
        keys.bind(last, at: 3)
        keys.bind(Int64(limit), at: 4)
        var end: (key: Int64, position: Int64)?
        while try keys.step() {
            end = (keys.int(0), keys.int(1))
            body(keys.int(0))
        }
        return end
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

    /// Writes entries in the order of keys and positions, as blocks.
    func write(_ entries: ArraySlice<IndexEntry>) throws {
        var blocks: [ArraySlice<IndexEntry>] = []
        var start = entries.startIndex
        for index in entries.indices {
            let isLast = index + 1 == entries.endIndex || entries[index + 1].key != entries[index].key
            if isLast || index + 1 - start == EntryBlock.size {
                blocks.append(entries[start...index])
                start = index + 1
            }
        }
        var next = 0
        while next < blocks.count {
            let isMany = blocks.count - next >= Self.rows
            let end = next + (isMany ? Self.rows : 1)
            try write(blocks[next..<end], isMany ? many : one)
            next = end
        }
    }

    private func write(_ blocks: ArraySlice<ArraySlice<IndexEntry>>, _ statement: Statement) throws {
        var column: Int32 = 1
        for block in blocks {
            guard let last = block.last else { continue }
            EntryBlock.encode(block, into: &earlier)
            statement.bind(last.key, at: column)
            statement.bind(last.position, at: column + 1)
            statement.bind(copied: earlier, at: column + 2)
            column += 3
        }
        try statement.run()
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
