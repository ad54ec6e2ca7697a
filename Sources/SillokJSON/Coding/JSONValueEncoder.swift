/// The encoder that one value writes itself to.
struct JSONValueEncoder: Encoder {
    let encoding: JSONEncoding
    let level: Int

    var codingPath: [any CodingKey] { encoding.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        encoding.open(.object, at: level)
        return KeyedEncodingContainer(JSONKeyedEncoder(encoding: encoding, level: level))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        encoding.open(.array, at: level)
        return JSONUnkeyedEncoder(encoding: encoding, level: level)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        JSONSingleValueEncoder(encoding: encoding, level: level)
    }
}

struct JSONKeyedEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoding: JSONEncoding
    let level: Int

    var codingPath: [any CodingKey] { encoding.path }

    func encodeNil(forKey key: Key) throws {
        try encoding.write(key, at: level) { encoding.writer.null() }
    }

    // The most frequent types have methods of their own, which the compiler need not call through witness tables.

    func encode(_ value: String, forKey key: Key) throws {
        try encoding.member(key.stringValue, at: level) { $0.string(value) }
    }

    func encode(_ value: Int, forKey key: Key) throws {
        try encoding.member(key.stringValue, at: level) { $0.integer(value) }
    }

    func encode(_ value: Double, forKey key: Key) throws {
        guard value.isFinite else { return try encoding.write(key, at: level) { try encoding.encode(scalar: value) } }
        try encoding.member(key.stringValue, at: level) { _ = $0.floatingPoint(value) }
    }

    func encode<Value: JSONScalar>(_ value: Value, forKey key: Key) throws {
        try encoding.write(key, at: level) { try encoding.encode(scalar: value) }
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try encoding.write(key, at: level) { try encoding.encode(value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        superEncoder(for: key).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        superEncoder(for: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { superEncoder(for: JSONPathKey.superclass) }

    func superEncoder(forKey key: Key) -> any Encoder { superEncoder(for: key) }

    private func superEncoder(for key: any CodingKey) -> JSONValueEncoder {
        encoding.segmentEncoder(key, at: level)
    }
}

struct JSONUnkeyedEncoder: UnkeyedEncodingContainer {
    let encoding: JSONEncoding
    let level: Int

    var codingPath: [any CodingKey] { encoding.path }
    var count: Int { level < encoding.frames.count ? encoding.frames[level].count : 0 }

    func encodeNil() throws {
        try encoding.write(nil, at: level) { encoding.writer.null() }
    }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        try encoding.write(nil, at: level) { try encoding.encode(scalar: value) }
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        try encoding.write(JSONPathKey.index(count), at: level) { try encoding.encode(value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        nextEncoder().container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nextEncoder().unkeyedContainer() }

    func superEncoder() -> any Encoder { nextEncoder() }

    private func nextEncoder() -> JSONValueEncoder {
        encoding.segmentEncoder(JSONPathKey.index(count), at: level)
    }
}

struct JSONSingleValueEncoder: SingleValueEncodingContainer {
    let encoding: JSONEncoding
    let level: Int

    var codingPath: [any CodingKey] { encoding.path }

    func encodeNil() throws {
        encoding.open(.scalar, at: level)
        try encoding.write(nil, at: level) { encoding.writer.null() }
    }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        encoding.open(.scalar, at: level)
        try encoding.write(nil, at: level) { try encoding.encode(scalar: value) }
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        encoding.open(.scalar, at: level)
        try encoding.write(nil, at: level) { try encoding.encode(value) }
    }
}

extension JSONEncoding {
    /// An encoder for the value of a key, or for the next element, that may be used until the container's value ends.
    fileprivate func segmentEncoder(_ key: any CodingKey, at level: Int) -> JSONValueEncoder {
        var inner = JSONEncoding()
        do {
            try write(key, at: level) { inner = segment(at: level) }
        } catch {
            misuse("a container was written while another one was open")
        }
        return JSONValueEncoder(encoding: inner, level: 0)
    }
}
