package import SillokCore
package import SillokWebhookOperations

// What is answered of webhooks.
extension API {
    package struct Webhooks: Message {
        let hasReadModel: Bool
        let webhooks: [Webhook]
        /// Where the next page starts.
        let next: String?

        package init(_ webhooks: [Webhook], next: String?, hasReadModel: Bool) {
            (self.webhooks, self.next, self.hasReadModel) = (webhooks, next, hasReadModel)
        }
    }

    package struct Webhook: Message {
        let id, url, query, status, mode: String
        /// Why it is paused or disabled.
        let reason: String?
        let isOrdered, hasStarted: Bool
        let generation: Int
        let registeredAt: Timestamp
        let registeredBy: String?
        let position, head: Position
        let behind: UInt64
        let lagSeconds: Measure
        let failing: Int
        let failure: String?
        let heldUntil, failingSince: Timestamp?
        let lastDelivery: Delivery?

        package init(_ status: WebhookStatus) {
            let endpoint = status.endpoint
            (id, url, query) = (endpoint.id, endpoint.url, endpoint.query.words)
            (self.status, reason) = endpoint.status.words
            (mode, isOrdered, hasStarted) = (endpoint.mode.rawValue, endpoint.isOrdered, status.hasStarted)
            (generation, registeredAt) = (endpoint.generation, endpoint.registeredAt)
            registeredBy = endpoint.registeredBy
            (position, head, behind) = (status.position, status.head, status.behind)
            (lagSeconds, failing, failure) = (Measure(status.lag.seconds), status.failing, status.failure)
            (heldUntil, failingSince) = (status.heldUntil, status.failingSince)
            lastDelivery = status.lastDelivery.map { Delivery($0) }
        }
    }

    package struct Deliveries: Message {
        let deliveries: [Delivery]
        let next: String?

        package init(_ page: WebhookDeliveryPage) {
            (deliveries, next) = (page.deliveries.map { Delivery($0) }, page.next?.description)
        }
    }

    /// An attempt to send a message.
    package struct Delivery: Message {
        let at: Timestamp
        /// The `webhook-id`.
        let message: String
        let position: Position
        let events: Int
        /// The status of the answer, and whether that means that the message was taken.
        let status: Int?
        let isTaken: Bool
        let outcome: String
        let seconds: Measure

        init(_ delivery: WebhookDelivery) {
            (at, message, position) = (delivery.at, delivery.message, delivery.position)
            (events, status, isTaken) = (delivery.events, delivery.status, delivery.isTaken)
            (outcome, seconds) = (delivery.outcome, Measure(delivery.time.seconds))
        }
    }
}

extension WebhookEndpoint.Status {
    /// The status in a word, and its reason.
    fileprivate var words: (String, String?) {
        switch self {
        case .active: ("active", nil)
        case .paused(let reason): ("paused", reason)
        case .disabled(let reason): ("disabled", reason)
        case .removed: ("removed", nil)
        }
    }
}

extension EventQuery {
    /// The query as one line.
    package var words: String {
        items.map { item in
            var words = item.types.map { "type \($0)" } + item.tags.map { "tag \($0)" }
            if let stream = item.stream { words.append("stream \(stream)") }
            if let category = item.category { words.append("category \(category)") }
            return words.isEmpty ? "all" : words.joined(separator: ", ")
        }.joined(separator: " or ")
    }
}
