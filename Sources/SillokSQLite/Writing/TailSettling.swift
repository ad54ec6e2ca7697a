import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// The move of index entries from the tail in memory to the table `entries`, in the order of keys.
///
/// The key of a new entry may be anywhere, so writing each entry alone would write an index page for each. The tail
/// collects enough entries that they share pages. A group of appends moves at most one slice, so that none waits long.
/// Moved entries count only when all are written. After a restart they are written to the same places again.
final class TailSettling {
    /// The entries that are being moved.
    private struct Moving {
        /// The entries, in the order of keys.
        let entries: [IndexTail.Entry]
        /// The position up to which these entries are complete.
        let end: Int64
        var written = 0

        /// Takes all entries of a tail.
        init(_ tail: IndexTail) {
            entries = tail.entries.sorted { $0.key != $1.key ? $0.key < $1.key : $0.position < $1.position }
            end = tail.end
        }
    }

    private let index: PositionIndex
    private let tuning: Tuning
    private let one: Statement
    private let many: Statement
    private let indexed: Statement
    private var moving: Moving?
    /// The number of entries in the tail after the last group.
    private var seen = 0
    /// The number of entries that the larger statement writes.
    private static let rows = 32

    init(_ connection: Connection, _ index: PositionIndex, _ tuning: Tuning) throws {
        self.index = index
        self.tuning = tuning
        one = try connection.prepare("INSERT OR IGNORE INTO entries VALUES (?, ?)")
        let values = Array(repeating: "(?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT OR IGNORE INTO entries VALUES \(values)")
        indexed = try connection.prepare("UPDATE store SET value = ?1 WHERE key = '\(Schema.indexed)'")
    }

    /// Starts again after the tail was reloaded.
    func reload() {
        moving = nil
        seen = index.tail.entries.count
    }

    /// Moves a slice if the tail has become long: three times the entries of the last group, so that the move ends.
    func runIfDue() throws {
        let amount = max(tuning.settlingSlice, 3 * (index.tail.entries.count - seen))
        if moving == nil && index.tail.entries.count >= tuning.tailEntries { moving = Moving(index.tail) }
        if let moving { self.moving = try write(amount, of: moving) }
        seen = index.tail.entries.count
    }

    /// Writes entries and returns the ones that are left; `nil` at the end.
    private func write(_ amount: Int, of moving: Moving) throws -> Moving? {
        var left = moving
        let end = min(moving.written + amount, moving.entries.count)
        while left.written < end {
            let isMany = end - left.written >= Self.rows
            let statement = isMany ? many : one
            var column: Int32 = 1
            for entry in left.entries[left.written..<left.written + (isMany ? Self.rows : 1)] {
                statement.bind(entry.key, at: column)
                statement.bind(entry.position, at: column + 1)
                column += 2
            }
            try statement.run()
            left.written += isMany ? Self.rows : 1
        }
        if end < moving.entries.count { return left }
        indexed.bind(bytesOf: "\(moving.end)", at: 1)
        try indexed.run()
        index.tail.forget(through: moving.end)
        return nil
    }
}
