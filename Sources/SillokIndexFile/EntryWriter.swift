package import SillokCore
package import SillokSQLiteConnections
package import SillokStorage

/// The statements that write the index file.
package final class EntryWriter {
    let connection: Connection
    /// Writes the runs of ids.
    package let runs: RunWriter
    private let one, many, stream, source, indexed, mark, names, ids: Statement
    private var earlier: [UInt8] = []
    /// The blocks that are found and not yet written.
    private var blocks: [Range<Int>] = []
    /// The number of blocks that the larger statement writes.
    private static let rows = 32

    package init(_ connection: Connection, _ sizes: RunSizes) throws {
        self.connection = connection
        runs = try RunWriter(connection, sizes)
        one = try connection.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)")
        let values = Array(repeating: "(?, ?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT OR REPLACE INTO entries VALUES \(values)")
        stream = try connection.prepare("INSERT OR IGNORE INTO streams VALUES (?1)")
        source = try connection.prepare("INSERT OR REPLACE INTO tracking VALUES (?1, ?2, ?3)")
        indexed = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('indexed', ?1)")
        mark = try connection.prepare("INSERT OR REPLACE INTO state VALUES ('mark', ?1)")
        names = try connection.prepare(
            "SELECT key, last FROM entries WHERE (key, last) > (?1, ?2) ORDER BY key, last LIMIT ?3")
        // The plus sign keeps SQLite from sorting the chunks of all runs in each step.
        ids = try connection.prepare(
            "SELECT chunk, entries FROM chunks WHERE chunk > ?1 AND chunk <= ?2 AND last >= ?3 "
                + "AND +run IN (SELECT run FROM runs) ORDER BY chunk LIMIT ?4")
    }

    /// Moves the write-ahead log into the file and empties it, if no reader uses it.
    package func emptyWriteAheadLog() { try? connection.checkpoint(truncating: true) }

    /// Calls `body` with the keys of a number of rows of names after a place, in their order.
    ///
    /// - Returns: the place of the last of these rows; `nil` if there are no more.
    package func readNames(
        after place: (key: Int64, position: Int64), limit: Int, _ body: (Int64) -> Void
    ) throws -> (key: Int64, position: Int64)? {
        names.bind(place.key, at: 1)
        names.bind(place.position, at: 2)
        names.bind(Int64(limit), at: 3)
        var end: (key: Int64, position: Int64)?
        while try names.step() {
            end = (names.int(0), names.int(1))
            body(names.int(0))
        }
        return end
    }

    /// Calls `body` with the keys of ids that are not ordered by time, in a number of chunks of all runs.
    ///
    /// - Returns: the last of these chunks; `nil` if there are no more.
    package func readIDs(
        after chunk: Int64, through last: Int64, limit: Int, _ body: (Int64) -> Void
    ) throws -> Int64? {
        ids.bind(chunk, at: 1)
        ids.bind(last, at: 2)
        ids.bind(IndexKey.firstUnordered, at: 3)
        ids.bind(Int64(limit), at: 4)
        defer { ids.reset() }
        var end: Int64?
        while try ids.step() {
            end = ids.int(0)
            guard let chunk = RunChunk(ids.bytes(1)) else { throw IndexFile.damaged }
            for index in chunk.firstIndex(from: IndexKey.firstUnordered)..<chunk.count { body(chunk[index].key) }
        }
        return end
    }

    /// The last chunk of the file; 0 without one.
    package func lastChunk() throws -> Int64 { try connection.number("SELECT ifnull(max(chunk), 0) FROM chunks") }

    /// Writes sorted entries of consecutive events in several transactions, and lets `finish` end the last one.
    ///
    /// - Parameters:
    ///   - size: the number of entries in a transaction.
    ///   - isWanted: is called with the entries of each transaction before it begins; `false` ends the move.
    /// - Returns: whether all entries were written.
    package func move(
        _ entries: [IndexEntry], by size: Int, while isWanted: (ArraySlice<IndexEntry>) throws -> Bool,
        finish: () throws -> Void
    ) throws -> Bool {
        var (run, start) = (runs.begin(), 0)
        let ids = entries.firstIndex { $0.key >= 0 } ?? entries.count
        do {
            while start < entries.count {
                let slice = entries[start..<min(start + size, start < ids ? ids : entries.count)]
                guard try isWanted(slice) else {
                    runs.abandon(run)
                    return false
                }
                try connection.committing {
                    if start < ids { try write(slice) } else { try runs.add(slice, to: &run) }
                }
                start = slice.endIndex
            }
            try connection.committing {
                try runs.finish(&run)
                try finish()
            }
        } catch {
            runs.abandon(run)
            throw error
        }
        runs.take(run)
        return true
    }

    /// Writes entries of names in the order of keys and positions, as blocks.
    private func write(_ entries: ArraySlice<IndexEntry>) throws {
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

    /// Writes the names of streams and the positions of sources, and that the index is complete up to a position. To be
    /// called at the end of ``move(_:by:while:finish:)``.
    package func finish(
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
