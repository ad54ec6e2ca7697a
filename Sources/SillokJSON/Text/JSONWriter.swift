/// Writes JSON into one growing buffer.
///
/// Commas set themselves: a value stands after another one exactly if the byte before it is not an opening bracket, a
/// colon or the end of a line.
package struct JSONWriter: Sendable {
    /// What is written so far.
    package var bytes: [UInt8] = []

    /// Starts with nothing.
    package init() {}

    /// Opens an object.
    package mutating func beginObject() { put(UInt8(ascii: "{")) }

    /// Closes the object.
    package mutating func endObject() { bytes.append(UInt8(ascii: "}")) }

    /// Opens an array.
    package mutating func beginArray() { put(UInt8(ascii: "[")) }

    /// Closes the array.
    package mutating func endArray() { bytes.append(UInt8(ascii: "]")) }

    /// Ends a line; the next value starts a new text.
    package mutating func endLine() { bytes.append(0x0A) }

    /// Writes the key of the value that follows.
    package mutating func key(_ key: String) {
        string(key)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Writes the key of the value that follows: one from the code, which seldom needs an escape.
    mutating func key(_ key: StaticString) {
        put(UInt8(ascii: "\""))
        key.withUTF8Buffer { appendEscaped($0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// Writes a string.
    package mutating func string(_ text: String) {
        put(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { appendEscaped($0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes an integer.
    package mutating func integer(_ value: some FixedWidthInteger) { digits(of: value) }

    /// Writes an integer. Not generic, so that other modules call specialized code.
    package mutating func integer(_ value: Int) { digits(of: value) }

    /// Writes an integer. Not generic, so that other modules call specialized code.
    package mutating func integer(_ value: UInt64) { digits(of: value) }

    @inline(__always)
    private mutating func digits(of value: some FixedWidthInteger) {
        separate()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Writes the shortest text that reads back as the same number; `false`, and nothing, for one that is not finite.
    package mutating func floatingPoint(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> Bool {
        guard value.isFinite else { return false }
        raw(value.description.utf8)
        return true
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) { raw((value ? "true" : "false").utf8) }

    /// Writes `null`.
    package mutating func null() { raw("null".utf8) }

    /// Writes a value that is JSON already.
    package mutating func raw(_ value: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    /// Writes a value that is JSON already. Not generic, so that other modules call specialized code.
    package mutating func raw(_ value: [UInt8]) {
        separate()
        bytes.append(contentsOf: value)
    }

    /// A string as JSON, with its quotes.
    package static func escaped(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(text)
        return writer.bytes
    }

    private mutating func put(_ byte: UInt8) {
        separate()
        bytes.append(byte)
    }

    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), 0x0A: return
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for (index, byte) in text.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            bytes.append(contentsOf: text[start..<index])
            appendEscape(byte)
            start = index + 1
        }
        bytes.append(contentsOf: text[start...])
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case ..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            bytes += [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")]
            bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: bytes.append(byte)
        }
    }
}
