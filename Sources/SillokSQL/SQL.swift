public import SillokCore

/// A piece of SQL whose interpolated values are bound, never spliced into the text.
///
/// ```swift
/// let change: SQL = "UPDATE balances SET cents = cents + \(100) WHERE account = \("42")"
/// ```
/// The same literal serves SQLite and PostgreSQL: only the form of the placeholders differs.
public struct SQL: Hashable, Sendable, ExpressibleByStringInterpolation {
    /// The text, with a mark for each value and around each name. It is one text, so that a statement costs one
    /// allocation in addition to that of its values, and a cached statement is found by one comparison.
    package private(set) var template: String

    /// The values, in the order of the text.
    public private(set) var values: [SQLValue]

    /// Whether Sillok asks it for itself, of its own tables: then it does not wait behind queries of applications.
    package private(set) var isOfSillok = false

    /// The same SQL as one that Sillok asks for itself.
    package var ofSillok: SQL {
        var own = self
        own.isOfSillok = true
        return own
    }

    /// Creates SQL without values.
    public init(stringLiteral value: String) {
        template = value
        values = []
    }

    /// Creates SQL with the values of an interpolation.
    public init(stringInterpolation: Interpolation) { self = stringInterpolation.sql }

    fileprivate init(literalCapacity: Int, interpolationCount: Int) {
        template = ""
        // Room for names, whose length is not known.
        template.reserveCapacity(literalCapacity + interpolationCount * 16)
        values = []
        values.reserveCapacity(interpolationCount)
    }

    /// Returns whether both have the same text, byte for byte, and the same values.
    public static func == (left: SQL, right: SQL) -> Bool {
        left.template.hasSameBytes(as: right.template) && left.values == right.values
    }

    /// Hashes the bytes of the text, and the values.
    public func hash(into hasher: inout Hasher) {
        template.hashBytes(into: &hasher)
        hasher.combine(values)
    }

    /// Returns the text with a placeholder for each value, numbered from 1.
    ///
    /// - Parameters:
    ///   - name: returns the text for a name of a table or an index, including quotes; by default the quoted name
    ///     itself.
    ///   - index: returns the text for the name of an index; with `nil`, `name` is used.
    ///   - placeholder: returns the placeholder for a value, given the number of the value.
    public func text(
        name: (String) -> String = { SQL.quoted($0) }, index: ((String) -> String)? = nil, placeholder: (Int) -> String
    ) -> String {
        var text = ""
        var values = 0
        for part in parts {
            switch part {
            case .text(let plain): text += plain
            case .table(let table): text += name(table)
            case .index(let other): text += index?(other) ?? name(other)
            case .value:
                values += 1
                text += placeholder(values)
            }
        }
        return text
    }

    /// The names of the tables that it contains as `\(table: …)`.
    public var tables: Set<String> {
        var tables: Set<String> = []
        for case .table(let name) in parts { tables.insert(name) }
        return tables
    }

    /// Returns a name in double quotes, so that it may contain any characters in SQL.
    public static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// What a template consists of.
    private enum Part {
        case text(String), table(String), index(String), value
    }

    /// The bytes that stand for a value, and around names. A text that has them itself is not SQL.
    private enum Mark {
        static let table: UInt8 = 1
        static let index: UInt8 = 2
        static let end: UInt8 = 3
        static let value: UInt8 = 4
    }

    private var parts: [Part] {
        var parts: [Part] = []
        var rest = Substring(template).utf8
        while let start = rest.firstIndex(where: { $0 <= Mark.value && $0 != Mark.end && $0 != 0 }) {
            if start > rest.startIndex { parts.append(.text(String(Substring(rest[..<start])))) }
            let mark = rest[start]
            rest = rest[rest.index(after: start)...]
            if mark == Mark.value {
                parts.append(.value)
                continue
            }
            let end = rest.firstIndex(of: Mark.end) ?? rest.endIndex
            let name = String(Substring(rest[..<end]))
            parts.append(mark == Mark.table ? .table(name) : .index(name))
            rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
        }
        parts.append(.text(String(Substring(rest))))
        return parts
    }

    fileprivate mutating func append(_ text: String) { template += text }

    fileprivate mutating func append(_ name: String, between mark: String) {
        template += mark
        template += name
        template += "\u{3}"
    }

    fileprivate mutating func append(_ value: SQLValue) {
        values.append(value)
        template += "\u{4}"
    }

    fileprivate mutating func append(_ other: SQL) {
        template += other.template
        values += other.values
    }

    /// The builder of SQL from the text and the values of a literal.
    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var sql: SQL

        /// Creates an empty interpolation.
        public init(literalCapacity: Int, interpolationCount: Int) {
            sql = SQL(literalCapacity: literalCapacity, interpolationCount: interpolationCount)
        }

        /// Adds text.
        public mutating func appendLiteral(_ literal: String) { sql.append(literal) }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: SQLValue) { sql.append(value) }

        /// Binds a value that has a form in SQL, or NULL for `nil`.
        public mutating func appendInterpolation(_ value: (some SQLValueConvertible)?) {
            sql.append(value?.sqlValue ?? .null)
        }

        /// Inserts another piece of SQL with its values.
        public mutating func appendInterpolation(_ other: SQL) { sql.append(other) }

        /// Names a table of the projection that the SQL belongs to.
        ///
        /// Each build of a projection has tables of its own under names of its own. A query that belongs to no
        /// projection uses the plain name and reads the live build.
        public mutating func appendInterpolation(table name: String) { sql.append(name, between: "\u{1}") }

        /// Names an index of the projection that the SQL belongs to, as `table:` does.
        public mutating func appendInterpolation(index name: String) { sql.append(name, between: "\u{2}") }

        /// Inserts text unchanged: for the names of tables and columns, which cannot be bound. Never for input.
        public mutating func appendInterpolation(raw text: String) { sql.append(text) }
    }
}

/// A value bound to SQL.
public enum SQLValue: Hashable, Sendable {
    /// No value.
    case null
    /// A whole number of 64 bits.
    case integer(Int64)
    /// A number with a fraction.
    case real(Double)
    /// A text.
    case text(String)
    /// Bytes.
    case blob([UInt8])

    /// Returns whether both are the same value. Texts are compared byte by byte, as a database does, and not by Unicode
    /// equivalence.
    public static func == (left: SQLValue, right: SQLValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let left), .integer(let right)): left == right
        case (.real(let left), .real(let right)): left == right
        case (.text(let left), .text(let right)): left.hasSameBytes(as: right)
        case (.blob(let left), .blob(let right)): left == right
        default: false
        }
    }

    /// Hashes the value. A text is hashed by its bytes.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .integer(let number): hasher.combine(number)
        case .real(let number): hasher.combine(number)
        case .text(let text): text.hashBytes(into: &hasher)
        case .blob(let bytes): hasher.combine(bytes)
        }
    }
}

extension SQLValue: CustomStringConvertible {
    /// The value as text for test reports: a text in quotes, a blob as its number of bytes.
    public var description: String {
        switch self {
        case .null: "NULL"
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        case .blob(let bytes): "\(bytes.count) bytes"
        }
    }
}

extension SQLValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
    ExpressibleByNilLiteral
{
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }

    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }

    /// A number with a fraction.
    public init(floatLiteral value: Double) { self = .real(value) }

    /// No value.
    public init(nilLiteral: ()) { self = .null }
}

/// A value that has a form in SQL.
public protocol SQLValueConvertible {
    /// The value that is bound in place of this one.
    var sqlValue: SQLValue { get }
}

extension Int64: SQLValueConvertible {
    /// The number.
    public var sqlValue: SQLValue { .integer(self) }
}

extension Int: SQLValueConvertible {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension UInt32: SQLValueConvertible {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Int32: SQLValueConvertible {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Bool: SQLValueConvertible {
    /// 1 or 0.
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
}

extension Double: SQLValueConvertible {
    /// The number.
    public var sqlValue: SQLValue { .real(self) }
}

extension String: SQLValueConvertible {
    /// The text.
    public var sqlValue: SQLValue { .text(self) }
}

extension [UInt8]: SQLValueConvertible {
    /// The bytes.
    public var sqlValue: SQLValue { .blob(self) }
}

extension Position: SQLValueConvertible {
    /// The number, or the largest 64-bit integer of SQL if it is larger.
    public var sqlValue: SQLValue { .integer(Int64(clamping: value)) }
}

extension Revision: SQLValueConvertible {
    /// The number, or the largest 64-bit integer of SQL if it is larger.
    public var sqlValue: SQLValue { .integer(Int64(clamping: value)) }
}

extension Timestamp: SQLValueConvertible {
    /// Microseconds since 1970.
    public var sqlValue: SQLValue { .integer(microsecondsSince1970) }
}

extension StreamID: SQLValueConvertible {
    /// The name as text.
    public var sqlValue: SQLValue { .text(text) }
}

extension EventTag: SQLValueConvertible {
    /// The name as text.
    public var sqlValue: SQLValue { .text(text) }
}

extension SQL {
    /// Returns the words of a statement in lower case, and its parentheses.
    ///
    /// - Parameter withQuoted: whether the contents of quotes belong to it.
    package static func words(of text: String, withQuoted: Bool) -> [String] {
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
            if !withQuoted, character == "'" || character == "\"" { quote = character }
            if character == "(" || character == ")" { words.append(String(character)) }
        }
        return words
    }
}
