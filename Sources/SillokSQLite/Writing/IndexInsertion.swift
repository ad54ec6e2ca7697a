import SillokCore

/// Gathers the entries that one append adds to a half of the index, and writes them in the order of keys.
///
/// Neighbours share a page then, and a statement carries many rows: a large append takes less of the processor.
final class IndexInsertion {
    private typealias Entry = (key: Int64, position: Int64)

    private let one: Statement
    private let many: Statement
    private var entries: [Entry] = []
    /// Rows that the larger statement writes.
    private static let rows = 32

    init(_ connection: Connection, table: String) throws {
        one = try connection.prepare("INSERT INTO \(table) VALUES (?, ?)")
        let values = Array(repeating: "(?, ?)", count: Self.rows).joined(separator: ", ")
        many = try connection.prepare("INSERT INTO \(table) VALUES \(values)")
    }

    /// Adds an entry, which can be read after `flush`.
    @inline(__always) func add(_ key: Int64, _ position: Int64) { entries.append((key, position)) }

    /// Writes what was added.
    func flush() throws(SQLiteFailure) {
        if entries.isEmpty { return }
        entries.sort { $0.key != $1.key ? $0.key < $1.key : $0.position < $1.position }
        var index = 0
        while index < entries.count {
            let isMany = entries.count - index >= Self.rows
            let statement = isMany ? many : one
            let end = index + (isMany ? Self.rows : 1)
            var column: Int32 = 1
            for entry in entries[index..<end] {
                statement.bind(entry.key, at: column)
                statement.bind(entry.position, at: column + 1)
                column += 2
            }
            try statement.run()
            index = end
        }
        entries.removeAll(keepingCapacity: true)
    }

    /// Forgets what was added and not written.
    func forget() { entries.removeAll(keepingCapacity: true) }
}
