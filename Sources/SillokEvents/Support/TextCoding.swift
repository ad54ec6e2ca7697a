extension Decoder {
    /// Decodes a value that is stored as its text.
    ///
    /// - Parameter form: what the text must be, for the error: `a UUID`.
    func valueOfText<Value: LosslessStringConvertible>(_ form: String) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        if let value = Value(text) { return value }
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not \(form)")
    }
}

extension Encoder {
    /// Encodes a value as a text.
    func encodeText(_ text: String) throws {
        var container = singleValueContainer()
        try container.encode(text)
    }
}
