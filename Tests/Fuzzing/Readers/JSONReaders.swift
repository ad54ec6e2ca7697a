import Sillok
import SillokWire

/// Reads JSON: by the index alone, as a value, and through `Decodable`.
enum JSONReaders {
    static func read(_ bytes: [UInt8]) throws(BrokenPromise) {
        let reader = try? JSONReader(bytes)
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
        guard let record = accepted({ try PlainCoding.decode(Record.self, from: bytes) }) else { return }
        let again = accepted { try PlainCoding.decode(Record.self, from: try PlainCoding.bytes(of: record)) }
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

    struct Nested: Codable, Equatable {
        var a: String
        var b: Float?
    }
}
