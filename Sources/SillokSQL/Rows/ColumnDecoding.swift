import SillokCore

/// Reads the value of one column.
struct ColumnDecoder: Decoder, SingleValueDecodingContainer {
    let column: String
    let value: SQLValue
    /// The type that the row is read as, for messages.
    let owner: String

    var codingPath: [any CodingKey] { [ColumnKey(column)] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        throw mismatch("a value with properties of its own")
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .blob(let bytes) = value else { throw mismatch("a list of bytes") }
        return BytesContainer(decoder: self, bytes: bytes)
    }

    func decodeNil() -> Bool { value == .null }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard let readable = type as? any SQLValueReadable.Type else { return try Value(from: self) }
        guard let read = readable.read(value) as? Value else { throw mismatch("\(Value.self)") }
        return read
    }

    func mismatch(_ expected: String) -> RowDecodingError {
        let found: String
        let advice: String
        switch value {
        case .null: (found, advice) = ("is NULL", " Make the property optional, or select no such rows.")
        case .integer(let number): (found, advice) = ("has the whole number \(number)", "")
        default: (found, advice) = ("has \(value.kind)", "")
        }
        return RowDecodingError(
            column: column, type: owner, reason: "column \"\(column)\" \(found), and \(expected) is expected.\(advice)")
    }
}

/// The name of a column as a key.
private struct ColumnKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

/// The bytes of a blob, for types such as `Data` that read them one by one.
private struct BytesContainer: UnkeyedDecodingContainer {
    let decoder: ColumnDecoder
    let bytes: [UInt8]
    var currentIndex = 0

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { bytes.count }
    var isAtEnd: Bool { currentIndex >= bytes.count }

    mutating func decodeNil() -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard !isAtEnd, let byte = bytes[currentIndex] as? Value else { throw decoder.mismatch("\(Value.self)") }
        currentIndex += 1
        return byte
    }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        throw decoder.mismatch("a value with properties of its own")
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw decoder.mismatch("a list of lists")
    }

    mutating func superDecoder() -> any Decoder { decoder }
}

/// A type whose values a column can have; the other direction of ``SQLValueConvertible``.
protocol SQLValueReadable {
    /// Returns the value of a column, or `nil` if the type has no such value.
    static func read(_ value: SQLValue) -> Self?
}

extension SQLValueReadable where Self: FixedWidthInteger {
    static func read(_ value: SQLValue) -> Self? { value.integer.flatMap { Self(exactly: $0) } }
}

extension Int: SQLValueReadable {}
extension Int8: SQLValueReadable {}
extension Int16: SQLValueReadable {}
extension Int32: SQLValueReadable {}
extension Int64: SQLValueReadable {}
extension UInt: SQLValueReadable {}
extension UInt8: SQLValueReadable {}
extension UInt16: SQLValueReadable {}
extension UInt32: SQLValueReadable {}
extension UInt64: SQLValueReadable {}

extension Bool: SQLValueReadable {
    static func read(_ value: SQLValue) -> Bool? {
        switch value {
        case .integer(0): false
        case .integer(1): true
        default: nil
        }
    }
}

extension Double: SQLValueReadable {
    static func read(_ value: SQLValue) -> Double? {
        switch value {
        case .real(let number): number
        case .integer(let number): Double(exactly: number)
        default: nil
        }
    }
}

extension Float: SQLValueReadable {
    static func read(_ value: SQLValue) -> Float? { Double.read(value).map { Float($0) } }
}

extension String: SQLValueReadable {
    static func read(_ value: SQLValue) -> String? { value.text }
}

extension [UInt8]: SQLValueReadable {
    static func read(_ value: SQLValue) -> [UInt8]? {
        if case .blob(let bytes) = value { bytes } else { nil }
    }
}

extension Position: SQLValueReadable {
    static func read(_ value: SQLValue) -> Position? { UInt64.read(value).map { Position($0) } }
}

extension Revision: SQLValueReadable {
    static func read(_ value: SQLValue) -> Revision? { UInt64.read(value).map { Revision($0) } }
}

extension Timestamp: SQLValueReadable {
    static func read(_ value: SQLValue) -> Timestamp? {
        value.integer.map { Timestamp(microsecondsSince1970: $0) }
    }
}
