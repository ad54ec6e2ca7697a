import Crypto
import SillokJSON
public import SillokWebhookOperations

/// What signs messages.
protocol WebhookSigner: Sendable {
    /// Returns the version and the signature of a message; `nil` if it cannot be made.
    func sign(id: String, timestamp: Int64, body: [UInt8]) -> String?
}

extension WebhookSecret: WebhookSigner {
    func sign(id: String, timestamp: Int64, body: [UInt8]) -> String? {
        signature(id: id, timestamp: timestamp, body: body)
    }
}

/// The private key of an endpoint (Standard Webhooks 1.0, ed25519). Only this system has it.
struct WebhookSigningKey: WebhookSigner, CustomStringConvertible {
    private let key: Curve25519.Signing.PrivateKey

    init(_ bytes: [UInt8]) throws { key = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes) }

    var publicKey: WebhookPublicKey { WebhookPublicKey(bytes: Array(key.publicKey.rawRepresentation)) }

    func sign(id: String, timestamp: Int64, body: [UInt8]) -> String? {
        let code = try? key.signature(for: WebhookSecret.content(id, timestamp, body))
        return code.map { "v1a," + Base64.text(of: Array($0)) }
    }

    var description: String { "<redacted>" }
}

/// The public key of an endpoint, by which its owner verifies messages. It is no secret.
public struct WebhookPublicKey: Hashable, Sendable, CustomStringConvertible {
    private static let prefix = "whpk_"

    private let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads the text form: `whpk_` and then Base64 of 32 bytes.
    ///
    /// - Throws: `WebhookRefusal` if the text has another form.
    public init(_ text: String) throws(WebhookRefusal) {
        guard text.hasPrefix(Self.prefix), let bytes = Base64.bytes(of: String(text.dropFirst(Self.prefix.count))),
            bytes.count == 32
        else {
            throw WebhookRefusal(
                "The public key of a webhook is not \"whpk_\" and Base64 of 32 bytes. Copy all of it.")
        }
        self.bytes = bytes
    }

    /// The text form.
    public var description: String { Self.prefix + Base64.text(of: bytes) }

    /// Returns whether a signature in Base64, without its version, is that of a message.
    func isProved(by signature: some StringProtocol, id: String, timestamp: Int64, body: [UInt8]) -> Bool {
        guard let code = Base64.bytes(of: String(signature)),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { return false }
        return key.isValidSignature(code, for: WebhookSecret.content(id, timestamp, body))
    }
}
