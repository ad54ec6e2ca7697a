import SillokCore

/// Removes the outer layer of an enum: the key of its case becomes the name, and the nested value the payload.
///
/// The `Codable` that Swift synthesizes for an enum writes `{"deposited":{"amount":100}}`. This outer container writes
/// nothing and remembers the key; the nested one is the whole text.
package struct CaseEncoder: Encoder {
    package struct NotAnEnum: Error {}

    package final class Result {
        package var name: String?
        package var isMisused = false
    }

    let encoding = JSONEncoding()
    package let result = Result()

    package init() {}

    package var codingPath: [any CodingKey] { [] }
    package var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Whether a reader of the payload is known to decode equal values, because all of them are scalars that are kept.
    package var isExact: Bool { !encoding.hasOwnCoding && !encoding.hasChangedValue }

    /// Closes the payload.
    ///
    /// - Returns: its JSON text.
    package func finish() throws -> [UInt8] { try encoding.finish() }

    package func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(CaseContainer(encoder: self))
    }

    package func unkeyedContainer() -> any UnkeyedEncodingContainer {
        result.isMisused = true
        return discarded.unkeyedContainer()
    }

    package func singleValueContainer() -> any SingleValueEncodingContainer {
        result.isMisused = true
        return discarded.singleValueContainer()
    }

    /// Where a type writes to that is not an enum.
    private var discarded: JSONValueEncoder { JSONValueEncoder(encoding: JSONEncoding(), level: 0) }

    private struct CaseContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: CaseEncoder

        var codingPath: [any CodingKey] { [] }

        func encodeNil(forKey key: Key) throws { throw NotAnEnum() }

        func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { throw NotAnEnum() }

        func nestedContainer<NestedKey: CodingKey>(
            keyedBy keyType: NestedKey.Type, forKey key: Key
        ) -> KeyedEncodingContainer<NestedKey> {
            if encoder.result.name != nil { encoder.result.isMisused = true }
            encoder.result.name = key.stringValue
            return JSONValueEncoder(encoding: encoder.encoding, level: 0).container(keyedBy: keyType)
        }

        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }

        func superEncoder() -> any Encoder { misusedEncoder() }

        func superEncoder(forKey key: Key) -> any Encoder { misusedEncoder() }

        private func misusedEncoder() -> any Encoder {
            encoder.result.isMisused = true
            return encoder.discarded
        }
    }
}

/// Puts the first layer of an enum back on: answers the one key of the case, and the whole text as what is nested
/// under it.
package struct CaseDecoder: Decoder {
    package struct NotAnEnum: Error {}
    package struct NoSuchCase: Error {}

    let decoding: JSONDecoding
    let name: String

    /// Reads the payload of a case.
    ///
    /// - Throws: `JSONSyntaxError`, if the payload is not one JSON value.
    package init(_ payload: [UInt8], name: String) throws(JSONSyntaxError) {
        decoding = JSONDecoding(try JSONReader(payload))
        self.name = name
    }

    package var codingPath: [any CodingKey] { [] }
    package var userInfo: [CodingUserInfoKey: Any] { [:] }

    package func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let key = Key(stringValue: name), key.stringValue.hasSameBytes(as: name) else { throw NoSuchCase() }
        return KeyedDecodingContainer(CaseContainer(decoding: decoding, key: key))
    }

    package func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw NotAnEnum() }

    package func singleValueContainer() throws -> any SingleValueDecodingContainer { throw NotAnEnum() }

    private struct CaseContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoding: JSONDecoding
        let key: Key

        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [key] }

        func contains(_ key: Key) -> Bool { key.stringValue == self.key.stringValue }

        func decodeNil(forKey key: Key) throws -> Bool { throw NotAnEnum() }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { throw NotAnEnum() }

        func nestedContainer<NestedKey: CodingKey>(
            keyedBy type: NestedKey.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<NestedKey> {
            try JSONValueDecoder(decoding: decoding, node: 0).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw NotAnEnum() }

        func superDecoder() throws -> any Decoder { throw NotAnEnum() }

        func superDecoder(forKey key: Key) throws -> any Decoder { throw NotAnEnum() }
    }
}
