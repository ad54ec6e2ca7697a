import SillokCore

/// Moves index entries from the tail in memory to the table `entries`, in the order of keys.
///
/// A new entry's key lies anywhere, and an index page of its own for each would be written per entry. The tail gathers so
/// many of them that they share pages. A group of appends moves a slice at most, so that none waits for long; what was
/// moved counts when all of it is there, and whoever begins anew moves it again to where it is.
final class TailSettling {
    /// Entries on their way.
    private struct Moving {
        /// In the order of keys.
        let entries: [IndexTail.Entry]
        /// The position up to which they are all that there is.
        let end: Int64
        var written = 0

        /// Everything that a tail has.
        init(_ tail: IndexTail) {
            entries = tail.entries.sorted { $0.key != $1.key ? $0.key < $1.key : $0.position < $1.position }
            end = tail.end
        }
    }

    private let tail: IndexTail
    private let tuning: Tuning
    private let one: Statement
    private let many: Statement
    private let indexed: Statement
    private var moving: Moving?
    /// How many entries the tail had after the last group.
    private var seen = 0
    /// Entries that the larger statement writes.
    private static let rows = 32

    init(_ connection: Connection, _ tail: IndexTail, _ tuning: Tuning) throws {
        self.tail = tail
        self.tuning = tuning
        one = try connection.prepare("INSERT OR IGNORE INTO entries VALUES (?, ?)")
        let values = Array(repeating: "(?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT OR IGNORE INTO entries VALUES \(values)")
        indexed = try connection.prepare("UPDATE store SET value = ?1 WHERE key = '\(Schema.indexed)'")
    }

    /// Begins anew, after the tail was read anew.
    func reload() {
        moving = nil
        seen = tail.entries.count
    }

    /// Moves a slice if the tail has become long: three times what a group has added, so that it comes to an end.
    func runIfDue() throws {
        let amount = max(tuning.settlingSlice, 3 * (tail.entries.count - seen))
        if moving == nil && tail.entries.count >= tuning.tailEntries { moving = Moving(tail) }
        if let moving { self.moving = try write(amount, of: moving) }
        seen = tail.entries.count
    }

    /// What is left to be moved after that; `nil` at the end.
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
        tail.forget(through: moving.end)
        return nil
    }
}
