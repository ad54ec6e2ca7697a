package import SillokCore

// What storages of read models share.

extension ReadModelFormat {
    /// Creates the table that contains the version of the format.
    package static let versions: SQL = "CREATE TABLE IF NOT EXISTS sillok_format (version INTEGER NOT NULL)"

    /// Asks for the version of the format; no row in a fresh read model.
    package static let foundVersion = SQL("SELECT version FROM sillok_format").ofSillok

    /// Returns the version in the rows of ``foundVersion``; `nil` in a fresh read model.
    ///
    /// - Throws: `StoreError`: `corrupt`; `unsupportedFormat` if this version of Sillok does not know the format.
    package static func version(in rows: [[SQLValue]]) throws(StoreError) -> Int64? {
        guard let row = rows.first else { return nil }
        guard case .integer(let found)? = row.first else {
            throw StoreError(
                .corrupt,
                "the version of the read model's format cannot be read. Restore a backup, or remove the read model and "
                    + "rebuild its projections.")
        }
        if found > Int64(version) { throw newer(found) }
        return found
    }

    /// Notes the version in a fresh read model.
    package static let noteVersion: SQL = "INSERT INTO sillok_format VALUES (\(version))"

    /// Upgrades the tables of an older version, after ``schema`` has created missing ones.
    package static func upgrade(from found: Int64) -> [SQL] {
        if found >= Int64(version) { return [] }
        let steps = (Int(clamping: max(found, 0)) + 1...version).flatMap { migrations[$0] ?? [] }
        return steps + ["UPDATE sillok_format SET version = \(version)"]
    }

    /// Makes the tables and indexes where they are missing.
    package static let schema: [SQL] = made.map { relation in
        "CREATE \(raw: relation.kind) IF NOT EXISTS \(raw: relation.name) \(raw: relation.definition)"
    }

    /// The names of the tables and indexes of ``schema``.
    package static let relations = made.map(\.name)

    /// A table or an index that Sillok makes: what follows its name in the statement that makes it.
    struct Relation {
        let kind: String
        let name: String
        let definition: String

        static func table(_ name: String, _ columns: String) -> Relation {
            Relation(kind: "TABLE", name: name, definition: columns)
        }

        static func index(_ name: String, on columns: String) -> Relation {
            Relation(kind: "INDEX", name: name, definition: "ON \(columns)")
        }
    }

    /// Throws if an SQLite file cannot hold a read model. A file of another program can: the tables are made next to
    /// its own.
    ///
    /// - Parameters:
    ///   - isDatabase: whether it is an SQLite file at all.
    ///   - applicationID: what the file calls itself.
    ///   - version: the version of its read model; 0 without one.
    package static func check(
        isDatabase: Bool, applicationID: Int64, version found: Int64, path: String
    ) throws(StoreError) {
        guard isDatabase else {
            throw StoreError(.unsupportedFormat, "\(path) is not a read model: it is no SQLite database.")
        }
        guard applicationID != SQLiteFileMark.eventStore else {
            throw StoreError(
                .unsupportedFormat,
                "\(path) is an event store: give the read model a file of its own, or use the store's `readModel`.")
        }
        guard applicationID != SQLiteFileMark.rows else {
            throw StoreError(
                .unsupportedFormat,
                "\(path) has the rows of a store in a folder: open that store and use its `readModel`.")
        }
        if found > Int64(version) { throw newer(found) }
    }

    /// What is said of a read model of a newer format.
    package static func newer(_ found: Int64) -> StoreError {
        StoreError(
            .unsupportedFormat,
            "the read model has format \(found), but this version of Sillok knows format \(version). Use a newer "
                + "version of Sillok.")
    }
}

/// What `file` calls an SQLite file of ours: its application id.
package enum SQLiteFileMark {
    /// A store: "Sill".
    package static let eventStore: Int64 = 0x5369_6C6C
    /// A read model in a file of its own: "SilR".
    package static let readModel: Int64 = 0x5369_6C52
    /// The read model in the folder of a store: "SilF".
    package static let rows: Int64 = 0x5369_6C46
}

extension ReadModelWrite.Condition {
    /// Whether these rows are the expected ones, value by value and byte by byte.
    package func holds(for found: [[SQLValue]]) -> Bool {
        rows.count == found.count
            && zip(rows, found).allSatisfy { row, found in
                row.count == found.count && zip(row, found).allSatisfy { $0 == $1 }
            }
    }
}
