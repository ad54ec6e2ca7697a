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
                let quoted = SQL.quoted(projection?.physicalName(name) ?? name)
                return projection == nil ? quoted : "\(schema.quotedSchema).\(quoted)"
            }, index: { SQL.quoted(projection?.physicalName($0) ?? $0) }, placeholder: { "$\($0)" })
        guard !text.utf8.contains(0) else { throw Self.denied("it has a NUL in it") }
        var parameters = Parameters()
        for value in sql.values { try parameters.add(value) }
        return Query(text, parameters, isBinary: false, isKept: true)
    }

    /// Throws unless a projection may execute the statement.
    static func check(_ sql: SQL) throws(PostgresFailure) {
        let words = Self.words(of: sql.text(name: { _ in "a_table" }, placeholder: { _ in "a_value" }))
        guard let first = words.first else { throw denied("it is empty") }
        guard let others = allowed[first] else {
            throw denied("it says \(first.uppercased()): a projection makes, changes and drops tables of its own")
        }
        if !others.isEmpty, !words.dropFirst().prefix(2).contains(where: others.contains) {
            throw denied("it says \(words.prefix(2).joined(separator: " ").uppercased()), which is not its to say")
        }
        if let word = words.first(where: { $0.hasPrefix("sillok_") }) {
            throw denied("it touches the table \(word), which is not its own")
        }
        for (word, next) in zip(words, words.dropFirst() + [""]) {
            guard chance.contains(word), next == "(" || word.hasPrefix("current_") || word.hasPrefix("local") else {
                continue
            }
            throw denied("it calls \(word), which gives something else each time: take it from the event")
        }
    }

    /// Returns the message for a failure of a projection's statement, in our words where the server's would not help.
    static func explained(_ failure: PostgresFailure, _ sql: SQL) -> String {
        guard failure.state == "42P01" else { return failure.message }
        return "\(failure.message): it touches a table that it does not name; write \\(table: …)"
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

    /// Returns the words of a text in lower case, and its opening parentheses, without the contents of quotes.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for character in text.lowercased() + " " {
            if let open = quote {
                if character == open { quote = nil }
                continue
            }
            if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
                continue
            }
            if !word.isEmpty { words.append(word) }
            word = ""
            if character == "'" || character == "\"" { quote = character }
            if character == "(" { words.append("(") }
        }
        return words
    }
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
                throw PostgresFailure(state: "22021", message: "PostgreSQL keeps no text with a NUL in it")
            }
            addUntyped(text)
        }
    }
}
#endif
