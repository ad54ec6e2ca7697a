/// A name in the log: compared, ordered and hashed by its UTF-8 bytes, never by Unicode equivalence.
///
/// Swift's `String` treats `"é"` and `"e\u{301}"` as equal; a database does not. A name that compares by bytes means
/// the same in memory, on disk and over the wire. A name can hold any text. `Limits` decides what may be stored, when
/// the name is used: a bad name causes an `InvalidRequest` and never a crash.
public protocol Name: Hashable, Comparable, Sendable, Codable, CustomStringConvertible,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation
where StringLiteralType == String {
    /// The name as it was given.
    var text: String { get }

    /// Creates a name with exactly this text.
    init(_ text: String)
}

extension Name {
    /// The name as it was given.
    public var description: String { text }

    /// Creates a name with exactly the text of a literal.
    public init(stringLiteral value: String) { self.init(value) }

    /// Reads the name from a single string value.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the name as a single string value.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(text) }

    /// Returns whether two names have the same bytes.
    @inlinable public static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

    /// Orders names by their bytes.
    @inlinable public static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Hashes the bytes of the name.
    @inlinable public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
