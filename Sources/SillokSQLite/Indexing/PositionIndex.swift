import SillokCore

/// The index as one connection reads it: which positions carry a key.
final class PositionIndex {
    private let settledUp: Statement
    private let settledDown: Statement
    private let recentUp: Statement
    private let recentDown: Statement

    init(_ connection: Connection) throws {
        func select(_ table: String, _ comparison: String, _ order: String) throws -> Statement {
            try connection.prepare(
                "SELECT position FROM \(table) WHERE key = ?1 AND position \(comparison) ?2 "
                    + "ORDER BY position \(order) LIMIT ?3")
        }
        settledUp = try select("settled", ">=", "ASC")
        settledDown = try select("settled", "<=", "DESC")
        recentUp = try select("recent", ">=", "ASC")
        recentDown = try select("recent", "<=", "DESC")
    }

    /// Up to `limit` positions of a key, from `bound` on in a direction, appended to `positions`.
    func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int,
        into positions: inout [Int64]
    ) throws {
        let target = positions.count + limit
        let tables = direction == .forward ? [settledUp, recentUp] : [recentDown, settledDown]
        for statement in tables where positions.count < target {
            statement.bind(key, at: 1)
            statement.bind(bound, at: 2)
            statement.bind(Int64(target - positions.count), at: 3)
            while try statement.step() { positions.append(statement.int(0)) }
        }
    }

    /// The last position of a key, or `nil`.
    func last(_ key: Int64) throws -> Int64? {
        var found: [Int64] = []
        try read(key, from: .max, .backward, limit: 1, into: &found)
        return found.first
    }

    /// The first position of a key, or `nil`.
    func first(_ key: Int64) throws -> Int64? {
        var found: [Int64] = []
        try read(key, from: 0, .forward, limit: 1, into: &found)
        return found.first
    }
}
