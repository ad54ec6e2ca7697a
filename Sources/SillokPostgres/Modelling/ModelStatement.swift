#if Postgres
import SillokCore
import SillokSQL

/// A statement of a read model in PostgreSQL's syntax, and the check of what it may access.
///
/// A projection's statement is executed with an empty search path. Tables that it names by `\(table:)` are written with
/// the schema, and nothing else can be found.
struct ModelStatement {
    let schema: ServerAddress

    /// Returns the statement to send.
    ///
    /// - Parameter projection: the build whose tables are named; `nil` uses the plain names.
    func query(_ sql: SQL, of projection: ProjectionID?) throws(PostgresFailure) -> Query {
        let text = sql.text(
            name: { name in
                let quoted = Self.quoted(projection?.physicalName(name) ?? name)
                return projection == nil ? quoted : "\(schema.quotedSchema).\(quoted)"
            }, index: { Self.quoted(projection?.physicalName($0) ?? $0) }, placeholder: { "$\($0)" })
        guard !text.utf8.contains(0) else { throw Self.denied("it contains a NUL") }
        var parameters = Parameters()
        for value in sql.values { try parameters.add(value) }
        return Query(text, parameters, isBinary: false, isKept: true)
    }

    /// Returns the name of a table or an index in quotes. PostgreSQL cuts names after 63 bytes, so that two long names
    /// would be the same: a longer one ends with a hash of the whole name.
    static func quoted(_ name: String) -> String {
        let (limit, hash) = (63, "_" + String(name.fnv1a, radix: 16))
        if name.utf8.count <= limit { return SQL.quoted(name) }
        var start = Substring(name)
        while start.utf8.count > limit - hash.utf8.count { start.removeLast() }
        return SQL.quoted(String(start) + hash)
    }

    /// Throws unless a projection may execute the statement.
    static func check(_ sql: SQL) throws(PostgresFailure) {
        let text = sql.text(name: { _ in "a_table" }, placeholder: { _ in "a_value" })
        let words = SQL.words(of: text, withQuoted: false)
        guard let first = words.first else { throw denied("it is empty") }
        guard let others = allowed[first] else {
            throw denied("it uses \(first.uppercased()): a projection may create, change and drop only its own tables")
        }
        if !others.isEmpty, !words.dropFirst().prefix(2).contains(where: others.contains) {
            throw denied(
                "it uses \(words.prefix(2).joined(separator: " ").uppercased()), which is not allowed in a projection")
        }
        if let word = words.first(where: { $0.hasPrefix("sillok_") }) {
            throw denied("it uses the table \(word), which belongs to another projection or to Sillok")
        }
        for (word, next) in zip(words, words.dropFirst() + [""]) {
            guard chance.contains(word), next == "(" || word.hasPrefix("current_") || word.hasPrefix("local") else {
                continue
            }
            throw denied("it calls \(word), whose result differs in each call: take the value from the event")
        }
    }

    /// Returns the message for a failure of a projection's statement, in our words where the server's would not help.
    static func explained(_ failure: PostgresFailure, _ sql: SQL) -> String {
        guard failure.state == "42P01" else { return failure.message }
        return "\(failure.message): the statement uses a table by its plain name; write \\(table: …)"
    }

    private static func denied(_ reason: String) -> PostgresFailure { PostgresFailure(state: "42501", message: reason) }

    /// The words with which a statement may begin, and the words that must follow; an empty set allows any word.
    private static let allowed: [String: Set<String>] = [
        "select": [], "insert": [], "update": [], "delete": [], "merge": [], "with": [], "truncate": [],
        "create": ["table", "index", "unlogged"], "drop": ["table", "index"], "alter": ["table", "index"],
    ]

    private static let chance: Set<String> = [
        "random", "gen_random_uuid", "now", "clock_timestamp", "statement_timestamp", "transaction_timestamp",
        "timeofday", "current_timestamp", "current_date", "current_time", "localtimestamp", "localtime",
    ]
}

extension Parameters {
    /// Adds a value of a statement. Integers have 64 bits; the server infers the type of a text from its context.
    fileprivate mutating func add(_ value: SQLValue) throws(PostgresFailure) {
        switch value {
        case .null: addNull()
        case .integer(let number): add(number)
        case .real(let number): add(number)
        case .blob(let bytes): add(bytes)
        case .text(let text):
            guard !text.utf8.contains(0) else {
                throw PostgresFailure(state: "22021", message: "PostgreSQL cannot store a text that contains a NUL")
            }
            addUntyped(text)
        }
    }
}
#endif
