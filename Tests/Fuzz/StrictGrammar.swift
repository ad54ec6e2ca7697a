/// The grammar of RFC 8259 and nothing else, as short as it can be: the judge when one reader looks at more than the
/// other.
struct StrictGrammar {
    private let text: [UInt8]
    private var index = 0

    /// Whether a text is one JSON value in UTF-8, every surrogate with its other half.
    static func accepts(_ text: [UInt8]) -> Bool {
        guard String(validating: text, as: UTF8.self) != nil else { return false }
        var grammar = StrictGrammar(text: text)
        return grammar.value() && grammar.index == text.count
    }

    private init(text: [UInt8]) { self.text = text }

    private var byte: UInt8 { index < text.count ? text[index] : 0 }

    private mutating func take(_ character: Character) -> Bool {
        guard index < text.count, text[index] == character.asciiValue else { return false }
        index += 1
        return true
    }

    private mutating func space() { while index < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 } }

    private mutating func value() -> Bool {
        space()
        defer { space() }
        switch byte {
        case UInt8(ascii: "{"):
            return list("{", "}") {
                $0.space(); return $0.string() && $0.colon() && $0.value()
            }
        case UInt8(ascii: "["): return list("[", "]") { $0.value() }
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func list(_ open: Character, _ close: Character, _ member: (inout Self) -> Bool) -> Bool {
        guard take(open) else { return false }
        space()
        if take(close) { return true }
        repeat { guard member(&self) else { return false } } while take(",")
        return take(close)
    }

    private mutating func colon() -> Bool {
        space()
        return take(":")
    }

    private mutating func word(_ word: String) -> Bool { word.allSatisfy { take($0) } }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        guard take("e") || take("E") else { return true }
        _ = take("+") || take("-")
        return digits()
    }

    private mutating func digits() -> Bool {
        let start = index
        while (0x30...0x39).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while index < text.count {
            if take("\"") { return true }
            guard byte >= 0x20 else { return false }
            guard take("\\") else {
                index += 1
                continue
            }
            guard let unit = escape() else { return false }
            if unit & 0xFC00 == 0xDC00 { return false }
            if unit & 0xFC00 == 0xD800 {
                guard take("\\"), let low = escape(), low & 0xFC00 == 0xDC00 else { return false }
            }
        }
        return false
    }

    /// The unit of an escape, 0 for the short ones; `nil` if it is none.
    private mutating func escape() -> UInt16? {
        defer { index += 1 }
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) ? 0 : nil }
        guard index + 4 < text.count else { return nil }
        defer { index += 4 }
        let digits = text[(index + 1)...(index + 4)]
        guard digits.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
