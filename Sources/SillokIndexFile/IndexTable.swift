package import SillokCore
package import SillokSQLiteConnections
import SillokStorage

/// The statements with which one thread reads the index file. The rows that they return never change: entries up to the
/// position `through` were complete before a reader learned of that position.
package final class IndexTable {
    package let connection: Connection
    private let upwards, downwards, names, source: Statement
    private let begin, runs, chunks, end: Statement
    private var block: [Int64] = []

    package init(_ connection: Connection) throws {
        self.connection = connection
        upwards = try connection.prepare(
            "SELECT last, earlier FROM entries WHERE key = ?1 AND last >= ?2 AND last <= ?3 ORDER BY last ASC")
        downwards = try connection.prepare(
            "SELECT last, earlier FROM entries WHERE key = ?1 AND last <= ifnull("
                + "(SELECT min(last) FROM entries WHERE key = ?1 AND last >= ?2 AND last <= ?3), ?3) "
                + "ORDER BY last DESC")
        begin = try connection.prepare("BEGIN")
        runs = try connection.prepare("SELECT run FROM runs WHERE first <= ?1 AND last >= ?1")
        chunks = try connection.prepare(
            "SELECT last, entries FROM chunks WHERE run = ?1 AND last >= ?2 ORDER BY last")
        end = try connection.prepare("COMMIT")
        names = try connection.prepare(
            // No name contains a byte with this value.
            "SELECT name FROM streams WHERE name > ?1 AND name < ifnull(?2, x'FF') ORDER BY name LIMIT ?3")
        source = try connection.prepare("SELECT position, event FROM tracking WHERE source = ?1")
    }

    /// Appends up to `limit` positions of a key that are not after `through`, from `bound` on in a direction.
    package func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, through end: Int64, limit: Int,
        into positions: inout [Int64]
    ) throws {
        if key >= 0 { return try readID(key, from: bound, direction, through: end, limit: limit, into: &positions) }
        let statement = direction == .forward ? upwards : downwards
        let bound = direction == .forward ? bound : min(bound, end)
        statement.bind(key, at: 1)
        statement.bind(bound, at: 2)
        statement.bind(end, at: 3)
        defer { statement.reset() }
        let target = positions.count.addingReportingOverflow(limit)
        let most = target.overflow ? Int.max : target.partialValue
        // The first position that was not read yet, in this direction.
        var next = bound
        while positions.count < most, try statement.step() {
            try EntryBlock.decode(last: statement.int(0), statement.bytes(1), into: &block)
            if direction == .forward {
                for position in block.reversed() where position >= next && positions.count < most {
                    positions.append(position)
                    next = position + 1
                }
            } else {
                for position in block where position <= next && positions.count < most {
                    positions.append(position)
                    next = position - 1
                }
            }
        }
    }

    /// Appends the positions of the key of an id. Few events share one.
    private func readID(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, through end: Int64, limit: Int,
        into positions: inout [Int64]
    ) throws {
        let (lowest, highest) = direction == .forward ? (bound, end) : (0, min(bound, end))
        var found: [Int64] = []
        // One state of the file: a merge replaces runs by others.
        try begin.run()
        defer { try? self.end.run() }
        runs.bind(key, at: 1)
        defer { runs.reset() }
        while try runs.step() {
            chunks.bind(runs.int(0), at: 1)
            chunks.bind(key, at: 2)
            defer { chunks.reset() }
            // The next chunk may begin with the key with which this one ends.
            while try chunks.step() {
                guard let chunk = RunChunk(chunks.bytes(1)) else { throw IndexFile.damaged }
                for index in chunk.firstIndex(from: key)..<chunk.count {
                    let entry = chunk[index]
                    if entry.key != key { break }
                    if lowest <= entry.position, entry.position <= highest { found.append(entry.position) }
                }
                if chunks.int(0) > key { break }
            }
        }
        found.sort()
        positions += direction == .forward ? found.prefix(limit) : found.reversed().prefix(limit)
    }

    /// Returns stream names between two texts, excluding both, in the order of their bytes.
    package func streams(after first: String, before last: String?, limit: Int) throws -> [StreamID] {
        names.bind(bytesOf: first, at: 1)
        if let last { names.bind(bytesOf: last, at: 2) } else { names.bindNull(at: 2) }
        names.bind(Int64(limit), at: 3)
        var found: [StreamID] = []
        while try names.step() { found.append(StreamID(names.text(0))) }
        return found
    }

    /// Returns how far a source has been consumed, or `nil`.
    package func tracking(of source: TrackingSource) throws -> Tracking? {
        self.source.bind(bytesOf: source.text, at: 1)
        guard try self.source.step() else { return nil }
        defer { self.source.reset() }
        return Tracking(
            source: source, position: UInt64(bitPattern: self.source.int(0)),
            event: EventID(bytes: self.source.bytes(1)))
    }
}
