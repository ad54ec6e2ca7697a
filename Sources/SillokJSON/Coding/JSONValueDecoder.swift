/// The decoder that one value reads itself from.
struct JSONValueDecoder: Decoder {
    let decoding: JSONDecoding
    let node: Int

    var codingPath: [any CodingKey] { decoding.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard decoding.nodes[node].kind == .object else { throw decoding.mismatch([String: Any].self, at: node) }
        try decoding.refuseNamesOfOneMeaning(in: node)
        return KeyedDecodingContainer(JSONKeyedDecoder(decoding: decoding, node: node))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard decoding.nodes[node].kind == .array else { throw decoding.mismatch([Any].self, at: node) }
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
        decoding.nodes.children(of: node).compactMap { child in
            decoding.nodes[child].string(in: decoding.bytes).flatMap { Key(stringValue: $0) }
        }
    }

    func contains(_ key: Key) -> Bool { decoding.value(of: key.stringValue, in: node) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { decoding.nodes[try value(of: key)].kind == .null }

    // The most frequent types have methods of their own, which the compiler need not call through witness tables.

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let value = try value(of: key)
        guard let result = decoding.nodes[value].string(in: decoding.bytes) else { throw mismatch(type, value, key) }
        return result
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        let value = try value(of: key)
        guard let result: Int = decoding.nodes[value].integer(in: decoding.bytes) else {
            throw mismatch(type, value, key)
        }
        return result
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        let value = try value(of: key)
        guard let result: Double = decoding.nodes[value].floatingPoint(in: decoding.bytes) else {
            throw mismatch(type, value, key)
        }
        return result
    }

    func decode<Value: JSONScalar>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let value = try value(of: key)
        guard let result = type.read(decoding.nodes[value], in: decoding.bytes) else {
            throw mismatch(type, value, key)
        }
        return result
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
        guard let value = decoding.value(of: key.stringValue, in: node) else { throw decoding.missing(key) }
        return JSONValueDecoder(decoding: decoding, node: value)
    }

    @inline(__always)
    private func value(of key: Key) throws -> Int {
        if let value = decoding.value(of: key.stringValue, in: node) { return value }
        throw decoding.missing(key)
    }

    private func mismatch(_ type: any Any.Type, _ node: Int, _ key: Key) -> DecodingError {
        decoding.mismatch(type, at: node, under: key)
    }
}

struct JSONUnkeyedDecoder: UnkeyedDecodingContainer {
    let decoding: JSONDecoding
    let node: Int
    private let end: Int
    private var next: Int
    private(set) var currentIndex = 0

    init(decoding: JSONDecoding, node: Int) {
        self.decoding = decoding
        self.node = node
        next = node + 1
        end = Int(decoding.nodes[node].next)
    }

    var codingPath: [any CodingKey] { decoding.path }
    var count: Int? { Int(decoding.nodes[node].extra) }
    var isAtEnd: Bool { next >= end }

    mutating func decodeNil() throws -> Bool {
        guard decoding.nodes[try current(Never.self)].kind == .null else { return false }
        advance()
        return true
    }

    mutating func decode<Value: JSONScalar>(_ type: Value.Type) throws -> Value {
        let value = try current(type)
        guard let result = type.read(decoding.nodes[value], in: decoding.bytes) else {
            throw decoding.mismatch(type, at: value, under: key)
        }
        advance()
        return result
    }

    /// Reads an integer that needs no conformance of its own.
    mutating func decodeInteger<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        let value = try current(type)
        guard let result: Integer = decoding.nodes[value].integer(in: decoding.bytes) else {
            throw decoding.mismatch(type, at: value, under: key)
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

    private var key: JSONPathKey { .index(currentIndex) }

    private func decoder() throws -> JSONValueDecoder {
        JSONValueDecoder(decoding: decoding, node: try current((any Decoder).self))
    }

    @inline(__always)
    private func current(_ type: any Any.Type) throws -> Int {
        guard isAtEnd else { return next }
        let context = DecodingError.Context(
            codingPath: decoding.path, debugDescription: "the array ends after \(currentIndex) elements")
        throw DecodingError.valueNotFound(type, context)
    }

    private mutating func advance() {
        next = Int(decoding.nodes[next].next)
        currentIndex += 1
    }
}

struct JSONSingleValueDecoder: SingleValueDecodingContainer {
    let decoding: JSONDecoding
    let node: Int

    var codingPath: [any CodingKey] { decoding.path }

    func decodeNil() -> Bool { decoding.nodes[node].kind == .null }

    func decode<Value: JSONScalar>(_ type: Value.Type) throws -> Value {
        try decoding.decode(scalar: type, at: node)
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoding.decode(type, at: node)
    }
}
