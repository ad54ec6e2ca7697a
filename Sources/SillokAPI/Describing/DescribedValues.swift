import SillokCloudEvents
import SillokCore
package import SillokJSON

extension SchemaComponents {
    /// Returns the schema of a type and one of its values.
    mutating func form(of type: Any.Type) throws -> (schema: JSONValue, example: Any) {
        switch type {
        case let type as any Described.Type: (type.schema(in: &self), try type.example())
        case is String.Type: (["type": "string"], "")
        case is Bool.Type: (["type": "boolean"], false)
        case is Int.Type: (["type": "integer", "minimum": 0], 0)
        case is UInt64.Type: (["type": "integer", "minimum": 0], UInt64(0))
        case is Position.Type: (PlaceNumber.form, Position.start)
        case is Revision.Type: (PlaceNumber.form, Revision.none)
        case is Timestamp.Type: (["type": "string", "format": "date-time"], Timestamp(microsecondsSince1970: 0))
        case is EventID.Type: (["type": "string", "format": "uuid"], EventID(high: 0, low: 0))
        case let type as any Name.Type: (Self.name(of: type), type.init(""))
        case let type as any List.Type: (["type": "array", "items": try form(of: type.element).schema], type.init())
        default: throw NotDescribed(type: "\(type)")
        }
    }

    /// Returns the schema of a name, of which a request can have at most as many bytes.
    static func name(of type: any Name.Type) -> JSONValue {
        let isOfStreams = type is StreamID.Type || type is StreamCategory.Type
        return ["type": "string", "minLength": 1, "maxLength": isOfStreams ? 512 : 256]
    }
}

/// An array of any type.
private protocol List {
    static var element: Any.Type { get }
    init()
}

extension Array: List {
    fileprivate static var element: Any.Type { Element.self }
}

/// A type has no schema.
struct NotDescribed: Error {
    let type: String
}

/// Any JSON.
extension JSONText: Described {
    package static func schema(in components: inout SchemaComponents) -> JSONValue { [:] }
    package static func example() -> JSONText { JSONText(Array("null".utf8)) }
}

/// A number with a fraction; `null` for one that JSON does not have.
package struct Measure: Described {
    package let value: Double

    package init(_ value: Double) { self.value = value }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        value = try container.decodeNil() ? .nan : container.decode(Double.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if value.isFinite { try container.encode(value) } else { try container.encodeNil() }
    }

    package static func schema(in components: inout SchemaComponents) -> JSONValue { ["type": ["number", "null"]] }
    package static func example() -> Measure { Measure(0) }
}

/// A position, or a revision, of a request: a whole number below 2^63.
package struct PlaceNumber: Described {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = try? container.decode(UInt64.self), value < 1 << 63 else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "is not a whole number below 2^63")
        }
        self.value = value
    }

    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }

    package static let form: JSONValue = ["type": "integer", "minimum": 0, "maximum": 9_223_372_036_854_775_807]
    package static func schema(in components: inout SchemaComponents) -> JSONValue { form }
    package static func example() -> PlaceNumber { PlaceNumber(0) }
}

/// Members of any names, with values of one type, in order.
package struct Members<Value: Codable & Sendable>: Described {
    package let entries: [(name: String, value: Value)]

    package init(_ entries: [(name: String, value: Value)]) { self.entries = entries }

    /// Names that are equal to Swift, such as é as one character and as two, are different names here.
    package init(from decoder: any Decoder) throws {
        guard let members = try JSONReader(JSONText(from: decoder).bytes).root.members else {
            throw DecodingError.typeMismatch(
                [String: Value].self, .init(codingPath: decoder.codingPath, debugDescription: "is not an object"))
        }
        self.init(try members.map { ($0.key, try InvalidLine.naming($0.key, Value.self, $0.value)) })
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: JSONPathKey.self)
        for (name, value) in entries { try container.encode(value, forKey: .named(name)) }
    }

    package static func schema(in components: inout SchemaComponents) -> JSONValue {
        ["type": "object", "additionalProperties": (try? components.form(of: Value.self).schema) ?? [:]]
    }
    package static func example() -> Members { Members([]) }
}
