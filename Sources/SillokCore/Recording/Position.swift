/// A place in the whole store, counted from 1 without gaps; 0 is before the first event.
public struct Position: Hashable, Comparable, Sendable, Codable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The count of events up to and with this one.
    public let value: UInt64

    /// The place that `value` counts to.
    @inlinable public init(_ value: UInt64) { self.value = value }

    /// The place that a literal counts to.
    public init(integerLiteral value: UInt64) { self.value = value }

    /// Before the first event: where a new reader starts, and the head of an empty store.
    public static let start = Position(0)

    /// One further, or itself at the end of the number range.
    public var next: Position { Position(value == .max ? .max : value + 1) }

    /// One back, or itself at the start.
    public var previous: Position { Position(value == 0 ? 0 : value - 1) }

    /// Orders places as the log does.
    public static func < (left: Position, right: Position) -> Bool { left.value < right.value }

    /// The number.
    public var description: String { String(value) }

    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// A place in one stream, counted from 1 without gaps; 0 says that the stream has no events.
public struct Revision: Hashable, Comparable, Sendable, Codable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The count of the stream's events up to and with this one.
    public let value: UInt64

    /// The place that `value` counts to.
    @inlinable public init(_ value: UInt64) { self.value = value }

    /// The place that a literal counts to.
    public init(integerLiteral value: UInt64) { self.value = value }

    /// The stream has no events.
    public static let none = Revision(0)

    /// One further, or itself at the end of the number range.
    public var next: Revision { Revision(value == .max ? .max : value + 1) }

    /// Orders places as the stream does.
    public static func < (left: Revision, right: Revision) -> Bool { left.value < right.value }

    /// The number.
    public var description: String { String(value) }

    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
