import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage

/// The conversion of a store of an older format to the current one. It is part of the transaction that opens the store,
/// so a process that is killed meanwhile leaves the store unchanged.
struct FormatUpgrade {
    private let connection: Connection
    private let origins: Schema.Origins
    private let batch: Int64

    /// - Parameter batch: the number of events whose keys are sorted together.
    init(_ connection: Connection, _ origins: Schema.Origins, batch: Int) {
        self.connection = connection
        self.origins = origins
        self.batch = Int64(max(1, batch))
    }

    func run(from found: Int64) throws {
        if found < 2 { try connection.run("ALTER TABLE events ADD COLUMN link BLOB") }
        if found < 3 {
            try connection.run("INSERT INTO settled SELECT key, position FROM recent ORDER BY key, position")
            try connection.run("DROP TABLE recent")
            try connection.run("INSERT INTO store SELECT '\(Schema.indexed)', \(Schema.headText(plus: 0)) FROM events")
        }
        if found < 4 { try keyIDs() }
        if found < Schema.version { try connection.run("PRAGMA user_version = \(Schema.version)") }
    }

    /// Replaces the keys of ids by keyed ones. The table is renamed, so that a process of an older version with the
    /// file open gets an error instead of finding no ids.
    private func keyIDs() throws {
        let end = try indexed()
        let stored = try storedSum(through: end)
        try connection.run("ALTER TABLE settled RENAME TO entries")
        try connection.run("DELETE FROM entries WHERE key >= 0")
        let secret = origins.secret()
        try Schema.keep(secret, on: connection)
        guard try insertKeys(IDKeys(secret: secret), through: end) == stored else {
            throw StoreError(
                .corrupt,
                "the store cannot be converted to format \(Schema.version): its events and its index contain different "
                    + "ids. The store is unchanged. Run `sillok verify`, then restore a backup.")
        }
    }

    /// Returns the position up to which the index is complete.
    private func indexed() throws -> Int64 {
        let text = try connection.text("SELECT value FROM store WHERE key = '\(Schema.indexed)'")
        guard let text, let end = Int64(text), end >= 0 else {
            throw StoreError(
                .corrupt, "the position up to which the store is indexed cannot be read. Run `sillok verify`.")
        }
        return end
    }

    /// Returns the sum of the valid entries of ids in the old format.
    private func storedSum(through end: Int64) throws -> EntrySum {
        var sum = EntrySum()
        let rows = try connection.prepare("SELECT key, position FROM settled WHERE key >= 0")
        while try rows.step() {
            if rows.int(1) <= end { sum.add(rows.int(0), rows.int(1), revision: 0) }
        }
        return sum
    }

    /// Adds the new entries of the events up to a position, and returns the sum of the old ones.
    private func insertKeys(_ ids: IDKeys, through end: Int64) throws -> EntrySum {
        let old = IDKeys(secret: nil)
        var sum = EntrySum()
        let rows = try connection.prepare("SELECT position, id FROM events WHERE position > ?1 AND position <= ?2")
        let insert = try connection.prepare("INSERT INTO entries VALUES (?1, ?2)")
        var start: Int64 = 0
        while start < end {
            let last = min(end, start.addingSaturated(batch))
            var entries: [(key: Int64, position: Int64)] = []
            rows.bind(start, at: 1)
            rows.bind(last, at: 2)
            while try rows.step() {
                let position = rows.int(0)
                guard let id = EventRow.id(rows.bytes(1)) else { throw EventRow.damaged(position) }
                sum.add(old.key(id), position, revision: 0)
                entries.append((ids.key(id), position))
            }
            for entry in entries.sorted(by: <) {
                insert.bind(entry.key, at: 1)
                insert.bind(entry.position, at: 2)
                try insert.run()
            }
            start = last
            origins.progress(WorkProgress(step: "convert", done: UInt64(clamping: last), total: UInt64(clamping: end)))
        }
        return sum
    }
}
