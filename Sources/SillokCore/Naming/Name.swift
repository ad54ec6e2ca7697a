/// A name in the log: compared, ordered and hashed by its UTF-8 bytes, never by Unicode equivalence.
///
/// Swift's `String` calls `"é"` and `"e\u{301}"` equal; a database does not. A name that compares by bytes means
/// the same thing in memory, on disk and over the wire. Any text can be held; what may be *stored* is decided by
/// ``Limits`` when it is used, so that a bad name ends in an ``InvalidRequest`` and never in a crash.
public protocol Name: Hashable, Comparable, Sendable, Codable, CustomStringConvertible,
    ExpressibleByStringLiteral, ExpressibleByStringInterpolation
where StringLiteralType == String {
    /// The name as it was given.
    var text: String { get }

    /// Holds `text` as it is.
    init(_ text: String)
}

extension Name {
    /// The name as it was given.
    public var description: String { text }

    /// Holds a literal as it is.
    public init(stringLiteral value: String) { self.init(value) }

    /// Reads the name from a single string value.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the name as a single string value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    /// Whether two names are the same bytes.
    public static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

    /// Orders names by their bytes.
    public static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    /// Hashes the bytes of the name.
    public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
