#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SillokCore

/// A value that is one JSON string, number or word, and needs no container of its own.
protocol JSONScalar: Codable {
    /// Writes the value; `false`, and nothing, if JSON cannot hold it.
    func write(into writer: inout JSONWriter) -> Bool

    /// Reads the value of a node; `nil` if it is of another kind or out of range.
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Self?

    /// Whether a reader of what was written gets an equal value.
    var isKept: Bool { get }
}

extension JSONScalar {
    var isKept: Bool { true }
}

/// Whether values of a type are written as scalars although they come through a generic door, as the elements of an
/// array do. The others of them may take the longer way through a container.
@inline(__always)
func isScalar(_ type: Any.Type) -> Bool {
    type == String.self || type == Int.self || type == Double.self || type == Bool.self || type == Int64.self
        || type == UInt64.self || type == Date.self || type == Data.self || type == URL.self || type == Decimal.self
        || type == JSONFragment.self
}

extension Bool: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.bool(self)
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Bool? { node.bool }
}

extension String: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.string(self)
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> String? { node.string(in: bytes) }
}

extension FixedWidthInteger {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.integer(self)
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Self? { node.integer(in: bytes) }
}

extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}

extension Double: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool { writer.floatingPoint(self) }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Double? { node.floatingPoint(in: bytes) }
}

extension Float: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool { writer.floatingPoint(self) }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Float? { node.floatingPoint(in: bytes) }
}

/// RFC 3339 with microseconds, for the years 0000 to 9999.
extension Date: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        guard let moment, Timestamp(moment.description) == moment else { return false }
        writer.string(moment.description)
        return true
    }

    var isKept: Bool { moment.map { Date($0) } == self }

    private var moment: Timestamp? {
        Int64(exactly: (timeIntervalSince1970 * 1_000_000).rounded()).map { Timestamp(microsecondsSince1970: $0) }
    }

    private init(_ moment: Timestamp) {
        self.init(timeIntervalSince1970: Double(moment.microsecondsSince1970) / 1_000_000)
    }

    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Date? {
        node.string(in: bytes).flatMap { Timestamp($0) }.map { Date($0) }
    }
}

/// Base 64.
extension Data: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.string(base64EncodedString())
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Data? {
        node.string(in: bytes).flatMap { Data(base64Encoded: $0) }
    }
}

extension URL: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.string(absoluteString)
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> URL? {
        node.string(in: bytes).flatMap { URL(string: $0) }
    }
    var isKept: Bool { URL(string: absoluteString) == self }
}

/// A JSON number with all of its digits.
extension Decimal: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        guard isFinite else { return false }
        writer.raw(description.utf8)
        return true
    }
    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> Decimal? {
        node.numberText(in: bytes).flatMap { Decimal(string: $0) }
    }
    var isKept: Bool { Decimal(string: description) == self }
}

/// A JSON value inside a value that is coded: it is written as the JSON that it is, and read without a type.
///
/// A reader that does not know the type of the value can keep it, and write it again. Coders other than the one of
/// this target see it as a string.
package struct JSONFragment: Hashable, Sendable, CustomStringConvertible {
    /// The value.
    package let value: JSONValue

    package init(_ value: JSONValue) { self.value = value }

    /// Encodes a value in the coding of events.
    package init(of value: some Encodable) throws {
        self.value = JSONValue(try JSONReader(PlainCoding.bytes(of: value)).root)
    }

    /// Decodes the value as a type.
    package func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        try PlainCoding.decode(type, from: value.bytes)
    }

    /// The name of the only member of an object: the name of the case, if the value is an enum.
    package var caseName: String? {
        guard let members = value.object?.members, members.count == 1 else { return nil }
        return members[0].name
    }

    /// The JSON text.
    package var description: String { value.description }
}

extension JSONFragment: JSONScalar {
    func write(into writer: inout JSONWriter) -> Bool {
        writer.write(value)
        return true
    }

    static func read(_ node: JSONIndexer.Node, in bytes: [UInt8]) -> JSONFragment? {
        (try? JSONReader(Array(node.raw(in: bytes)))).map { JSONFragment(JSONValue($0.root)) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = JSONValue(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "the text is not JSON")
        }
        self.init(value)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
