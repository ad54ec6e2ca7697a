import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage

/// The index as read by one connection: the positions of each key.
///
/// A table holds the entries of older events, and the tail those of the newest. On a connection that reads, the tail is
/// updated for each snapshot. The connection that writes adds to the tail itself.
final class PositionIndex {
    var tail: IndexTail
    /// The keys of event ids.
    let ids: IDKeys
    private let connection: Connection
    private let isWriter: Bool
    private let upwards, downwards, bounds, newest, category: Statement
    /// The snapshot to which the tail belongs.
    private var snapshot: UInt64 = 0

    init(_ connection: Connection, _ format: Schema.Format, isWriter: Bool, tuning: Tuning) throws {
        self.connection = connection
        self.isWriter = isWriter
        ids = format.ids
        tail = IndexTail(capacity: tuning.tailEntries)
        let table = format.index
        upwards = try connection.prepare(
            "SELECT position FROM \(table) WHERE key = ?1 AND position >= ?2 AND position <= ?4 "
                + "ORDER BY position ASC LIMIT ?3")
        downwards = try connection.prepare(
            "SELECT position FROM \(table) WHERE key = ?1 AND position <= ?2 AND position <= ?4 "
                + "ORDER BY position DESC LIMIT ?3")
        bounds = try connection.prepare(
            "SELECT (SELECT max(position) FROM events), (SELECT value FROM store WHERE key = '\(Schema.indexed)')")
        newest = try connection.prepare(
            "SELECT position, id, type, tags, stream FROM events WHERE position > ?1 ORDER BY position")
        category = try connection.prepare("SELECT category FROM names WHERE id = ?1")
    }

    /// Appends up to `limit` positions of a key to `positions`, from `bound` on in a direction.
    ///
    /// - Returns: the steps of finding the place.
    @discardableResult func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int,
        into positions: inout [Int64]
    ) throws -> Int {
        if !isWriter && snapshot != connection.snapshot {
            try reload()
            snapshot = connection.snapshot
        }
        var cost = 1
        let target = positions.count + limit
        if direction == .backward { tail.read(key, from: bound, direction, limit: limit, into: &positions) }
        if positions.count < target && tail.start > 0 && (direction == .backward || bound <= tail.start) {
            cost += StepBudget.lookup
            let statement = direction == .forward ? upwards : downwards
            statement.bind(key, at: 1)
            statement.bind(bound, at: 2)
            statement.bind(Int64(target - positions.count), at: 3)
            // Entries after it may be incomplete.
            statement.bind(tail.start, at: 4)
            while try statement.step() { positions.append(statement.int(0)) }
        }
        if direction == .forward && positions.count < target {
            tail.read(key, from: bound, direction, limit: target - positions.count, into: &positions)
        }
        return cost
    }

    /// Returns the last position of a key, or `nil`.
    func last(_ key: Int64) throws -> Int64? {
        var found: [Int64] = []
        try read(key, from: .max, .backward, limit: 1, into: &found)
        return found.first
    }

    /// Returns the first position of a key, or `nil`.
    func first(_ key: Int64) throws -> Int64? {
        var found: [Int64] = []
        try read(key, from: 0, .forward, limit: 1, into: &found)
        return found.first
    }

    /// Updates the tail from the events. There are more events now, or fewer after a rollback.
    func reload() throws {
        let (start, head) = try ends()
        if start > tail.start && start <= tail.end {
            tail.forget(through: start)
        } else if start != tail.start {
            tail.restart(after: start)
        }
        tail.rewind(to: head)
        guard tail.end < head else { return }
        newest.bind(tail.end, at: 1)
        defer { newest.reset() }
        var categories: [Int64: Int64] = [:]
        var tags: [Int64] = []
        while try newest.step() {
            let (position, stream) = (newest.int(0), newest.int(4))
            guard let id = EventRow.id(newest.bytes(1)) else { throw EventRow.damaged(position) }
            let idKey = ids.key(id)
            tags.removeAll(keepingCapacity: true)
            try EventRow.forEachTag(newest.bytes(3), position) { tags.append($0) }
            var category: Int64 = 0
            if stream != 0 {
                category = try categories[stream] ?? self.category(of: stream, at: position)
                categories[stream] = category
            }
            IndexKey.each(id: idKey, type: newest.int(2), tags: tags, stream: stream, category: category) {
                tail.add($0, position)
            }
        }
    }

    /// Returns the number of a stream's category.
    private func category(of stream: Int64, at position: Int64) throws -> Int64 {
        category.bind(stream, at: 1)
        guard try category.step() else {
            throw StoreError(.corrupt, "the name of the stream of the event at position \(position) is missing.")
        }
        defer { category.reset() }
        return category.int(0)
    }

    /// Returns the last position that the table covers completely, and the last position of the log.
    private func ends() throws -> (start: Int64, head: Int64) {
        guard try bounds.step() else { return (0, 0) }
        defer { bounds.reset() }
        let (head, text) = (bounds.int(0), bounds.text(1))
        // A file of a format before 3 has no such value: its whole index is in tables.
        guard !text.isEmpty else { return (head, head) }
        guard let start = Int64(text), (0...head).contains(start) else {
            throw StoreError(
                .corrupt, "the position up to which the store is indexed cannot be read. Run `sillok verify`.")
        }
        return (start, head)
    }
}
