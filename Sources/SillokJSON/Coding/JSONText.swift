/// A JSON value that is coded as the bytes that it is: events that a writer has written, a number with some digits.
package struct JSONText: Codable, Sendable {
    package let bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package init(from decoder: any Decoder) throws {
        guard let place = decoder as? JSONValueDecoder else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "it is not JSON"))
        }
        bytes = Array(place.decoding.nodes[place.node].raw(in: place.decoding.bytes))
    }

    package func encode(to encoder: any Encoder) throws {
        guard let place = encoder as? JSONValueEncoder else {
            throw EncodingError.invalidValue(self, .init(codingPath: encoder.codingPath, debugDescription: "not JSON"))
        }
        place.encoding.open(.scalar, at: place.level)
        try place.encoding.write(nil, at: place.level) { place.encoding.writer.raw(bytes) }
    }
}
