import SillokCore

/// Moves index entries from `recent` to `settled`, a slice of keys at a time, round and round.
///
/// A new entry's key lies anywhere, and an index page of its own for each would be written per entry. `recent` is small
/// enough that many entries share its pages; a slice of it, taken in the order of keys, shares pages of `settled`.
final class Sweep {
    private let threshold: Int
    private let slice: Int
    private let connection: Connection
    private let lastOfSlice: Statement
    private let move: Statement
    private let delete: Statement
    /// How many entries `recent` has.
    private(set) var count = 0
    /// Where the next slice begins.
    private var cursor: (key: Int64, position: Int64) = (.min, .min)

    init(_ connection: Connection, _ tuning: Tuning) throws {
        self.connection = connection
        threshold = tuning.sweepThreshold
        slice = tuning.sweepSlice
        lastOfSlice = try connection.prepare(
            """
            SELECT key, position FROM recent WHERE (key, position) > (?1, ?2) ORDER BY key, position
            LIMIT 1 OFFSET \(slice - 1)
            """)
        move = try connection.prepare(
            """
            INSERT INTO settled SELECT key, position FROM recent
            WHERE (key, position) > (?1, ?2) AND (key, position) <= (?3, ?4) ORDER BY key, position
            """)
        delete = try connection.prepare(
            "DELETE FROM recent WHERE (key, position) > (?1, ?2) AND (key, position) <= (?3, ?4)")
    }

    /// Reads anew what is kept in memory.
    func reload() throws {
        count = Int(try connection.number("SELECT count(*) FROM recent"))
        cursor = (.min, .min)
    }

    /// Says that an entry has been added.
    @inline(__always) func added() { count += 1 }

    /// Goes back to a count from before entries were added.
    func rewind(to count: Int) { self.count = count }

    /// Moves slices until `recent` is small again.
    func runIfDue() throws {
        while count > threshold { try moveSlice() }
    }

    private func moveSlice() throws {
        let end = try endOfSlice()
        for statement in [move, delete] {
            statement.bind(cursor.key, at: 1)
            statement.bind(cursor.position, at: 2)
            statement.bind(end?.key ?? .max, at: 3)
            statement.bind(end?.position ?? .max, at: 4)
            try statement.run()
        }
        if let end {
            count -= slice
            cursor = end
        } else {
            try reload()
        }
    }

    /// The last entry of the next slice; `nil` if fewer are left before the end.
    private func endOfSlice() throws -> (key: Int64, position: Int64)? {
        lastOfSlice.bind(cursor.key, at: 1)
        lastOfSlice.bind(cursor.position, at: 2)
        guard try lastOfSlice.step() else { return nil }
        defer { lastOfSlice.reset() }
        return (lastOfSlice.int(0), lastOfSlice.int(1))
    }
}
