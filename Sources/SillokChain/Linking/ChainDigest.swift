import SillokCore

/// 32 bytes of SHA-256, printed as 64 hexadecimal digits.
public struct ChainDigest: Hashable, Sendable, LosslessStringConvertible {
    /// The bytes in four words, the first byte highest.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes of a digest.
    public static let byteCount = 32

    /// Creates a digest from 32 bytes; returns `nil` for any other number of bytes.
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

    /// Parses 64 hexadecimal digits in lower or upper case; returns `nil` for any other text.
    public init?(_ description: String) {
        guard let bytes = [UInt8](hexadecimal: description) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// 64 hexadecimal digits in lower case.
    public var description: String { bytes.hexadecimal }

    /// Calls `body` with the 32 bytes.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        var words = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return try Swift.withUnsafeBytes(of: &words, body)
    }

    /// Writes the 32 bytes to memory that has space for them.
    func write(to memory: UnsafeMutableRawPointer) {
        memory.storeBytes(of: words.0.bigEndian, as: UInt64.self)
        memory.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// Returns whether both have the same bytes.
    public static func == (left: ChainDigest, right: ChainDigest) -> Bool { left.words == right.words }

    /// Hashes the first bytes, which are as random as all of them.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
