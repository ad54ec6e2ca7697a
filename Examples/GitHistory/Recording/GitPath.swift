/// A path of git, which is bytes. In JSON it is a text from which the same bytes can be restored.
///
/// In that text characters are kept, a backslash is doubled, and a control character or a byte that is not
/// UTF-8 is written `\xHH` in lower case. Two paths are one if their bytes are: Unicode's equivalences do not count.
struct GitPath: Hashable, Sendable, Codable {
    /// The path as git prints it with `-z`.
    let bytes: [UInt8]

    init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// Reads a path from its text.
    init(text: String) { bytes = Self.unescape(Array(text.utf8)) }

    /// The path as a text.
    var text: String {
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        return String(decoding: isPlain ? bytes : Self.escape(bytes), as: UTF8.self)
    }

    init(from decoder: any Decoder) throws {
        self.init(text: try decoder.singleValueContainer().decode(String.self))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    private static func unescape(_ escaped: [UInt8]) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        guard escaped.contains(backslash) else { return escaped }
        var bytes: [UInt8] = []
        var rest = escaped[...]
        while let byte = rest.popFirst() {
            let code = rest.dropFirst().prefix(2)
            if byte == backslash, rest.first == UInt8(ascii: "x"),
                let value = UInt8(String(decoding: code, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte == backslash ? rest.popFirst() ?? byte : byte)
            }
        }
        return bytes
    }

    private static func escape(_ bytes: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        var rest = bytes[...]
        var parser = Unicode.UTF8.ForwardParser()
        while !rest.isEmpty {
            var iterator = rest.makeIterator()
            var length = 1
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar):
                length = scalar.count
                if isControl(Unicode.UTF8.decode(scalar)) {
                    rest.prefix(length).forEach { appendCode($0, to: &escaped) }
                } else {
                    escaped += rest.prefix(length)
                    if rest.first == UInt8(ascii: "\\") { escaped.append(UInt8(ascii: "\\")) }
                }
            case .error(let count):
                length = max(1, min(count, rest.count))
                rest.prefix(length).forEach { appendCode($0, to: &escaped) }
            case .emptyInput: return escaped
            }
            rest = rest.dropFirst(length)
            parser = Unicode.UTF8.ForwardParser()
        }
        return escaped
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    private static func appendCode(_ byte: UInt8, to escaped: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        escaped += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}

extension GitPath {
    /// The path as `git ls-tree` prints it: in quotes and with C's escapes if it has anything but plain ASCII.
    var quoted: [UInt8] {
        let quote = UInt8(ascii: "\"")
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != quote && $0 != UInt8(ascii: "\\") }
        if isPlain { return bytes }
        return [quote] + bytes.flatMap(Self.quote) + [quote]
    }

    private static func quote(_ byte: UInt8) -> [UInt8] {
        let letters: [UInt8: UInt8] = [
            0x07: UInt8(ascii: "a"), 0x08: UInt8(ascii: "b"), 0x09: UInt8(ascii: "t"), 0x0A: UInt8(ascii: "n"),
            0x0B: UInt8(ascii: "v"), 0x0C: UInt8(ascii: "f"), 0x0D: UInt8(ascii: "r"), 0x22: 0x22, 0x5C: 0x5C,
        ]
        if let letter = letters[byte] { return [0x5C, letter] }
        if byte >= 0x20 && byte < 0x7F { return [byte] }
        return [0x5C] + [6, 3, 0].map { UInt8(ascii: "0") + (byte >> $0 & 7) }
    }
}
