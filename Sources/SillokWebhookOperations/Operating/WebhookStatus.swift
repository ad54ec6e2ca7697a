public import SillokCore

/// A webhook endpoint, and how far it has come.
public struct WebhookStatus: Hashable, Sendable {
    /// The endpoint.
    public let endpoint: WebhookEndpoint
    /// Whether an application has begun to send to it. Until then it has no position and no deliveries.
    public let hasStarted: Bool
    /// The position up to which its events were sent. It is the head if all of them were.
    public let position: Position
    /// The head of the log.
    public let head: Position
    /// The age of the oldest event that was not sent; zero if there is none.
    public let lag: Duration
    /// The number of events that it did not take, with those that wait behind them.
    public let failing: Int
    /// Why the application stopped sending to it; `nil` if it did not.
    public let failure: String?
    /// Nothing is sent before this time, because the endpoint asked for a pause or failed too often.
    public let heldUntil: Timestamp?
    /// Since when every attempt has failed; `nil` if the last one succeeded.
    public let failingSince: Timestamp?
    /// The last attempt to send to it; `nil` if there was none.
    public let lastDelivery: WebhookDelivery?

    /// The number of positions that it is behind.
    public var behind: UInt64 { head > position ? head.value - position.value : 0 }
}

/// A page of attempts to send to an endpoint, the newest first.
public struct WebhookDeliveryPage: Hashable, Sendable {
    /// The attempts.
    public let deliveries: [WebhookDelivery]
    /// The place where the next page, of older attempts, begins; `nil` after the oldest attempt.
    public let next: DeliveryCursor?
}

/// A place in the delivery log. Its text can be a parameter of a URL.
public struct DeliveryCursor: Hashable, Sendable, CustomStringConvertible {
    let at: Timestamp
    let position: Position

    init(_ delivery: WebhookDelivery) { (at, position) = (delivery.at, delivery.position) }

    /// Reads a cursor from its text; returns `nil` for any other text.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0]), let position = UInt64(parts[1]) else { return nil }
        (at, self.position) = (Timestamp(microsecondsSince1970: time), Position(position))
    }

    /// The text.
    public var description: String { "\(at.microsecondsSince1970).\(position)" }
}
