import Crypto
public import SillokCore

/// An access key as stored by the server: its purpose, its grant, and only the SHA-256 of its secret.
public struct AccessKey: Hashable, Sendable {
    /// The public part of the key.
    public let id: String
    /// The purpose of the key.
    public let name: String
    /// The grant of the key.
    public let grant: Grant
    /// When the key was created.
    public let created: Timestamp
    /// When the key expires; `nil` means never.
    public let expires: Timestamp?
    /// When the key was revoked; `nil` if it was not.
    public let revoked: Timestamp?

    package let digest: [UInt8]

    /// Returns whether the key is valid at a time.
    public func isValid(at now: Timestamp) -> Bool { revoked == nil && (expires.map { now < $0 } ?? true) }

    package func revoked(at time: Timestamp) -> AccessKey {
        AccessKey(
            id: id, name: name, grant: grant, created: created, expires: expires, revoked: time, digest: digest)
    }

    /// Returns whether a secret belongs to this key, in constant time.
    package func isProved(by secret: [UInt8]) -> Bool { Self.digest(of: secret).isSame(as: digest) }

    package static func digest(of secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }
}

/// The text of a key, `sillok_<id>_<secret>`. It is shown once when the key is created, and never printed by accident.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret as plain text. Use it only to show the key to its owner.
    public let revealed: String

    /// Creates a secret from a text.
    public init(_ text: String) { revealed = text }

    /// A placeholder, so that the secret is never printed.
    public var description: String { "<redacted>" }
    /// A placeholder, so that the secret is never printed.
    public var debugDescription: String { description }
    /// A mirror without contents.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension AccessKey {
    package static let prefix = "sillok_"

    /// Returns the parts of a key's text, or `nil` if it is not a key.
    package static func parts(of text: String) -> (id: String, secret: [UInt8])? {
        guard text.hasPrefix(prefix) else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let secret = [UInt8](hexadecimal: String(parts[1])),
            secret.count == 32, secret.hexadecimal == parts[1]
        else { return nil }
        return (String(parts[0]), secret)
    }

    package static func text(id: String, secret: [UInt8]) -> Secret { Secret("\(prefix)\(id)_\(secret.hexadecimal)") }
}

extension [UInt8] {
    /// Returns random bytes.
    package static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Returns whether both are equal, in a time that depends only on their lengths.
    package func isSame(as other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for index in indices { difference |= self[index] ^ other[index] }
        return difference == 0
    }
}
