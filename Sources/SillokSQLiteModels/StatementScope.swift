import CSQLite
import SillokCore
import SillokSQL
import SillokSQLiteConnections

/// The objects that a statement may access. SQLite asks when it prepares the statement, and after a schema change.
final class StatementScope {
    private let projection: ProjectionID?
    private let names: [[UInt8]]
    private let text: String
    private let protected: Set<String>
    private var dropsTable = false
    /// The reason why the statement was denied.
    private(set) var denial: String?

    /// - Parameters:
    ///   - projection: the projection that runs the statement; `nil` if it may access every table.
    ///   - names: the tables and indexes that the statement names, under their names in the file.
    ///   - text: the statement.
    ///   - protected: tables that no projection's statement may change.
    init(_ projection: ProjectionID?, names: [String], text: String, protected: Set<String> = []) {
        self.projection = projection
        self.names = names.map(Self.folded)
        self.text = text
        self.protected = protected
    }

    /// Returns whether SQLite may do the action it asks about.
    func allows(_ action: Int32, _ first: String, _ second: String) -> Bool {
        let reason = projection == nil ? reasonOfAll(action, first, second) : reason(action, first, second)
        if let reason, denial == nil { denial = reason }
        return reason == nil
    }

    /// Returns whether the statement contains a word.
    func mentions(_ word: String) -> Bool { SQL.words(of: text, withQuoted: true).contains(word) }

    /// Returns why no statement may do this, or `nil`.
    private func reasonOfAll(_ action: Int32, _ first: String, _ second: String) -> String? {
        switch action {
        case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE, SQLITE_DROP_TABLE: return reasonOfLog(first)
        case SQLITE_ALTER_TABLE, SQLITE_CREATE_INDEX, SQLITE_DROP_INDEX, SQLITE_CREATE_TRIGGER,
            SQLITE_CREATE_TEMP_TRIGGER, SQLITE_DROP_TRIGGER:
            return reasonOfLog(second)
        case SQLITE_TRANSACTION, SQLITE_SAVEPOINT: return "it begins or ends a transaction; leave this to the projector"
        case SQLITE_ATTACH, SQLITE_DETACH: return "it attaches or detaches a file"
        case SQLITE_PRAGMA where !Self.harmlessPragmas.contains(first.lowercased()):
            return "it uses PRAGMA \(first), which is not allowed in a read model"
        default: return nil
        }
    }

    private func reasonOfLog(_ table: String) -> String? {
        guard protected.contains(table.lowercased()) else { return nil }
        return "it changes \(table), a table of the log: give the table of the read model another name"
    }

    private func reason(_ action: Int32, _ first: String, _ second: String) -> String? {
        if let reason = reasonOfAll(action, first, second) { return reason }
        switch action {
        case SQLITE_SELECT, SQLITE_RECURSIVE, SQLITE_PRAGMA: return nil
        case SQLITE_DROP_TABLE, SQLITE_DROP_VTABLE:
            dropsTable = true
            return reasonOfTable(first)
        case SQLITE_READ: return second.isEmpty && isTableExpression(first) ? nil : reasonOfTable(first)
        case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE, SQLITE_CREATE_TABLE, SQLITE_CREATE_VTABLE:
            return reasonOfTable(first)
        case SQLITE_ALTER_TABLE: return reasonOfTable(second)
        case SQLITE_CREATE_INDEX, SQLITE_DROP_INDEX:
            if first.lowercased().hasPrefix("sqlite_autoindex_") || isNamed(first) { return reasonOfTable(second) }
            return unnamed(first, "index")
        case SQLITE_REINDEX: return isNamed(first) ? nil : unnamed(first, "index")
        case SQLITE_FUNCTION:
            return Self.deniedFunctions[second.lowercased()].map { "it calls \(second), \($0)" }
        case SQLITE_CREATE_TRIGGER, SQLITE_DROP_TRIGGER, SQLITE_CREATE_TEMP_TRIGGER, SQLITE_DROP_TEMP_TRIGGER:
            return "it creates or drops a trigger: do this work in the rule of the projection"
        case SQLITE_CREATE_VIEW, SQLITE_DROP_VIEW, SQLITE_CREATE_TEMP_VIEW, SQLITE_DROP_TEMP_VIEW:
            return "it creates or drops a view: use the tables in queries instead"
        default: return "a projection may create, change and drop only its own tables and indexes"
        }
    }

    private func reasonOfTable(_ name: String) -> String? {
        let folded = name.lowercased()
        if isNamed(name) || Self.openTables.contains(folded) { return nil }
        // SQLite itself clears these when a table is dropped, or created with AUTOINCREMENT.
        if folded == "sqlite_sequence" && (dropsTable || text.lowercased().contains("autoincrement")) { return nil }
        if folded.hasPrefix("sqlite_stat") && dropsTable { return nil }
        return unnamed(name, "table")
    }

    private func unnamed(_ name: String, _ kind: String) -> String {
        let own = projection?.physicalName("") ?? ""
        let plain = name.hasPrefix(own) ? String(name.dropFirst(own.count)) : name
        return "it uses the \(kind) \(name) by its plain name: write \\(\(kind): \"\(plain)\")"
    }

    /// Returns whether the statement names the table, or one that the table belongs to, such as a full-text index.
    private func isNamed(_ name: String) -> Bool {
        let name = Self.folded(name)
        return names.contains { own in
            name.starts(with: own) && (name.count == own.count || name[own.count] == UInt8(ascii: "_"))
        }
    }

    /// Returns whether the name is one that the statement defines with WITH.
    ///
    /// SQLite asks about it as about a table if no column is read, as in `count(*)`.
    private func isTableExpression(_ name: String) -> Bool {
        let words = SQL.words(of: text, withQuoted: true)
        guard words.contains("with") else { return false }
        let name = name.lowercased()
        return words.indices.contains { index in
            var rest = words[index...].dropFirst()
            if rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
            guard words[index] == name, rest.first == "as", let next = rest.dropFirst().first else { return false }
            return ["(", "not", "materialized"].contains(next)
        }
    }

    /// Tables that any statement may read: the schema tables, which SQLite itself protects, and functions.
    private static let openTables: Set<String> = [
        "sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema", "json_each", "json_tree",
    ]

    /// The pragmas that virtual tables use, and those that describe tables.
    private static let harmlessPragmas: Set<String> = [
        "data_version", "page_size", "table_info", "table_xinfo", "table_list", "index_list", "index_info",
        "index_xinfo",
    ]

    private static let deniedFunctions: [String: String] = {
        let chance = "whose result differs in each call: take the value from the event"
        return [
            "random": chance, "randomblob": chance, "current_time": chance, "current_date": chance,
            "current_timestamp": chance, "load_extension": "which loads foreign code",
            "sqlite_rename_table": "to rename a table; the table would then no longer belong to the build",
        ]
    }()

    /// Returns the bytes of a name with its ASCII letters in lower case, because SQLite compares names so.
    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}

/// The authorizer of a connection. It asks the scope of the statement that is being prepared or run.
final class Authorizer {
    /// The scope of the statement that is under way; `nil` for the library's own.
    var scope: StatementScope?

    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
        sqlite3_set_authorizer(
            connection.handle,
            { context, action, first, second, _, _ in
                guard let context else { return SQLITE_DENY }
                let authorizer = Unmanaged<Authorizer>.fromOpaque(context).takeUnretainedValue()
                guard let scope = authorizer.scope else { return SQLITE_OK }
                let texts = (first.map { String(cString: $0) } ?? "", second.map { String(cString: $0) } ?? "")
                return scope.allows(action, texts.0, texts.1) ? SQLITE_OK : SQLITE_DENY
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { sqlite3_set_authorizer(connection.handle, nil, nil) }
}
