/// An identifier of 128 bits in the form of a UUID (RFC 9562).
///
/// New ones are made by an ``IDGenerator`` and are ordered by time (version 7), which keeps the index of ids short and
/// fast. Ids from other sources, of any UUID version, are accepted too.
///
/// A literal in code is an id too: `let id: EventID = "01890a5d-ac96-774b-bcce-b302099a8057"`.
public protocol UniqueID: Hashable, Comparable, Sendable, Codable, LosslessStringConvertible, ExpressibleByStringLiteral
where StringLiteralType == String {
    /// The first eight bytes, the most significant first.
    var high: UInt64 { get }

    /// The last eight bytes, the most significant first.
    var low: UInt64 { get }

    /// Creates an id from its two halves.
    init(high: UInt64, low: UInt64)
}

extension UniqueID {
    /// Creates a new, time-ordered id from the system's clock and randomness.
    ///
    /// Code that must be repeatable takes an ``IDGenerator`` instead.
    public init() { self = IDGenerator.system.next() }

    /// Parses the usual forms: 32 hexadecimal digits in either case, with or without hyphens and braces.
    ///
    /// Returns `nil` for any other text.
    public init?(_ description: String) {
        var text = description
        guard let halves = text.withUTF8(halves(ofText:)) else { return nil }
        self.init(high: halves.high, low: halves.low)
    }

    /// Parses the same forms from their bytes.
    package init?(text: UnsafeRawBufferPointer) {
        guard let halves = text.withMemoryRebound(to: UInt8.self, { halves(ofText: $0) }) else { return nil }
        self.init(high: halves.high, low: halves.low)
    }

    /// Creates an id from a literal. An invalid literal is a mistake in the code and stops the program.
    public init(stringLiteral value: String) {
        guard let id = Self.init(value as String) else {
            preconditionFailure(
                "\"\(value)\" is no id: write one such as \"01890a5d-ac96-774b-bcce-b302099a8057\"")
        }
        self = id
    }

    /// Creates an id from exactly 16 bytes; returns `nil` for any other number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 {
                halves.high = halves.high << 8 | UInt64(byte)
            } else {
                halves.low = halves.low << 8 | UInt64(byte)
            }
        }
        self.init(high: halves.high, low: halves.low)
    }

    /// The 16 bytes, the most significant first.
    public var bytes: [UInt8] {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
    }

    /// The id in lower case with hyphens: `01890a5d-ac96-774b-bcce-b302099a8057`.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { text in
            writeText(to: UnsafeMutableRawBufferPointer(text))
            return 36
        }
    }

    /// Writes the text of the id, 36 bytes.
    package func writeText(to text: UnsafeMutableRawBufferPointer) {
        var (left, place) = (high, 0)
        for digit in 0..<32 {
            if isHyphen(place) {
                text[place] = UInt8(ascii: "-")
                place += 1
            }
            if digit == 16 { left = low }
            let value = UInt8(truncatingIfNeeded: left >> 60)
            text[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
            left <<= 4
            place += 1
        }
    }

    /// Orders ids by their bytes, and so time-ordered ids by the time when they were made.
    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Reads the id from its text.
    public init(from decoder: any Decoder) throws { self = try decoder.valueOfText("a UUID") }

    /// Writes the id as its text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(description) }
}

/// Returns whether a UUID of 36 characters has a hyphen at this place.
private func isHyphen(_ place: Int) -> Bool { place == 8 || place == 13 || place == 18 || place == 23 }

/// Returns the halves of an id in one of the usual forms; `nil` for any other text.
private func halves(ofText text: UnsafeBufferPointer<UInt8>) -> (high: UInt64, low: UInt64)? {
    var digits = text[...]
    if digits.first == UInt8(ascii: "{") && digits.last == UInt8(ascii: "}") && digits.count > 1 {
        digits = digits.dropFirst().dropLast()
    }
    return halves(ofDigits: UnsafeBufferPointer(rebasing: digits))
}

private func halves(ofDigits text: UnsafeBufferPointer<UInt8>) -> (high: UInt64, low: UInt64)? {
    let bytes = UnsafeRawBufferPointer(text)
    /// The offsets of eight groups of four digits.
    let groups: (Int, Int, Int, Int, Int, Int, Int, Int)
    switch bytes.count {
    case 36:
        let hyphen = UInt8(ascii: "-")
        guard bytes[8] == hyphen, bytes[13] == hyphen, bytes[18] == hyphen, bytes[23] == hyphen else { return nil }
        groups = (0, 4, 9, 14, 19, 24, 28, 32)
    case 32: groups = (0, 4, 8, 12, 16, 20, 24, 28)
    default: return nil
    }
    guard let first = value(ofDigits: bytes, groups.0, groups.1),
        let second = value(ofDigits: bytes, groups.2, groups.3),
        let third = value(ofDigits: bytes, groups.4, groups.5), let fourth = value(ofDigits: bytes, groups.6, groups.7)
    else { return nil }
    return (first << 32 | second, third << 32 | fourth)
}

/// Returns the value of eight hexadecimal digits, four each at two offsets; `nil` if a character is none.
///
/// Works on all eight at once, a byte for each, because each id of a batch passes here.
private func value(ofDigits text: UnsafeRawBufferPointer, _ first: Int, _ second: Int) -> UInt64? {
    let (upper, lower) = (
        text.loadUnaligned(fromByteOffset: first, as: UInt32.self),
        text.loadUnaligned(fromByteOffset: second, as: UInt32.self)
    )
    let word = UInt64(UInt32(bigEndian: upper)) << 32 | UInt64(UInt32(bigEndian: lower))
    let ones: UInt64 = 0x0101_0101_0101_0101
    // 1 in the byte of each letter.
    let letters = word >> 6 & ones
    // A digit has the high half 3, a letter 4 or 6.
    guard word & (0xF0 &* ones &- 0x20 &* letters) == 0x30 &* ones ^ 0x70 &* letters else { return nil }
    let halves = word & (0x0F &* ones)
    // A digit has a low half up to 9, a letter one from 1 to 6.
    let tooLarge = (halves &+ 6 &* ones &+ 3 &* letters) >> 4 & ones
    let large = (halves &+ 15 &* letters) >> 4 & letters
    guard tooLarge == 0, large == letters else { return nil }
    var value = halves &+ 9 &* letters
    value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
    value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
    return (value | value >> 16) & 0xFFFF_FFFF
}

/// The identity of an event. The writer chooses it, and the store keeps it forever.
///
/// A repeated append of the event with the same id stores nothing and returns the first receipt, so it is safe.
public struct EventID: UniqueID {
    /// The first eight bytes, the most significant first.
    public let high: UInt64
    /// The last eight bytes, the most significant first.
    public let low: UInt64

    /// Creates an id from its two halves.
    @inlinable public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
}

/// The identity of a command. Executing a command again under the same id returns the first outcome.
public struct CommandID: UniqueID {
    /// The first eight bytes, the most significant first.
    public let high: UInt64
    /// The last eight bytes, the most significant first.
    public let low: UInt64

    /// Creates an id from its two halves.
    @inlinable public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
}

/// The identity of a store, made when the store is created. A consumer uses it to recognize another store.
public struct StoreID: UniqueID {
    /// The first eight bytes, the most significant first.
    public let high: UInt64
    /// The last eight bytes, the most significant first.
    public let low: UInt64

    /// Creates an id from its two halves.
    @inlinable public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }
}
