/// Values as JSON text, in the coding of events.
package enum PlainCoding {
    /// The text of a value.
    package static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try bytes(of: value), as: UTF8.self)
    }

    /// The text of a value, and whether no value in it is one that a reader decodes as another one.
    package static func encodeChecked(_ value: some Encodable) throws -> (text: String, isKept: Bool) {
        let encoding = JSONEncoding()
        try value.encode(to: JSONValueEncoder(encoding: encoding, level: 0))
        let bytes = try encoding.finish()
        return (String(decoding: bytes, as: UTF8.self), !encoding.hasChangedValue)
    }

    /// The value of a text.
    package static func decode<Value: Decodable>(_ type: Value.Type, from text: String) throws -> Value {
        try decode(type, from: Array(text.utf8))
    }

    /// The bytes of the text of a value.
    package static func bytes(of value: some Encodable) throws -> [UInt8] {
        let encoding = JSONEncoding()
        try value.encode(to: JSONValueEncoder(encoding: encoding, level: 0))
        return try encoding.finish()
    }

    /// The value of the bytes of a text.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoding(JSONReader(bytes)).decode(type, at: 0)
    }

    /// The value of a place in a text.
    package static func decode<Value: Decodable>(_ type: Value.Type, from value: JSONReader.Value) throws -> Value {
        try JSONDecoding(value.reader).decode(type, at: value.node)
    }
}
