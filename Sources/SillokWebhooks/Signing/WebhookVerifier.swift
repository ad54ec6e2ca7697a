public import SillokCore
public import SillokWebhookOperations

/// A verifier of signed webhooks that this program receives (Standard Webhooks 1.0).
///
/// ```swift
/// let verifier = WebhookVerifier(try WebhookSecret(configuration.key))
/// let id = try verifier.verify(body) { request.headers[$0] }
/// ```
/// Give it the bytes of the body as they came: a body that was decoded and encoded again has another signature.
public struct WebhookVerifier: Sendable {
    private let secrets: [WebhookSecret]
    private let publicKeys: [WebhookPublicKey]
    private let tolerance: Duration
    private let clock: WallClock

    /// Creates a verifier that accepts a signature by any of some keys.
    ///
    /// - Parameters:
    ///   - secrets: the keys; during a rotation the old one and the new one.
    ///   - tolerance: how far the time of a message may be from this clock, into past and future.
    ///   - clock: the clock that the time of a message is compared with.
    public init(_ secrets: WebhookSecret..., tolerance: Duration = .seconds(300), clock: WallClock = .system) {
        self.secrets = secrets
        publicKeys = []
        self.tolerance = tolerance
        self.clock = clock
    }

    /// Creates a verifier that accepts a signature that fits any of some public keys (`v1a`).
    ///
    /// - Parameters:
    ///   - publicKeys: the keys; during a rotation the old one and the new one.
    ///   - tolerance: how far the time of a message may be from this clock, into past and future.
    ///   - clock: the clock that the time of a message is compared with.
    public init(_ publicKeys: WebhookPublicKey..., tolerance: Duration = .seconds(300), clock: WallClock = .system) {
        secrets = []
        self.publicKeys = publicKeys
        self.tolerance = tolerance
        self.clock = clock
    }

    /// Throws unless a message is signed and recent; returns its `webhook-id`, which all attempts of a message share.
    ///
    /// - Parameters:
    ///   - body: the body as it came.
    ///   - header: returns the value of a header, whose name it gets in lower case.
    /// - Throws: `WebhookRefusal`, which says what is missing or wrong.
    @discardableResult
    public func verify(_ body: [UInt8], header: (String) -> String?) throws(WebhookRefusal) -> String {
        guard let id = header("webhook-id"), !id.isEmpty, !id.utf8.contains(UInt8(ascii: ".")) else {
            throw WebhookRefusal("The header webhook-id is missing, or has a full stop. The message is not accepted.")
        }
        guard let text = header("webhook-timestamp"), let seconds = Self.seconds(text) else {
            throw WebhookRefusal(
                "The header webhook-timestamp is not a number of seconds. The message is not accepted.")
        }
        guard isRecent(seconds) else {
            throw WebhookRefusal(
                "The message is of another time: webhook-timestamp is more than \(tolerance) from this clock. Compare "
                    + "the clocks of sender and receiver.")
        }
        guard let signatures = header("webhook-signature") else {
            throw WebhookRefusal("The header webhook-signature is missing. The message is not accepted.")
        }
        var isProved = false
        // Every signature is compared with every key, so that the time says nothing about which of them fits.
        for signature in signatures.split(separator: " ").prefix(32) {
            for secret in secrets where signature.hasPrefix("v1,") {
                let fits = secret.isProved(by: signature.dropFirst(3), id: id, timestamp: seconds, body: body)
                isProved = isProved || fits
            }
            for key in publicKeys where signature.hasPrefix("v1a,") {
                let fits = key.isProved(by: signature.dropFirst(4), id: id, timestamp: seconds, body: body)
                isProved = isProved || fits
            }
        }
        guard isProved else {
            throw WebhookRefusal(
                "No signature of the message fits. Verify the body byte for byte as it came, and compare the key.")
        }
        return id
    }

    private func isRecent(_ seconds: Int64) -> Bool {
        let now = clock.now().microsecondsSince1970 / 1_000_000
        let (later, earlier) = (max(seconds, now), min(seconds, now))
        let distance = later.subtractingReportingOverflow(earlier)
        return !distance.overflow && .seconds(distance.partialValue) <= tolerance
    }

    private static func seconds(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
