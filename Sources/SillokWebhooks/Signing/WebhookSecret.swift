import Crypto
import SillokJSON
public import SillokWebhookOperations

/// The key of an endpoint, which sender and receiver share (Standard Webhooks 1.0, HMAC-SHA256). Never printed by
/// accident.
public struct WebhookSecret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The fewest bytes of a key that is accepted.
    static let leastBytes = 16

    private static let prefix = "whsec_"

    let bytes: [UInt8]

    /// Reads the text form: `whsec_` and then Base64.
    ///
    /// - Throws: `WebhookRefusal` if the text has another form, is not strict Base64, or has fewer than 16 bytes.
    public init(_ text: String) throws(WebhookRefusal) {
        guard text.hasPrefix(Self.prefix) else {
            let advice = text.hasPrefix("v1,whsec_") ? " Leave out \"v1,\" at its start." : ""
            throw WebhookRefusal("The key of a webhook does not begin with \"whsec_\".\(advice)")
        }
        guard let bytes = Base64.bytes(of: String(text.dropFirst(Self.prefix.count))) else {
            throw WebhookRefusal("The key of a webhook is not Base64 with padding after \"whsec_\". Copy all of it.")
        }
        guard bytes.count >= Self.leastBytes else {
            throw WebhookRefusal(
                "The key of a webhook has \(bytes.count) bytes; it needs at least \(Self.leastBytes). Copy all of it.")
        }
        self.bytes = bytes
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The text form, for the one place that shows it to the owner of the endpoint.
    public var revealed: String { Self.prefix + Base64.text(of: bytes) }

    /// A placeholder, so that the key is never printed.
    public var description: String { "<redacted>" }
    /// A placeholder, so that the key is never printed.
    public var debugDescription: String { description }
    /// A mirror without contents.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Returns the signature of a message: `v1,` and the HMAC in Base64.
    func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Self.content(id, timestamp, body), using: key)
        return "v1," + Base64.text(of: Array(code))
    }

    /// Returns whether a signature in Base64, without its version, is that of a message. Takes the same time for every
    /// signature of the right length.
    func isProved(by signature: some StringProtocol, id: String, timestamp: Int64, body: [UInt8]) -> Bool {
        guard let code = Base64.bytes(of: String(signature)) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(
            code, authenticating: Self.content(id, timestamp, body), using: key)
    }

    private var key: SymmetricKey { SymmetricKey(data: bytes) }

    static func content(_ id: String, _ timestamp: Int64, _ body: [UInt8]) -> [UInt8] {
        Array("\(id).\(timestamp).".utf8) + body
    }
}

/// The key of a system that sends webhooks, from which the keys of all of its endpoints are derived.
///
/// It comes from the configuration and is never stored. It can sign for every endpoint. With another master key all
/// endpoints have other keys.
public struct WebhookMasterKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private static let salt = Array("sillok webhooks 1".utf8)
    private let bytes: [UInt8]

    /// Creates a master key of at least 32 random bytes.
    public init(_ bytes: [UInt8]) throws(WebhookRefusal) {
        guard bytes.count >= 32 else {
            throw WebhookRefusal(
                "The master key of webhooks has \(bytes.count) bytes; it needs at least 32. Make one with "
                    + "`openssl rand -base64 32`.")
        }
        self.bytes = bytes
    }

    /// Reads a master key in Base64, such as `openssl rand -base64 32` prints.
    public init(base64 text: String) throws(WebhookRefusal) {
        guard let bytes = Base64.bytes(of: text) else {
            throw WebhookRefusal("The master key of webhooks is not Base64. Make one with `openssl rand -base64 32`.")
        }
        try self.init(bytes)
    }

    /// A placeholder, so that the key is never printed.
    public var description: String { "<redacted>" }
    /// A placeholder, so that the key is never printed.
    public var debugDescription: String { description }
    /// A mirror without contents.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Returns the key of an endpoint in a generation: 32 bytes that depend on nothing else (HKDF-SHA256).
    func secret(of endpoint: String, generation: Int) -> WebhookSecret {
        WebhookSecret(bytes: derived("\(endpoint.utf8.count):\(endpoint):\(generation)"))
    }

    /// Returns the private key of an endpoint in a generation, another one than its shared key.
    func signingKey(of endpoint: String, generation: Int) throws -> WebhookSigningKey {
        try WebhookSigningKey(derived("ed25519:\(endpoint.utf8.count):\(endpoint):\(generation)"))
    }

    /// Returns what signs for an endpoint in a generation.
    func signers(of endpoint: String, generation: Int, _ hasPrivateKey: Bool) throws -> [any WebhookSigner] {
        let secret = secret(of: endpoint, generation: generation)
        return hasPrivateKey ? [secret, try signingKey(of: endpoint, generation: generation)] : [secret]
    }

    /// Returns 32 bytes for a text. The length in the text makes that of one pair differ from that of every other.
    private func derived(_ info: String) -> [UInt8] {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: bytes), salt: Self.salt, info: Array(info.utf8), outputByteCount: 32
        ).withUnsafeBytes { Array($0) }
    }
}
