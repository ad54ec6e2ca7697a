import GRDB
import SillokCore
import SillokSQL

/// Why a statement was refused.
struct Denial: Error {
    let reason: String
}

/// What a statement may touch.
///
/// SQLite lets one party judge what a statement does before it runs, and that is GRDB. So a statement is judged by its
/// words, by what GRDB says that it reads and changes, and for changes of the schema by what has become of that; all of
/// it before the transaction ends.
struct StatementScope: Sendable {
    private let projection: ProjectionID?
    private let names: [String]
    private let words: [String]

    init(_ projection: ProjectionID?, names: [String], text: String) {
        self.projection = projection
        self.names = names.map { $0.lowercased() }
        words = text.sqlWords
    }

    /// Whether it makes, changes or drops tables.
    var changesSchema: Bool { first.isOneOf("create", "drop", "alter") }

    /// Whether it must not change the tables of others.
    var isGuardedSchema: Bool { projection != nil && changesSchema }

    private var first: String { words.first ?? "" }

    /// Why its words alone refuse it.
    var denialOfText: Denial? {
        if first.isOneOf("begin", "commit", "end", "rollback", "savepoint", "release") {
            return Denial(reason: "it begins or ends a transaction; leave this to the projector")
        }
        if first.isOneOf("attach", "detach") { return Denial(reason: "it attaches or detaches a file") }
        if first.isOneOf("pragma", "vacuum") {
            return Denial(reason: "it uses \(first), which is not allowed in a read model")
        }
        guard projection != nil else { return nil }
        if words.contains("rollback") {
            return Denial(reason: "it uses ROLLBACK, which is not allowed in a projection")
        }
        let allowed = ["insert", "replace", "update", "delete", "with", "select", "values", "create", "drop", "alter"]
        let isOfRows = !changesSchema && allowed.contains(first)
        let kind = words.dropFirst().first { !$0.isOneOf("unique", "virtual") } ?? ""
        let isOfTables = changesSchema && kind.isOneOf("table", "index")
        if isOfRows || isOfTables { return nil }
        return Denial(reason: "a projection may create, change and drop only its own tables and indexes")
    }

    /// The reason why it must not read one of its tables.
    func denial(ofReading statement: Statement, _ db: Database) throws -> Denial? {
        guard projection != nil, !statement.databaseRegion.isEmpty else { return nil }
        for table in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
        where !isNamed(table) {
            if statement.databaseRegion.isModified(byEventsOfKind: .delete(tableName: table)) { return unnamed(table) }
        }
        return nil
    }

    /// Why it must not change a table's rows.
    func denial(ofChanging table: String) -> Denial? {
        if projection == nil || isNamed(table) { return nil }
        if changesSchema && table.hasPrefix("sqlite_") { return nil }
        return unnamed(table)
    }

    /// The reason why the changed schema is not allowed.
    func denial(ofChanges before: Set<[String]>, _ after: Set<[String]>) -> Denial? {
        for entry in before.symmetricDifference(after).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard entry[0] == "table" || entry[0] == "index" else {
                return Denial(reason: "it creates or drops a \(entry[0]): do this work in the rule of the projection")
            }
            if !isNamed(entry[2]) && !entry[2].hasPrefix("sqlite_") { return unnamed(entry[2]) }
            if entry[0] == "index" && !entry[1].hasPrefix("sqlite_autoindex_") && !isNamed(entry[1]) {
                return unnamed(entry[1], "index")
            }
        }
        return nil
    }

    /// Whether the statement names it, or names an object that it belongs to, such as a full-text index.
    private func isNamed(_ name: String) -> Bool {
        let name = name.lowercased()
        return names.contains { name == $0 || name.hasPrefix($0 + "_") }
    }

    private func unnamed(_ name: String, _ kind: String = "table") -> Denial {
        let own = projection?.physicalName("") ?? ""
        let plain = name.hasPrefix(own) ? String(name.dropFirst(own.count)) : name
        return Denial(
            reason: "it uses the \(kind) \(name) by its plain name: write \\(\(kind): \"\(plain)\")")
    }
}

/// Observes the changes of the running statement.
final class StatementScopes: Sendable {
    /// Asked by GRDB about every kind of change that a statement makes, before it runs.
    final class Observer: TransactionObserver, Sendable {
        struct State {
            var scope: StatementScope?
            var denial: Denial?
        }

        let state = Lock(State())

        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool {
            state.withLock { state in
                let table =
                    switch eventKind {
                    case .insert(let table), .delete(let table), .update(let table, _): table
                    }
                if state.denial == nil { state.denial = state.scope?.denial(ofChanging: table) }
            }
            return false
        }

        func databaseDidChange(with event: DatabaseEvent) {}
        func databaseDidCommit(_ db: Database) {}
        func databaseDidRollback(_ db: Database) {}
    }

    let observer = Observer()

    /// Runs a statement. A forbidden change is reported after the statement, and rolled back with its transaction.
    func within(_ scope: StatementScope, _ body: () throws -> Void) throws {
        observer.state.withLock { $0 = Observer.State(scope: scope) }
        defer { observer.state.withLock { $0 = Observer.State() } }
        try body()
        if let denial = observer.state.withLock({ $0.denial }) { throw denial }
    }

    /// Functions that give something else each time, or reach outside: on the connection that writes they fail.
    static var deniedFunctions: [DatabaseFunction] {
        let chance = "whose result differs in each call: take the value from the event"
        let denied = [
            ("random", 0), ("randomblob", 1), ("current_time", 0), ("current_date", 0), ("current_timestamp", 0),
        ]
        return denied.map { name, count in
            DatabaseFunction(name, argumentCount: count) { (_: [DatabaseValue]) -> (any DatabaseValueConvertible)? in
                throw DatabaseError(resultCode: .SQLITE_ERROR, message: "it calls \(name), \(chance)")
            }
        }
    }
}

/// What ends a text or a quoted name.
private let closingQuotes: [Character: Character] = ["'": "'", "\"": "\"", "`": "`", "[": "]"]

extension String {
    /// The words of a statement in small letters, without texts, remarks and quoted names.
    var sqlWords: [String] {
        var words: [String] = []
        var word = ""
        var rest = Substring(self)
        func end() {
            if !word.isEmpty { words.append(word.lowercased()) }
            word = ""
        }
        while let character = rest.first {
            if let close = closingQuotes[character] {
                end()
                rest = rest.dropFirst().drop { $0 != close }.dropFirst()
            } else if rest.hasPrefix("--") {
                end()
                rest = rest.drop { !$0.isNewline }
            } else if rest.hasPrefix("/*") {
                end()
                rest = rest.firstRange(of: "*/").map { rest[$0.upperBound...] } ?? ""
            } else {
                if character.isLetter || character.isNumber || character == "_" {
                    word.append(character)
                } else {
                    end()
                }
                rest = rest.dropFirst()
            }
        }
        end()
        return words
    }

    /// The first word of a statement.
    var firstWord: String { sqlWords.first ?? "" }

    func isOneOf(_ words: String...) -> Bool { words.contains(self) }
}
