public import SillokCore
import Sillok
import SillokJSON

/// An endpoint of another system to which events are sent.
public struct WebhookEndpoint: Hashable, Sendable {
    /// Whether events are sent to an endpoint.
    public enum Status: Hashable, Sendable {
        /// Events are sent.
        case active
        /// An operator has paused it, for this reason. It continues at the same place.
        case paused(reason: String)
        /// It is no longer there, or failed for days. An operator can enable it, and it continues at the same place.
        case disabled(reason: String)
        /// It was removed for good.
        case removed
    }

    /// How many events a message has.
    public enum ContentMode: String, Hashable, Sendable {
        /// One event (`application/cloudevents+json`).
        case structured
        /// An array of events (`application/cloudevents-batch+json`).
        case batched
    }

    /// Its id, which is also the key of its stream.
    public let id: String
    /// Where messages are sent to.
    public let url: String
    /// The events that are sent.
    public let query: EventQuery
    /// Whether the events of a stream are sent in order. Then those behind a failed one wait for it.
    public let isOrdered: Bool
    /// How many events a message has.
    public let mode: ContentMode
    /// The generation of its key, from 1. Each rotation raises it.
    public internal(set) var generation = 1
    /// When its key was rotated last.
    public internal(set) var rotatedAt: Timestamp?
    /// Whether events are sent.
    public internal(set) var status = Status.active
    /// When it was registered. It gets the events after that.
    public let registeredAt: Timestamp
    /// Who registered it.
    public let registeredBy: String?

    /// The event that registered it: the endpoint gets the events after it.
    package let mark: EventMark

    /// The endpoint that an event registers; `nil` for an event of another kind.
    init?(_ event: Recorded<EndpointRecord.Event>, mark: EventMark) {
        guard case .webhookRegistered(let url, let filter, let isOrdered, let mode) = event.payload,
            let id = event.stream?.key, let query = try? StoredQuery.query(of: filter),
            let mode = ContentMode(rawValue: mode)
        else { return nil }
        self.id = id
        self.url = url
        self.query = query
        self.isOrdered = isOrdered
        self.mode = mode
        registeredAt = event.recordedAt
        registeredBy = event.metadata.actor
        self.mark = mark
    }

    /// Applies a later event of the endpoint.
    mutating func apply(_ event: EndpointRecord.Event, at time: Timestamp) {
        switch event {
        case .webhookRegistered: break
        case .webhookKeyRotated(let generation): (self.generation, rotatedAt) = (generation, time)
        case .webhookPaused(let reason): status = .paused(reason: reason)
        case .webhookDisabled(let reason): status = .disabled(reason: reason)
        case .webhookResumed, .webhookEnabled: status = .active
        case .webhookRemoved: status = .removed
        }
    }
}

/// The life of one endpoint, as a decider. The keys are not part of it: they are derived from the generation.
package struct EndpointRecord: Decider {
    package static let category: StreamCategory = "webhook:endpoint"

    package enum Command: Sendable {
        case register(url: WebhookURL, query: EventQuery, isOrdered: Bool, mode: WebhookEndpoint.ContentMode)
        case rotateKey
        case pause(reason: String)
        case resume
        case disable(reason: String)
        case enable
        case remove
    }

    /// The cases and their values are the format in the log.
    package enum Event: Codable, Equatable, Sendable {
        case webhookRegistered(url: String, filter: String, isOrdered: Bool, mode: String)
        case webhookKeyRotated(generation: Int)
        case webhookPaused(reason: String)
        case webhookResumed
        case webhookDisabled(reason: String)
        case webhookEnabled
        case webhookRemoved
    }

    private enum State: String { case unknown, active, paused, disabled, removed }

    private var state = State.unknown
    private var generation = 1

    package init() {}

    package func decide(_ command: Command) throws(WebhookRefusal) -> [Event] {
        switch command {
        case .register(let url, let query, let isOrdered, let mode):
            guard state == .unknown else {
                throw WebhookRefusal("The endpoint is registered already. Choose another id.", isConflict: true)
            }
            guard !query.items.isEmpty, let filter = try? StoredQuery.text(of: query) else {
                throw WebhookRefusal("The filter of the endpoint matches no event.")
            }
            return [
                .webhookRegistered(url: url.description, filter: filter, isOrdered: isOrdered, mode: mode.rawValue)
            ]
        case .rotateKey:
            try check(.active, .paused, .disabled)
            return [.webhookKeyRotated(generation: generation + 1)]
        case .pause(let reason):
            try check(.active)
            return [.webhookPaused(reason: reason)]
        case .resume:
            try check(.paused)
            return [.webhookResumed]
        case .disable(let reason):
            // Several runners may learn of it.
            if state == .disabled { return [] }
            try check(.active, .paused)
            return [.webhookDisabled(reason: reason)]
        case .enable:
            try check(.disabled)
            return [.webhookEnabled]
        case .remove:
            try check(.active, .paused, .disabled)
            return [.webhookRemoved]
        }
    }

    package mutating func evolve(_ event: Event) {
        switch event {
        case .webhookRegistered, .webhookResumed, .webhookEnabled: state = .active
        case .webhookKeyRotated(let generation): self.generation = generation
        case .webhookPaused: state = .paused
        case .webhookDisabled: state = .disabled
        case .webhookRemoved: state = .removed
        }
    }

    private func check(_ allowed: State...) throws(WebhookRefusal) {
        if allowed.contains(state) { return }
        if state == .unknown { throw WebhookRefusal("There is no such endpoint. Register it first.") }
        let names = allowed.map(\.rawValue).joined(separator: " or ")
        throw WebhookRefusal("The endpoint is \(state.rawValue), and must be \(names) for this.", isConflict: true)
    }
}
