import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage

/// The statements with which one thread reads the index file. The rows that they return never change: entries up to the
/// position `through` were complete before a reader learned of that position.
final class IndexTable {
    let connection: Connection
    private let upwards, downwards, names, source: Statement
    private var block: [Int64] = []

    init(_ connection: Connection) throws {
        self.connection = connection
        upwards = try connection.prepare(
            "SELECT last, earlier FROM entries WHERE key = ?1 AND last >= ?2 AND last <= ?3 ORDER BY last ASC")
        downwards = try connection.prepare(
            "SELECT last, earlier FROM entries WHERE key = ?1 AND last <= ifnull("
                + "(SELECT min(last) FROM entries WHERE key = ?1 AND last >= ?2 AND last <= ?3), ?3) "
                + "ORDER BY last DESC")
        names = try connection.prepare(
            // No name contains a byte with this value.
            "SELECT name FROM streams WHERE name > ?1 AND name < ifnull(?2, x'FF') ORDER BY name LIMIT ?3")
        source = try connection.prepare("SELECT position, event FROM tracking WHERE source = ?1")
    }

    /// Appends up to `limit` positions of a key that are not after `through`, from `bound` on in a direction.
    func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, through end: Int64, limit: Int,
        into positions: inout [Int64]
    ) throws {
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

    /// Returns stream names between two texts, excluding both, in the order of their bytes.
    func streams(after first: String, before last: String?, limit: Int) throws -> [StreamID] {
        names.bind(bytesOf: first, at: 1)
        if let last { names.bind(bytesOf: last, at: 2) } else { names.bindNull(at: 2) }
        names.bind(Int64(limit), at: 3)
        var found: [StreamID] = []
        while try names.step() { found.append(StreamID(names.text(0))) }
        return found
    }

    /// Returns how far a source has been consumed, or `nil`.
    func tracking(of source: TrackingSource) throws -> Tracking? {
        self.source.bind(bytesOf: source.text, at: 1)
        guard try self.source.step() else { return nil }
        defer { self.source.reset() }
        return Tracking(
            source: source, position: UInt64(bitPattern: self.source.int(0)),
            event: EventID(bytes: self.source.bytes(1)))
    }
}
