import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// The statements that write the index file.
final class EntryWriter {
    let connection: Connection
    private let one, many, stream, source, indexed, mark, keys: Statement
    private var earlier: [UInt8] = []
    /// The blocks that are found and not yet written.
    private var blocks: [Range<Int>] = []
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
        try entries.withUnsafeBufferPointer { entries in
            var start = 0
            for index in entries.indices {
                let isLast = index + 1 == entries.count || entries[index + 1].key != entries[index].key
                guard isLast || index + 1 - start == EntryBlock.size else { continue }
                blocks.append(start..<index + 1)
                start = index + 1
                if blocks.count == Self.rows { try writeBlocks(of: entries) }
            }
            try writeBlocks(of: entries)
        }
    }

    /// Writes the blocks that were found, together if there are enough of them.
    private func writeBlocks(of entries: UnsafeBufferPointer<IndexEntry>) throws {
        defer { blocks.removeAll(keepingCapacity: true) }
        let isMany = blocks.count == Self.rows
        for (index, block) in blocks.enumerated() {
            let (statement, column) = isMany ? (many, Int32(3 * index + 1)) : (one, 1)
            let last = entries[block.upperBound - 1]
            statement.bind(last.key, at: column)
            statement.bind(last.position, at: column + 1)
            EntryBlock.encode(UnsafeBufferPointer(rebasing: entries[block]), into: &earlier)
            statement.bind(copied: earlier, at: column + 2)
            if !isMany { try one.run() }
        }
        if isMany { try many.run() }
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
