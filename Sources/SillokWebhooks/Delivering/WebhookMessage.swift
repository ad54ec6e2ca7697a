import Crypto
import SillokCloudEvents
import SillokCore
import SillokJSON
import SillokWebhookOperations

/// One or several events that are sent in one request.
struct WebhookMessage: Sendable {
    let events: [RecordedEvent]
    /// The same for every attempt.
    let id: String
    let contentType: String
    let body: [UInt8]

    /// The most events, and about the most bytes, of a batch.
    private static let (batchEvents, batchBytes) = (100, 256 << 10)

    /// Metadata that names people or holds what they typed: it stays in this system.
    private static let privateKeys = [
        Metadata.Key.actor, Metadata.Key.reason, Metadata.Key.command, Metadata.Key.commandID,
    ]

    /// A message with one event. Its id is that of the event in the store.
    init(_ event: RecordedEvent, from store: StoreID) {
        events = [event]
        id = event.id.description
        contentType = "application/cloudevents+json"
        body = Self.object(event, store)
    }

    private init(batch objects: [(event: RecordedEvent, text: [UInt8])]) {
        events = objects.map(\.event)
        // The same events are the same message.
        let digest = SHA256.hash(data: events.flatMap { $0.id.bytes })
        id = "batch-" + digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        contentType = "application/cloudevents-batch+json"
        body = Array("[".utf8) + objects.map(\.text).joined(separator: ",".utf8) + Array("]".utf8)
    }

    /// Returns the messages for the next events of sequences: lists that may be sent at the same time, each in order.
    static func lanes(
        _ sequences: [[RecordedEvent]], of endpoint: WebhookEndpoint, from store: StoreID
    ) -> [[WebhookMessage]] {
        switch (endpoint.mode, endpoint.isOrdered) {
        case (.structured, _): sequences.map { $0.map { WebhookMessage($0, from: store) } }
        case (.batched, true): sequences.map { batches($0, from: store) }
        case (.batched, false): batches(sequences.flatMap { $0 }, from: store).map { [$0] }
        }
    }

    private static func batches(_ events: [RecordedEvent], from store: StoreID) -> [WebhookMessage] {
        var messages: [WebhookMessage] = []
        var objects: [(event: RecordedEvent, text: [UInt8])] = []
        var bytes = 0
        for event in events {
            let text = object(event, store)
            if objects.count == batchEvents || (!objects.isEmpty && bytes + text.count > batchBytes) {
                messages.append(WebhookMessage(batch: objects))
                (objects, bytes) = ([], 0)
            }
            objects.append((event, text))
            bytes += text.count + 1
        }
        if !objects.isEmpty { messages.append(WebhookMessage(batch: objects)) }
        return messages
    }

    /// Returns an event as a CloudEvent, the same bytes always.
    private static func object(_ event: RecordedEvent, _ store: StoreID) -> [UInt8] {
        var data = event.data
        for key in privateKeys { data.metadata[key] = nil }
        data.metadata = data.metadata.oneHopFurther
        var writer = CloudEventWriter(store: store)
        writer.writeStandard(
            RecordedEvent(
                position: event.position, stream: event.stream, revision: event.revision, recordedAt: event.recordedAt,
                tracking: event.tracking, data: data))
        return writer.take()
    }
}

/// A request to an endpoint.
struct WebhookRequest: Sendable {
    let url: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    /// Whether it only asks for the consent of the endpoint, and has no body.
    let isHandshake: Bool

    /// An attempt to send a message, signed by some keys at a time.
    ///
    /// - Parameters:
    ///   - token: the bearer token for the endpoint.
    ///   - origin: the name of this system, if it asked the endpoint for its consent.
    init(
        _ message: WebhookMessage, to url: String, signedBy keys: [any WebhookSigner], at now: Timestamp,
        token: String? = nil, origin: String? = nil
    ) {
        self.url = url
        body = message.body
        isHandshake = false
        let seconds = now.microsecondsSince1970 / 1_000_000
        let signatures = keys.compactMap { $0.sign(id: message.id, timestamp: seconds, body: message.body) }
        var headers = [
            ("content-type", message.contentType), ("user-agent", "Sillok"), ("webhook-id", message.id),
            ("webhook-timestamp", "\(seconds)"), ("webhook-signature", signatures.joined(separator: " ")),
        ]
        if let token { headers.append(("authorization", "Bearer \(token)")) }
        if let origin { headers.append(("webhook-request-origin", origin)) }
        self.headers = headers
    }

    /// The question whether an endpoint takes messages of this system (CloudEvents, HTTP 1.1 Web Hooks).
    init(asking url: String, _ handshake: WebhookHandshake) {
        self.url = url
        body = []
        isHandshake = true
        var headers = [("user-agent", "Sillok"), ("webhook-request-origin", handshake.origin)]
        if let rate = handshake.requestsPerMinute { headers.append(("webhook-request-rate", "\(rate)")) }
        self.headers = headers
    }

    /// Returns a token that can be in a header (RFC 6750). The error does not contain it.
    static func checked(_ token: String) throws(WebhookRefusal) -> String {
        let body = token.utf8.reversed().drop { $0 == UInt8(ascii: "=") }
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/".utf8
        guard !body.isEmpty, body.allSatisfy(allowed.contains) else {
            throw WebhookRefusal(
                "The bearer token for the endpoint has characters that no such token has. Correct the configuration.")
        }
        return token
    }
}

/// The CloudEvents handshake: an endpoint is asked whether it takes the messages of this system.
///
/// The status of the answer does not matter. The endpoint consents with a `WebHook-Allowed-Origin` that is this origin
/// or `*`, and with a `WebHook-Allowed-Rate` if a rate was asked for. It is asked before the first message of each run,
/// and every message names the origin. Requests are not sent faster than the endpoint allows.
public struct WebhookHandshake: Hashable, Sendable {
    /// The DNS name of this system.
    public var origin: String

    /// The requests a minute that this system asks for; with `nil` it asks for no rate.
    public var requestsPerMinute: Int?

    /// Whether an endpoint that does not consent is refused. Otherwise it gets at most 10 requests a minute.
    public var isRequired = true

    /// Creates the handshake of a system with a DNS name.
    public init(origin: String) { self.origin = origin }

    static let rateWithoutConsent = 10

    /// Returns how many requests a minute an endpoint takes by its answer; `nil` for any number.
    ///
    /// - Throws: `WebhookRefusal` if it must consent, and does not.
    func rate(by answer: WebhookAnswer?) throws(WebhookRefusal) -> Int? {
        let allowed = answer?.allowedOrigin
        // The whole origin is compared: one that it begins with is another system.
        let isOrigin = allowed == "*" || allowed?.lowercased() == origin.lowercased()
        let rate = answer?.allowedRate
        let limit = rate.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        let hasRate = requestsPerMinute == nil || rate == "*" || limit != nil
        if isOrigin && hasRate { return [limit, requestsPerMinute].compactMap(\.self).min() }
        if isRequired {
            throw WebhookRefusal(
                "The endpoint does not consent to webhooks of \(origin): it must answer OPTIONS with "
                    + "WebHook-Allowed-Origin\(requestsPerMinute == nil ? "" : " and WebHook-Allowed-Rate").")
        }
        return Self.rateWithoutConsent
    }
}

/// What an endpoint answered.
struct WebhookAnswer: Hashable, Sendable {
    let status: Int
    var retryAfter: String?
    var allowedOrigin: String?
    var allowedRate: String?
}
