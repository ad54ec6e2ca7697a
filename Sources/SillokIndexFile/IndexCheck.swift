import SillokCore
import SillokSQLiteConnections
import SillokStorage

// What a verification reads of the index.
extension IndexTable {
    /// Returns what SQLite's own check finds wrong in the file.
    package func damages() throws -> [String] {
        let check = try connection.prepare("PRAGMA integrity_check(20)")
        var lines: [String] = []
        while try check.step() {
            let line = check.text(0)
            if line != "ok" { lines.append(line) }
        }
        return lines
    }

    /// Calls `body` with every entry up to a position.
    package func forEachEntry(through end: Int64, _ body: (_ key: Int64, _ position: Int64) throws -> Void) throws {
        let rows = try connection.prepare("SELECT key, last, earlier FROM entries WHERE last <= ?1 ORDER BY key, last")
        rows.bind(end, at: 1)
        defer { rows.reset() }
        var (block, previous): ([Int64], (key: Int64, position: Int64)) = ([], (.min, 0))
        while try rows.step() {
            let key = rows.int(0)
            try EntryBlock.decode(last: rows.int(1), rows.bytes(2), into: &block)
            if key != previous.key { previous = (key, 0) }
            // Blocks of an interrupted move may overlap with others.
            for position in block.reversed() where position > previous.position {
                try body(key, position)
                previous.position = position
            }
        }
        try forEachID(through: end, body)
    }

    /// Calls `body` with the entries of ids, and checks that a search would find each of them.
    private func forEachID(through end: Int64, _ body: (_ key: Int64, _ position: Int64) throws -> Void) throws {
        let rows = try connection.prepare(
            "SELECT runs.run, first, runs.last, ordered, chunks.last, chunks.entries FROM runs CROSS JOIN chunks "
                + "ON chunks.run = runs.run ORDER BY runs.run, chunks.last, chunk")
        defer { rows.reset() }
        var (run, previous) = (Int64(-1), IndexEntry(key: -1, position: 0))
        while try rows.step() {
            guard let chunk = RunChunk(rows.bytes(5)) else { throw IndexFile.damaged }
            if rows.int(0) != run { (run, previous) = (rows.int(0), IndexEntry(key: -1, position: 0)) }
            for index in 0..<chunk.count {
                let entry = chunk[index]
                let isInOrder = previous == entry || IndexEntry.isBefore(previous, entry)
                let isInRun = rows.int(1) <= entry.key && entry.key <= min(rows.int(2), rows.int(4))
                guard isInOrder, isInRun, !IndexKey.isTimeOrdered(entry.key) || entry.key <= rows.int(3) else {
                    throw IndexFile.damaged
                }
                if entry.position <= end { try body(entry.key, entry.position) }
                previous = entry
            }
            if previous.key != rows.int(4) { throw IndexFile.damaged }
        }
    }
}
