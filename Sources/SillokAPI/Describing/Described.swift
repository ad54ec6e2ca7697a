import SillokCloudEvents
import SillokCore
package import SillokJSON

/// A type whose values are JSON of one form, and the JSON schema of that form.
package protocol Described: Codable, Sendable {
    /// Returns the schema. A named one is added to the components, and the result refers to it.
    static func schema(in components: inout SchemaComponents) -> JSONValue

    /// Returns any value. A structure that contains one is decoded with it, which shows the structure's members.
    static func example() throws -> Self
}

/// A JSON object with fixed members, as requests and answers are. Its schema is derived from its `Decodable`
/// conformance: a member that it decodes only if it is present is not required.
package protocol Message: Described {
    /// Keywords to add to the schemas of members, such as `maxItems`.
    static var keywords: [String: JSONObject] { get }
}

extension Message {
    package static var keywords: [String: JSONObject] { [:] }

    package static func schema(in components: inout SchemaComponents) -> JSONValue {
        components.reference("\(Self.self)") { components in
            let decoder = MemberDecoder(components)
            defer { components = decoder.components }
            do {
                _ = try Self(from: decoder)
            } catch {
                decoder.components.mistakes.append("\(Self.self) cannot be decoded from examples: \(error)")
            }
            var properties = decoder.members
            for (name, keywords) in keywords {
                guard var property = properties[name]?.object else {
                    decoder.components.mistakes.append("\(Self.self) has no member \"\(name)\"")
                    continue
                }
                for keyword in keywords.members { property[keyword.name] = keyword.value }
                properties[name] = .object(property)
            }
            let names = properties.members.map(\.name).filter { !decoder.optional.contains($0) }
            let required: JSONValue? = names.isEmpty ? nil : .array(names.map { .string($0) })
            return [
                "type": "object", "properties": .object(properties), "required": required,
                "additionalProperties": false,
            ]
        }
    }

    package static func example() throws -> Self { try Self(from: MemberDecoder(SchemaComponents())) }

    /// Decodes a body.
    ///
    /// - Throws: `InvalidLine` if it is not JSON of the described form. Other members and `null` are refused.
    package static func read(_ body: [UInt8]) throws -> Self { try read(CloudEvent.value(of: body), "the request") }

    /// Decodes a value, which messages call `what`.
    package static func read(_ value: JSONReader.Value, _ what: String) throws -> Self {
        let (schema, components) = SchemaComponents.known(Self.self)
        try components.check(value, schema, what)
        return try InvalidLine.naming("", Self.self, value)
    }
}

/// The named schemas of a document.
package struct SchemaComponents: Sendable {
    /// The schemas by their names.
    package private(set) var schemas: [String: JSONValue] = [:]
    /// What is wrong with the types. A test expects that there is nothing.
    package fileprivate(set) var mistakes: [String] = []

    package init() {}

    /// Returns a reference to a named schema, which `make` returns if it is not known yet.
    package mutating func reference(_ name: String, _ make: (inout SchemaComponents) -> JSONValue) -> JSONValue {
        if schemas[name] == nil {
            schemas[name] = .object([:])
            schemas[name] = make(&self)
        }
        return ["$ref": .string(Self.prefix + name)]
    }

    private static let prefix = "#/components/schemas/"
    private static let cache = Lock([ObjectIdentifier: (schema: JSONValue, components: SchemaComponents)]())

    /// Returns the schema of a type, which is derived once.
    fileprivate static func known(_ type: any Message.Type) -> (schema: JSONValue, components: SchemaComponents) {
        cache.withLock { cache in
            if let known = cache[ObjectIdentifier(type)] { return known }
            var components = SchemaComponents()
            let known = (type.schema(in: &components), components)
            cache[ObjectIdentifier(type)] = known
            return known
        }
    }

    /// Throws `InvalidLine` if an object has a member that its schema does not have, or one that is `null`.
    fileprivate func check(_ value: JSONReader.Value, _ schema: JSONValue, _ what: String) throws {
        guard let schema = resolved(schema).object else { return }
        if let items = schema["items"] {
            for element in value.elements ?? [] { try check(element, items, "an element of \(what)") }
        }
        let properties = schema["properties"]?.object
        guard let members = value.members, properties != nil || schema["additionalProperties"]?.object != nil else {
            if properties != nil { throw InvalidLine("\(what) is not a JSON object") }
            return
        }
        for (key, member) in members {
            guard let property = properties?[key] ?? schema["additionalProperties"], property.bool == nil else {
                throw InvalidLine("\(what) has no \"\(key)\"")
            }
            if member.isNull { throw InvalidLine("\"\(key)\" is null; leave it out") }
            try check(member, property, "\"\(key)\"")
        }
    }

    private func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema.object?["$ref"]?.string else { return schema }
        return schemas[String(reference.dropFirst(Self.prefix.count))] ?? schema
    }
}

/// Decodes a structure from examples, and notes the members that it asks for.
private final class MemberDecoder: Decoder {
    var components: SchemaComponents
    var members = JSONObject()
    /// Members that were asked for only if they are present.
    var optional: Set<String> = []

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ components: SchemaComponents) { self.components = components }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(MemberContainer(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw NotDescribed(type: "an array") }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw NotDescribed(type: "a value") }
}

private struct MemberContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: MemberDecoder

    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool {
        decoder.optional.insert(key.stringValue)
        return true
    }

    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let (schema, value) = try decoder.components.form(of: type)
        guard let example = value as? Value else { throw NotDescribed(type: "\(type)") }
        decoder.members[key.stringValue] = schema
        return example
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { throw NotDescribed(type: "a container") }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw NotDescribed(type: "a container")
    }

    func superDecoder() throws -> any Decoder { throw NotDescribed(type: "a superclass") }

    func superDecoder(forKey key: Key) throws -> any Decoder { throw NotDescribed(type: "a superclass") }
}

extension InvalidLine {
    /// Decodes the value of a member, which an error names.
    static func naming<Value: Decodable>(_ name: String, _ type: Value.Type, _ value: JSONReader.Value) throws -> Value
    {
        do {
            return try PlainCoding.decode(type, from: value)
        } catch let error as DecodingError {
            throw InvalidLine(error, in: name)
        }
    }

    /// Says why JSON is not of the form that a type has.
    private init(_ error: DecodingError, in name: String) {
        switch error {
        case .keyNotFound(let key, _): self.init("\"\(key.stringValue)\" is missing")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let path = ((name.isEmpty ? [] : [name]) + context.codingPath.map(\.stringValue)).joined(separator: ".")
            let reason = context.debugDescription
            self.init(path.isEmpty ? reason : "\"\(path)\"\(reason.hasPrefix("is ") ? "" : ":") \(reason)")
        @unknown default: self.init("\(error)")
        }
    }
}
