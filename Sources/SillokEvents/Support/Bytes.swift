import SillokSystem

extension String {
    /// Returns whether both strings have the same UTF-8 bytes. Unicode equivalence is ignored.
    @usableFromInline package func hasSameBytes(as other: String) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { other in
                guard mine.count == other.count else { return false }
                guard let mine = mine.baseAddress, let theirs = other.baseAddress else { return true }
                return memcmp(mine, theirs, other.count) == 0
            }
        }
        return (fast ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// Returns whether the UTF-8 bytes of the string equal these.
    package func hasSameBytes(as bytes: UnsafeRawBufferPointer) -> Bool {
        let fast = utf8.withContiguousStorageIfAvailable { mine in
            guard mine.count == bytes.count else { return false }
            guard let mine = mine.baseAddress, let theirs = bytes.baseAddress else { return true }
            return memcmp(mine, theirs, bytes.count) == 0
        }
        return fast ?? utf8.elementsEqual(bytes)
    }

    /// Feeds the UTF-8 bytes and an end mark to a hasher.
    @usableFromInline package func hashBytes(into hasher: inout Hasher) {
        let fast: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: .init($0)) }
        if fast == nil { utf8.forEach { hasher.combine($0) } }
        hasher.combine(0xFF as UInt8)
    }
}

extension UInt8 {
    /// The value of a hexadecimal digit, small or capital; `nil` for any other character.
    package var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension [UInt8] {
    /// Reads two hexadecimal digits a byte; `nil` for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        self = []
        var high: UInt8?
        for character in text.utf8 {
            guard let digit = character.hexadecimalDigit else { return nil }
            if let first = high { append(first << 4 | digit) }
            high = high == nil ? digit : nil
        }
    }

    /// Two small hexadecimal digits a byte.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }
}
