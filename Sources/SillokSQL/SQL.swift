public import SillokCore

/// A piece of SQL whose interpolated values are bound, never spliced into the text.
///
/// ```swift
/// let change: SQL = "UPDATE balances SET cents = cents + \(100) WHERE account = \("42")"
/// ```
/// The same literal serves SQLite and PostgreSQL: only the form of the placeholders differs.
public struct SQL: Hashable, Sendable, ExpressibleByStringInterpolation {
    /// The text between the values: one more than there are values.
    package private(set) var fragments: [String]

    /// The values, in the order in which they stand in the text.
    public private(set) var values: [SQLValue]

    /// SQL without values.
    public init(stringLiteral value: String) {
        fragments = [value]
        values = []
    }

    /// SQL with the values of an interpolation.
    public init(stringInterpolation: Interpolation) { self = stringInterpolation.sql }

    fileprivate init() {
        fragments = [""]
        values = []
    }

    /// The text with a placeholder for each value, numbered from 1.
    ///
    /// - Parameters:
    ///   - name: what stands for a name of a table or an index, quotes included; by default the name itself, quoted.
    ///   - index: what stands for the name of an index, where that differs.
    ///   - placeholder: what stands for the value of a number.
    public func text(
        name: (String) -> String = { SQL.quoted($0) }, index: ((String) -> String)? = nil, placeholder: (Int) -> String
    ) -> String {
        var text = fragments[0]
        for (number, fragment) in fragments.dropFirst().enumerated() { text += placeholder(number + 1) + fragment }
        guard text.utf8.contains(where: { $0 == 1 || $0 == 2 }) else { return text }
        var resolved = ""
        for (isName, isTable, part) in SQL.parts(of: text) {
            resolved += !isName ? part : isTable ? name(part) : index?(part) ?? name(part)
        }
        return resolved
    }

    /// The names of the tables that it speaks of by `\(table: …)`.
    public var tables: Set<String> {
        var tables: Set<String> = []
        for fragment in fragments {
            for (isName, isTable, part) in SQL.parts(of: fragment) where isName && isTable { tables.insert(part) }
        }
        return tables
    }

    /// A name as SQL writes it when it may hold anything: in double quotes.
    public static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// The text between the names, and the names: each stands between its mark and an end mark.
    private static func parts(of text: String) -> [(isName: Bool, isTable: Bool, text: String)] {
        var parts: [(Bool, Bool, String)] = []
        var rest = Substring(text).utf8
        while let start = rest.firstIndex(where: { $0 == 1 || $0 == 2 }) {
            parts.append((false, false, String(Substring(rest[..<start]))))
            let end = rest[start...].firstIndex(of: 3) ?? rest.endIndex
            parts.append((true, rest[start] == 1, String(Substring(rest[rest.index(after: start)..<end]))))
            rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
        }
        parts.append((false, false, String(Substring(rest))))
        return parts
    }

    fileprivate mutating func append(_ text: String) { fragments[fragments.count - 1] += text }

    fileprivate mutating func append(_ value: SQLValue) {
        values.append(value)
        fragments.append("")
    }

    fileprivate mutating func append(_ other: SQL) {
        append(other.fragments[0])
        for (value, fragment) in zip(other.values, other.fragments.dropFirst()) {
            append(value)
            append(fragment)
        }
    }

    /// Gathers the text and the values of a literal.
    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL()

        /// Starts with nothing.
        public init(literalCapacity: Int, interpolationCount: Int) {}

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
        /// Each build of a projection has tables of its own under names of its own; queries that belong to no projection
        /// say the plain name, and see the live build.
        public mutating func appendInterpolation(table name: String) { sql.append("\u{1}\(name)\u{3}") }

        /// Names an index of the projection that the SQL belongs to, as `table:` does.
        public mutating func appendInterpolation(index name: String) { sql.append("\u{2}\(name)\u{3}") }

        /// Inserts text as it is: for the names of tables and columns, which cannot be bound. Never for input.
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
}

extension SQLValue: CustomStringConvertible {
    /// The value as one reads it in a test's report: a text in quotes, the count of bytes of a blob.
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
    /// What is bound.
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
    /// The number, held at the largest that SQL knows.
    public var sqlValue: SQLValue { .integer(Int64(clamping: value)) }
}

extension Revision: SQLValueConvertible {
    /// The number, held at the largest that SQL knows.
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

extension Tag: SQLValueConvertible {
    /// The name as text.
    public var sqlValue: SQLValue { .text(text) }
}
