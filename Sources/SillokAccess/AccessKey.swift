import Crypto
public import SillokCore

/// A key as the server keeps it: who has it and what it allows, and of its secret the SHA-256 alone.
public struct AccessKey: Hashable, Sendable {
    /// Its public part.
    public let id: String
    /// What it is for.
    public let name: String
    /// What it allows.
    public let grant: Grant
    /// When it was made.
    public let created: Timestamp
    /// When it ends; `nil`: never.
    public let expires: Timestamp?
    /// When it was revoked; `nil`: it was not.
    public let revoked: Timestamp?

    package let digest: [UInt8]

    /// Whether it opens anything at a time.
    public func isValid(at now: Timestamp) -> Bool { revoked == nil && (expires.map { now < $0 } ?? true) }

    package func revoked(at time: Timestamp) -> AccessKey {
        AccessKey(
            id: id, name: name, grant: grant, created: created, expires: expires, revoked: time, digest: digest)
    }

    /// Whether a secret is the one of this key, in a time that does not depend on where it differs.
    package func isProved(by secret: [UInt8]) -> Bool { Self.digest(of: secret).isSame(as: digest) }

    package static func digest(of secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }
}

/// The text of a key, `sillok_<id>_<secret>`: shown once when the key is made, and never printed by accident.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text, for the one place that hands it over.
    public let revealed: String

    /// Keeps a text from being printed.
    public init(_ text: String) { revealed = text }

    /// Stands in its place wherever it would be printed.
    public var description: String { "<redacted>" }
    /// Stands in its place wherever it would be printed.
    public var debugDescription: String { description }
    /// Nothing of it is shown.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension AccessKey {
    package static let prefix = "sillok_"

    /// The parts of a key's text; `nil` if it is none.
    package static func parts(of text: String) -> (id: String, secret: [UInt8])? {
        guard text.hasPrefix(prefix) else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let secret = [UInt8](hexadecimal: parts[1]), secret.count == 32
        else { return nil }
        return (String(parts[0]), secret)
    }

    package static func text(id: String, secret: [UInt8]) -> Secret { Secret("\(prefix)\(id)_\(secret.hexadecimal)") }
}

extension [UInt8] {
    /// So many random bytes.
    package static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Whether both are the same, in a time that depends on their lengths alone.
    package func isSame(as other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for index in indices { difference |= self[index] ^ other[index] }
        return difference == 0
    }

    /// Two digits a byte.
    package var hexadecimal: String {
        let digits = Array<UInt8>("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package init?(hexadecimal text: some StringProtocol) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self = bytes
    }
}
