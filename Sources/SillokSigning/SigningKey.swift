import Crypto
import SillokChain
import SillokCore

/// A secret Ed25519 key that signs heads. Keep it where no writer of the store can read it.
public struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Makes a new key from the system's randomness.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// Creates a key from its 32 secret bytes; returns `nil` for any other number of bytes.
    public init?(secret: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: secret) else { return nil }
        self.key = key
    }

    /// The 32 secret bytes.
    public var secret: [UInt8] { Array(key.rawRepresentation) }

    /// The public key that verifies its signatures. Publish it.
    public var verifyingKey: VerifyingKey { VerifyingKey(unchecked: Array(key.publicKey.rawRepresentation)) }

    /// Signs a head.
    public func sign(_ head: LogHead) throws -> SignedHead {
        let signature = try key.signature(for: head.signedBytes)
        return SignedHead(head: head, publicKey: verifyingKey, signature: Array(signature))
    }
}

/// A public Ed25519 key, printed as 64 hexadecimal digits: proves that a head was signed with its secret half.
public struct VerifyingKey: Hashable, Sendable, LosslessStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Creates a key from its 32 bytes; returns `nil` for any other number of bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 32, (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) != nil else {
            return nil
        }
        self.bytes = bytes
    }

    /// Parses 64 hexadecimal digits; returns `nil` for any other text.
    public init?(_ description: String) {
        guard let bytes = [UInt8](hexadecimal: description) else { return nil }
        self.init(bytes)
    }

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// 64 hexadecimal digits.
    public var description: String { bytes.hexadecimal }

    func isValid(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: self.bytes) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}

/// A head was not signed with the trusted key. Do not use its contents.
public struct InvalidSignature: Error, Hashable, CustomStringConvertible {
    /// The key that is trusted.
    public let publicKey: VerifyingKey

    /// Creates an error for a head that `publicKey` did not sign.
    public init(publicKey: VerifyingKey) { self.publicKey = publicKey }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "the head is not signed with the key \(publicKey), or was altered since: get the head from where it was published"
    }
}
