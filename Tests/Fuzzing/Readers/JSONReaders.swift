import Foundation
import Sillok
import SillokWire

/// Reads JSON: by the index alone, as a value, and through `Decodable`.
enum JSONReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        let reader = accepted { try JSONReader(bytes) }
        if let reader {
            walk(reader.root)
            let value = JSONValue(reader.root)
            let again = (try? JSONReader(value.bytes)).map { JSONValue($0.root) }
            try expectSame(value, again, "a JSON value")
        }
        let isRead = accepted { try PlainCoding.decode(AnyJSON.self, from: bytes) } != nil
        guard isRead == (reader != nil) else {
            throw BrokenPromise("the index \(reader == nil ? "refuses" : "accepts") what the decoder does not")
        }
        _ = accepted { try PlainCoding.decode(ByHand.self, from: bytes) }
        // What cannot be written, such as a date beyond the range of times, is refused; what would change is reported.
        guard let record = accepted({ try PlainCoding.decode(Record.self, from: bytes) }),
            let written = accepted({ try PlainCoding.encodeChecked(record) }), written.isKept
        else { return }
        let again = accepted { try PlainCoding.decode(Record.self, from: written.text) }
        try expectSame(record, again, "a record")
    }

    /// Asks every value for everything that it may be.
    private static func walk(_ value: JSONReader.Value) {
        _ = (value.raw.count, value.isNull, value.string, value.integer(as: Int64.self), value.integer(as: UInt8.self))
        for member in value.members ?? [] { walk(member.value) }
        for element in value.elements ?? [] { walk(element) }
    }
}

/// Any JSON, through `Decodable`, as a program reads it that does not know what comes.
private enum AnyJSON: Decodable {
    case leaf
    case list([AnyJSON])
    case object([String: AnyJSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() || (try? container.decode(Bool.self)) != nil
            || (try? container.decode(Int64.self)) != nil || (try? container.decode(Double.self)) != nil
            || (try? container.decode(String.self)) != nil
        {
            self = .leaf
        } else if let values = try? container.decode([AnyJSON].self) {
            self = .list(values)
        } else if let values = try? container.decode([String: AnyJSON].self) {
            self = .object(values)
        } else {
            // A number that no type of Swift can hold.
            self = .leaf
        }
    }
}

/// A payload with a field of each kind.
private struct Record: Codable, Equatable {
    var a: Int64
    var b: UInt8?
    var c: String?
    var d: [Int]?
    var e: [String: Bool]?
    var f: Nested?
    var g: Double?
    var h: Int?
    var i: Date?
    var j: Data?
    var k: URL?
    var l: Decimal?
    var m: Int128?
    var n: UInt128?
    var o: [UInt128]?

    struct Nested: Codable, Equatable {
        var a: String
        var b: Float?
    }
}

/// A type that reads itself through every kind of container.
private struct ByHand: Decodable {
    private enum Key: CodingKey { case list, object, parent, wide }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if container.contains(.parent) { _ = try Record(from: container.superDecoder(forKey: .parent)) }
        if container.contains(.wide) { _ = try container.decode([Int128].self, forKey: .wide) }
        if container.contains(.object) {
            let inner = try container.nestedContainer(keyedBy: Key.self, forKey: .object)
            _ = try inner.decodeIfPresent(Int.self, forKey: .wide)
        }
        guard container.contains(.list) else { return }
        var list = try container.nestedUnkeyedContainer(forKey: .list)
        while !list.isAtEnd {
            if try list.decodeNil() { continue }
            if (try? list.decode(Int64.self)) != nil || (try? list.decode(UInt8.self)) != nil { continue }
            if (try? list.decode(Int128.self)) != nil || (try? list.decode(String.self)) != nil { continue }
            if (try? list.nestedUnkeyedContainer()) != nil { continue }
            if (try? list.nestedContainer(keyedBy: Key.self)) != nil { continue }
            _ = try Record(from: list.superDecoder())
        }
        _ = accepted { try list.decode(Int.self) }
    }
}
