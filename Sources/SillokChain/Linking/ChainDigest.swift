/// 32 bytes of SHA-256, printed as 64 hexadecimal digits.
public struct ChainDigest: Hashable, Sendable, LosslessStringConvertible {
    /// The bytes in four words, the first byte highest.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// How many bytes a digest has.
    public static let byteCount = 32

    /// Takes 32 bytes; `nil` for any other number of them.
    public init?(_ bytes: [UInt8]) {
        guard let digest = bytes.withUnsafeBytes({ ChainDigest($0) }) else { return nil }
        self = digest
    }

    /// Takes 32 bytes from where they are; `nil` for any other number of them.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(exactly: bytes)
    }

    /// Takes the first 32 bytes of what has no fewer.
    init(exactly bytes: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        words = (word(0), word(1), word(2), word(3))
    }

    /// Reads 64 hexadecimal digits, small or capital; `nil` for anything else.
    public init?(_ description: String) {
        guard let bytes = [UInt8](hexadecimal: description) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// 64 small hexadecimal digits.
    public var description: String { bytes.hexadecimal }

    /// Calls `body` with the 32 bytes.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        var words = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return try Swift.withUnsafeBytes(of: &words, body)
    }

    /// Whether both have the same bytes.
    public static func == (left: ChainDigest, right: ChainDigest) -> Bool { left.words == right.words }

    /// Hashes the first bytes, which are as random as all of them.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension [UInt8] {
    /// Reads two hexadecimal digits a byte; `nil` for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        self = []
        var high: UInt8?
        for character in text.utf8 {
            guard let digit = Self.value(ofDigit: character) else { return nil }
            if let first = high { append(first << 4 | digit) }
            high = high == nil ? digit : nil
        }
    }

    /// Two small hexadecimal digits a byte.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    private static func value(ofDigit character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
