/// A place in the whole store, counted from 1 without gaps; 0 is the place before the first event.
public struct Position: Hashable, Comparable, Sendable, Codable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number of events up to and including this one.
    public let value: UInt64

    /// Creates a position from the number of events up to it.
    @inlinable public init(_ value: UInt64) { self.value = value }

    /// Creates a position from a literal.
    public init(integerLiteral value: UInt64) { self.value = value }

    /// Before the first event: where a new reader starts, and the head of an empty store.
    public static let start = Position(0)

    /// The position after this one, or the same at the end of the number range.
    @inlinable public var next: Position { Position(value == .max ? .max : value + 1) }

    /// The position before this one, or the same at the start.
    @inlinable public var previous: Position { Position(value == 0 ? 0 : value - 1) }

    /// Orders positions as in the log.
    @inlinable public static func < (left: Position, right: Position) -> Bool { left.value < right.value }

    /// The number.
    public var description: String { String(value) }

    /// Decodes a plain number.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Encodes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// A place in one stream, counted from 1 without gaps; 0 means that the stream has no events.
public struct Revision: Hashable, Comparable, Sendable, Codable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number of the stream's events up to and including this one.
    public let value: UInt64

    /// Creates a revision from the number of events up to it.
    @inlinable public init(_ value: UInt64) { self.value = value }

    /// Creates a revision from a literal.
    public init(integerLiteral value: UInt64) { self.value = value }

    /// The revision of a stream without events.
    public static let none = Revision(0)

    /// The revision after this one, or the same at the end of the number range.
    @inlinable public var next: Revision { Revision(value == .max ? .max : value + 1) }

    /// Orders revisions as in the stream.
    @inlinable public static func < (left: Revision, right: Revision) -> Bool { left.value < right.value }

    /// The number.
    public var description: String { String(value) }

    /// Decodes a plain number.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Encodes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
