/// Bytes that are not exactly one JSON value (RFC 8259), and where they stop being one.
package struct JSONSyntaxError: Error, Hashable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case unexpectedEnd
        case unexpectedByte(UInt8)
        case trailingBytes
        case badNumber
        case badEscape
        case loneSurrogate
        case controlCharacter
        case badUTF8
        case tooDeep(limit: Int)
        case repeatedKey
        case tooLarge
    }

    package let reason: Reason

    /// The byte, counted from 0.
    package let offset: Int

    package var description: String { "\(explanation) at byte \(offset)" }

    private var explanation: String {
        switch reason {
        case .unexpectedEnd: "the JSON ends too early,"
        case .unexpectedByte(let byte): "the JSON has an unexpected byte 0x\(String(byte, radix: 16))"
        case .trailingBytes: "more follows after the JSON value,"
        case .badNumber: "the JSON has a malformed number"
        case .badEscape: "the JSON has an unknown escape"
        case .loneSurrogate: "the JSON has half of a surrogate pair"
        case .controlCharacter: "the JSON has an unescaped control character"
        case .badUTF8: "the JSON is not UTF-8"
        case .tooDeep(let limit): "the JSON is nested deeper than \(limit) levels"
        case .repeatedKey: "an object of the JSON repeats a key"
        case .tooLarge: "the JSON is larger than 4 GiB,"
        }
    }
}
