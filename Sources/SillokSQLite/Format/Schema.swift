import CSQLite
import SillokChain
import SillokCore
import SillokSQL
import SillokSQLiteConnections
import SillokStorage

// The file, format 4: an SQLite database in WAL mode (application id "Sill", user version 4).
//
//   store     key → value                        the id of the store, its creation time and the secret of `entries`.
//                                                Also the position up to which `entries` is complete (`indexed`), and
//                                                the position at which the hash chain begins, if the store keeps one.
//   names     id → kind, text, category          every stream, category, type, tag, content type and source, once.
//   events    position → the event               the log itself; new rows are only added at its end.
//   entries   (key, position)                    one index for all queries: the positions of each key. It does not
//                                                hold the newest events: each reader derives their entries from the
//                                                events. The writer moves about a hundred thousand entries at a time
//                                                into this table, in the order of keys, so that many share a page.
//                                                Entries beyond `indexed` do not count yet.
//   marks     (stream, revision) → position      every 256th revision of a stream: where to start inside a long one.
//   tracking  source → position                  how far other logs have been consumed.
//   tracked_events  source → position, id        the id of the foreign event at that position, if it was given. A row
//                                                counts only while `tracking` has the same position.
//   tracked_alone  source → position             the last position that was recorded without an event. `tracking` has
//                                                this one or that of the source's last event, whichever is higher.
//
//   key < 0   the name −key: a stream, category, type or tag.
//   key ≥ 0   a hash of an event id. It is keyed by the secret of the store, so that no client can choose ids that
//             collide. Keys of time-ordered ids (version 7) are below 2⁶²; they rise with time and go to one place
//             of `entries`. The keys of all other ids start at 2⁶².
//
//   events.crc   CRC-32C over the other columns: a reader notices a changed bit.
//   events.link  the event's link of the hash chain; NULL if the store kept no chain then.
//   names.crc    the same as events.crc for a name.
//
// Older formats can be read. The first process that opens such a file for writing converts it to format 4 in one
// transaction, see FormatUpgrade. Up to format 3 `entries` is called `settled`, and its keys of ids are a hash without
// a secret. Up to format 2 `settled` and a smaller table, `recent`, hold the whole index. Format 1 has no links; a
// chain that is added to such a file begins after its last event.
enum Schema {
    static let applicationID = SQLiteFileMark.eventStore
    static let version: Int64 = 4

    /// The key of `store` with the position up to which `entries` is complete.
    static let indexed = "indexed"

    /// The key of `store` with the secret of the keys of event ids.
    static let secret = "secret"

    /// The distance between two marks of a stream, in revisions.
    static let markInterval: Int64 = 256

    /// A table that holds a part of the log.
    struct Table {
        let name: String
        /// The columns, and the options of the table.
        let columns: String

        /// The statement that creates the table.
        var statement: String { "CREATE TABLE \(name) \(columns);" }

        /// Returns whether the file has the table.
        func exists(in connection: Connection) throws -> Bool {
            try connection.number("SELECT count(*) FROM sqlite_schema WHERE name = '\(name)'") > 0
        }
    }

    private static let all = [
        Table(name: "store", columns: "(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"),
        Table(
            name: "names",
            columns: """
                (
                    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text BLOB NOT NULL, category INTEGER NOT NULL,
                    crc INTEGER NOT NULL, UNIQUE (kind, text)) STRICT
                """),
        Table(
            name: "events",
            columns: """
                (
                    position INTEGER PRIMARY KEY, id BLOB NOT NULL, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
                    type INTEGER NOT NULL, recorded INTEGER NOT NULL, content INTEGER NOT NULL, source INTEGER NOT NULL,
                    tracked INTEGER NOT NULL, crc INTEGER NOT NULL, tags BLOB NOT NULL, metadata BLOB NOT NULL,
                    payload BLOB NOT NULL, link BLOB) STRICT
                """),
        Table(
            name: "entries",
            columns: """
                (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position))
                    STRICT, WITHOUT ROWID
                """),
        Table(
            name: "marks",
            columns: """
                (
                    stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL,
                    PRIMARY KEY (stream, revision)) STRICT, WITHOUT ROWID
                """),
        Table(name: "tracking", columns: "(source INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT"),
        trackedEvents, trackedAlone,
    ]

    // Files of earlier versions do not have these two tables until they are opened for writing.
    static let trackedEvents = Table(
        name: "tracked_events",
        columns: "(source INTEGER PRIMARY KEY, position INTEGER NOT NULL, event BLOB NOT NULL) STRICT")
    static let trackedAlone = Table(
        name: "tracked_alone", columns: "(source INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT")

    /// The names of the tables that hold the log.
    static let tables = Set(all.map(\.name))

    /// The inputs of the creation or conversion of a store.
    struct Origins {
        let storeID: () -> StoreID
        let secret: () -> IDKeys.Secret
        let now: () -> Timestamp
        /// Switches the hash chain on or off; `nil` does not change it.
        let keepsChain: Bool?
        /// Called with the progress of a conversion.
        let progress: (WorkProgress) -> Void

        init(
            ids: IDGenerator, random: any RandomNumberGenerator, clock: WallClock, keepsChain: Bool?,
            progress: @escaping (WorkProgress) -> Void
        ) {
            storeID = { ids.next() }
            secret = {
                var random = random
                return IDKeys.Secret(from: &random)
            }
            now = clock.now
            self.keepsChain = keepsChain
            self.progress = progress
        }
    }

    /// Creates a store in an empty database, or checks an existing store and converts it to the current format.
    static func install(on connection: Connection, _ origins: Origins, conversionBatch: Int) throws {
        try connection.run("BEGIN IMMEDIATE")
        do {
            if try connection.number("SELECT count(*) FROM sqlite_schema") == 0 {
                try create(on: connection, origins)
            } else {
                try check(connection)
                let found = try connection.number("PRAGMA user_version")
                try FormatUpgrade(connection, origins, batch: conversionBatch).run(from: found)
                for table in [trackedEvents, trackedAlone] where try !table.exists(in: connection) {
                    try connection.run(table.statement)
                }
                let keepsChain = origins.keepsChain ?? (found < 2 ? true : nil)
                if let keepsChain { try setChain(keepsChain, connection) }
            }
            try connection.run("COMMIT")
        } catch {
            sqlite3_exec(connection.handle, "ROLLBACK", nil, nil, nil)
            throw error
        }
    }

    private static func create(on connection: Connection, _ origins: Origins) throws {
        for table in all { try connection.run(table.statement) }
        try connection.run("PRAGMA application_id = \(applicationID)")
        try connection.run("PRAGMA user_version = \(version)")
        let insert = try connection.prepare(
            "INSERT INTO store VALUES ('id', ?1), ('created', ?2), ('\(indexed)', CAST('0' AS BLOB))")
        insert.bind(bytesOf: origins.storeID().description, at: 1)
        insert.bind(bytesOf: origins.now().description, at: 2)
        try insert.run()
        try keep(origins.secret(), on: connection)
        try setChain(origins.keepsChain ?? true, connection)
    }

    /// Stores the secret of the keys of event ids.
    static func keep(_ secret: IDKeys.Secret, on connection: Connection) throws(SQLiteFailure) {
        let insert = try connection.prepare("INSERT INTO store VALUES ('\(Self.secret)', ?1)")
        insert.bind(copied: secret.bytes, at: 1)
        try insert.run()
    }

    /// The storage of the index of a file, which depends on the format of the file.
    struct Format {
        let version: Int64
        /// The table of the index, or the query that replaces it.
        let index: String
        /// The keys of event ids.
        let ids: IDKeys

        init(_ connection: Connection) throws {
            version = try connection.number("PRAGMA user_version")
            switch version {
            case ..<3: index = "(SELECT key, position FROM settled UNION ALL SELECT key, position FROM recent)"
            case 3: index = "settled"
            default: index = "entries"
            }
            ids = IDKeys(secret: version < 4 ? nil : try Self.secret(connection))
        }

        private static func secret(_ connection: Connection) throws -> IDKeys.Secret {
            let row = try connection.prepare("SELECT value FROM store WHERE key = '\(Schema.secret)'")
            guard try row.step(), let secret = IDKeys.Secret(row.bytes(0)) else {
                throw StoreError(.corrupt, "the secret of the store cannot be read: restore a backup.")
            }
            row.reset()
            return secret
        }
    }

    /// Throws unless the database is a store of a known format.
    static func check(_ connection: Connection) throws {
        guard try connection.number("PRAGMA application_id") == applicationID else { throw foreign }
        try check(version: connection.number("PRAGMA user_version"), isLogged: false)
    }

    /// The error for an SQLite database that is not a store.
    static let foreign = StoreError(
        .unsupportedFormat, "the file is an SQLite database, but not a store of Sillok. It was not changed.")

    /// Throws unless the format is known.
    ///
    /// - Parameter isLogged: whether the version is still in the write-ahead log, so that it was not read.
    static func check(version found: Int64, isLogged: Bool) throws(StoreError) {
        guard isLogged || (1...version).contains(found) else {
            throw StoreError(
                .unsupportedFormat,
                "the store has format \(found), but this version of Sillok knows formats up to \(version). Use a "
                    + "newer version of Sillok.")
        }
    }

    /// Returns the hash chain of the file, or `nil` if it keeps none.
    static func chain(_ connection: Connection) throws -> Chain? {
        guard let text = try connection.text("SELECT value FROM store WHERE key = 'chain'") else { return nil }
        guard let start = UInt64(text), start > 0 else {
            throw StoreError(.corrupt, "the position at which the hash chain begins cannot be read. Restore a backup.")
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

    /// Returns an SQL expression for the last position of `events`, in the text form of positions in `store`.
    static func headText(plus more: Int) -> String {
        "CAST(CAST(ifnull(max(position), 0) + \(more) AS TEXT) AS BLOB)"
    }

    /// Returns the identity that was written when the store was created.
    static func storeID(_ connection: Connection) throws -> StoreID {
        guard let text = try connection.text("SELECT value FROM store WHERE key = 'id'"), let id = StoreID(text) else {
            throw StoreError(.corrupt, "the store has no readable id.")
        }
        return id
    }
}
