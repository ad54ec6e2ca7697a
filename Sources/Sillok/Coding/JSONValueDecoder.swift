/// The decoder that one value reads itself from.
struct JSONValueDecoder: Decoder {
    let decoding: JSONDecoding
    let node: Int

    var codingPath: [any CodingKey] { decoding.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard decoding.reader.nodes[node].kind == .object else { throw decoding.mismatch([String: Any].self, at: node) }
        return KeyedDecodingContainer(JSONKeyedDecoder(decoding: decoding, node: node))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard decoding.reader.nodes[node].kind == .array else { throw decoding.mismatch([Any].self, at: node) }
        return JSONUnkeyedDecoder(decoding: decoding, node: node)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        JSONSingleValueDecoder(decoding: decoding, node: node)
    }
}

struct JSONKeyedDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoding: JSONDecoding
    let node: Int

    var codingPath: [any CodingKey] { decoding.path }

    var allKeys: [Key] {
        decoding.reader.children(of: node).compactMap { decoding.reader.string($0).flatMap { Key(stringValue: $0) } }
    }

    func contains(_ key: Key) -> Bool { decoding.value(of: key, in: node) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        decoding.reader.nodes[try value(of: key)].kind == .null
    }

    func decode<Value: JSONScalar>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let value = try value(of: key)
        if let result = type.read(value, of: decoding.reader) { return result }
        return try decoding.within(key) { throw decoding.mismatch(type, at: value) }
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let value = try value(of: key)
        return try decoding.within(key) { try decoding.decode(type, at: value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let inner = try superDecoder(for: key)
        return try decoding.within(key) { try inner.container(keyedBy: type) }
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        let inner = try superDecoder(for: key)
        return try decoding.within(key) { try inner.unkeyedContainer() }
    }

    func superDecoder() throws -> any Decoder { try superDecoder(for: JSONPathKey.superclass) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder(for: key) }

    private func superDecoder(for key: any CodingKey) throws -> JSONValueDecoder {
        JSONValueDecoder(decoding: decoding, node: try value(of: key))
    }

    @inline(__always)
    private func value(of key: any CodingKey) throws -> Int {
        if let value = decoding.value(of: key, in: node) { return value }
        throw DecodingError.keyNotFound(key, decoding.context("there is no key \"\(key.stringValue)\""))
    }
}

struct JSONUnkeyedDecoder: UnkeyedDecodingContainer {
    let decoding: JSONDecoding
    let node: Int
    private var next: Int
    private(set) var currentIndex = 0

    init(decoding: JSONDecoding, node: Int) {
        self.decoding = decoding
        self.node = node
        next = node + 1
    }

    var codingPath: [any CodingKey] { decoding.path }
    var count: Int? { Int(decoding.reader.nodes[node].extra) }
    var isAtEnd: Bool { next >= Int(decoding.reader.nodes[node].next) }

    mutating func decodeNil() throws -> Bool {
        let value = try current(Never.self)
        guard decoding.reader.nodes[value].kind == .null else { return false }
        advance()
        return true
    }

    mutating func decode<Value: JSONScalar>(_ type: Value.Type) throws -> Value {
        let value = try current(type)
        guard let result = type.read(value, of: decoding.reader) else {
            return try decoding.within(key) { throw decoding.mismatch(type, at: value) }
        }
        advance()
        return result
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try current(type)
        let result = try decoding.within(key) { try decoding.decode(type, at: value) }
        advance()
        return result
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try decoding.within(key) { try decoder().container(keyedBy: type) }
        advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try decoding.within(key) { try decoder().unkeyedContainer() }
        advance()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try decoder()
        advance()
        return decoder
    }

    private var key: JSONPathKey { JSONPathKey(index: currentIndex) }

    private func decoder() throws -> JSONValueDecoder {
        JSONValueDecoder(decoding: decoding, node: try current((any Decoder).self))
    }

    private func current(_ type: any Any.Type) throws -> Int {
        guard isAtEnd else { return next }
        throw DecodingError.valueNotFound(type, decoding.context("the array ends after \(currentIndex) elements"))
    }

    private mutating func advance() {
        next = Int(decoding.reader.nodes[next].next)
        currentIndex += 1
    }
}

struct JSONSingleValueDecoder: SingleValueDecodingContainer {
    let decoding: JSONDecoding
    let node: Int

    var codingPath: [any CodingKey] { decoding.path }

    func decodeNil() -> Bool { decoding.reader.nodes[node].kind == .null }

    func decode<Value: JSONScalar>(_ type: Value.Type) throws -> Value {
        try decoding.decode(scalar: type, at: node)
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoding.decode(type, at: node)
    }
}
