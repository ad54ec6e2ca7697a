import CSQLite
import SillokChain
import SillokCore
import SillokSQL

// The file, format 3: an SQLite database in WAL mode (application id "Sill", user version 3).
//
//   store     key → value                        the store's id, when it was made, the position up to which `settled`
//                                                is whole, and the one where the hash chain begins, if one is kept
//   names     id → kind, text, category          every stream, category, type, tag, content type and source, once
//   events    position → the event               the log itself; written at its right edge alone
//   settled   (key, position)                    one index for all questions: which positions carry a key. The newest
//                                                events are not part of it: whoever reads makes their entries from the
//                                                events themselves. A hundred thousand at a time are moved here in the
//                                                order of keys, so that one page written takes many of them. Those that
//                                                stand here before the store says so do not count yet.
//   marks     (stream, revision) → position      every 256th revision of a stream: where to start inside a long one
//   tracking  source → position                  how far other logs have been consumed
//
//   key < 0   the name −key: a stream, category, type or tag
//   key ≥ 0   a fingerprint of an event id: below 2⁶² for time-ordered ids (version 7), whose keys rise with time and
//             go to one place of `settled`; from 2⁶² on for all others
//
//   events.crc   CRC-32C over the other columns, so that a changed bit is noticed by whoever reads the event
//   events.link  the event's link of the hash chain; NULL where none was kept
//   names.crc    the same as events.crc for a name
//
// Format 1 has no links, and up to format 2 `settled` and a smaller table before it, `recent`, hold the whole index. Files
// of them can be read; the first who opens one for writing makes it a file of format 3. A chain that it gets begins after
// the events that it has.
enum Schema {
    static let applicationID = SQLiteFileMark.eventStore
    static let version: Int64 = 3

    /// The key under which it is stored up to which position `settled` is whole.
    static let indexed = "indexed"

    /// Every how many revisions of a stream there is a mark.
    static let markInterval: Int64 = 256

    static let statements = """
        CREATE TABLE store (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE names (
            id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text BLOB NOT NULL, category INTEGER NOT NULL,
            crc INTEGER NOT NULL, UNIQUE (kind, text)) STRICT;
        CREATE TABLE events (
            position INTEGER PRIMARY KEY, id BLOB NOT NULL, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
            type INTEGER NOT NULL, recorded INTEGER NOT NULL, content INTEGER NOT NULL, source INTEGER NOT NULL,
            tracked INTEGER NOT NULL, crc INTEGER NOT NULL, tags BLOB NOT NULL, metadata BLOB NOT NULL,
            payload BLOB NOT NULL, link BLOB) STRICT;
        CREATE TABLE settled (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position))
            STRICT, WITHOUT ROWID;
        CREATE TABLE marks (
            stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (stream, revision)) STRICT, WITHOUT ROWID;
        CREATE TABLE tracking (source INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
        """

    /// The names of the tables that hold the log.
    static let tables: Set<String> = {
        var tables: Set<String> = []
        var rest = Substring(statements)
        while let found = rest.firstRange(of: "CREATE TABLE ") {
            rest = rest[found.upperBound...]
            tables.insert(String(rest.prefix { $0 != " " && $0 != "(" }))
        }
        return tables
    }()

    /// Makes a new store in an empty database, or checks that the database is a store of a format we know and brings it
    /// to the present one. Switches the hash chain on or off, or leaves it as it is.
    static func install(
        on connection: Connection, storeID: () -> StoreID, now: Timestamp, keepsChain: Bool?
    ) throws {
        try connection.run("PRAGMA journal_mode = WAL")
        try connection.run("BEGIN IMMEDIATE")
        do {
            if try connection.number("SELECT count(*) FROM sqlite_schema") == 0 {
                try connection.run(statements)
                try connection.run("PRAGMA application_id = \(applicationID)")
                try connection.run("PRAGMA user_version = \(version)")
                let insert = try connection.prepare(
                    "INSERT INTO store VALUES ('id', ?1), ('created', ?2), ('\(indexed)', CAST('0' AS BLOB))")
                insert.bind(bytesOf: storeID().description, at: 1)
                insert.bind(bytesOf: now.description, at: 2)
                try insert.run()
                try setChain(keepsChain ?? true, connection)
            } else {
                try check(connection)
                let found = try connection.number("PRAGMA user_version")
                if found < 2 { try connection.run("ALTER TABLE events ADD COLUMN link BLOB") }
                if found < 3 {
                    try connection.run("INSERT INTO settled SELECT key, position FROM recent ORDER BY key, position")
                    try connection.run("DROP TABLE recent")
                    try connection.run("INSERT INTO store SELECT '\(indexed)', \(headText(plus: 0)) FROM events")
                    try connection.run("PRAGMA user_version = \(version)")
                }
                if let keepsChain = keepsChain ?? (found < 2 ? true : nil) { try setChain(keepsChain, connection) }
            }
            try connection.run("COMMIT")
        } catch {
            sqlite3_exec(connection.handle, "ROLLBACK", nil, nil, nil)
            throw error
        }
    }

    /// The table of the index, or in a file of a format before 3 what stands for it.
    static func settled(_ connection: Connection) throws -> String {
        try connection.number("PRAGMA user_version") >= 3
            ? "settled" : "(SELECT key, position FROM settled UNION ALL SELECT key, position FROM recent)"
    }

    /// Throws unless the database is a store of a format we know.
    static func check(_ connection: Connection) throws {
        guard try connection.number("PRAGMA application_id") == applicationID else {
            throw StoreError(.unsupportedFormat, "the file is an SQLite database, but not a store of Sillok.")
        }
        let found = try connection.number("PRAGMA user_version")
        guard (1...version).contains(found) else {
            throw StoreError(
                .unsupportedFormat,
                "the store has format \(found), this version of Sillok knows the formats up to \(version).")
        }
    }

    /// The hash chain that is kept, or `nil`.
    static func chain(_ connection: Connection) throws -> Chain? {
        guard let text = try connection.text("SELECT value FROM store WHERE key = 'chain'") else { return nil }
        guard let start = UInt64(text), start > 0 else {
            throw StoreError(.corrupt, "the store does not say readably where its chain begins.")
        }
        return Chain(of: try storeID(connection), from: Position(start))
    }

    /// Switches the chain off, or on from the next event.
    private static func setChain(_ isKept: Bool, _ connection: Connection) throws(SQLiteFailure) {
        if isKept {
            try connection.run(
                """
                INSERT INTO store SELECT 'chain', \(headText(plus: 1)) FROM events
                WHERE true ON CONFLICT DO NOTHING
                """)
        } else {
            try connection.run("DELETE FROM store WHERE key = 'chain'")
        }
    }

    /// The last position of `events` in the form in which `store` has positions.
    private static func headText(plus more: Int) -> String {
        "CAST(CAST(ifnull(max(position), 0) + \(more) AS TEXT) AS BLOB)"
    }

    /// The identity that was written when the store was made.
    static func storeID(_ connection: Connection) throws -> StoreID {
        guard let text = try connection.text("SELECT value FROM store WHERE key = 'id'"), let id = StoreID(text) else {
            throw StoreError(.corrupt, "the store has no readable id.")
        }
        return id
    }
}
