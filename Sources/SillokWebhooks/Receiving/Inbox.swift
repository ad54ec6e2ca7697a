import Sillok
import SillokCloudEvents
public import SillokCore
import SillokJSON
import SillokWebhookOperations

/// Takes events of other systems exactly once, as they come by webhook.
///
/// ```swift
/// let inbox = Inbox("payments", in: store, verifiedBy: verifier)
/// let taken = try await inbox.take(body, header: { request.headers[$0] }) { event in
///     AppendRequest([.init(stream: "order-7", event: try paid(event))])
/// }
/// ```
/// The message is verified first. Then the event and its results are recorded in one append. So a message whose
/// handling failed left nothing, and its next attempt is taken. The id of the recorded event is computed from its
/// `source` and `id`, so a repeat is recognized for ever, also after a restart.
public struct Inbox: Sendable {
    /// What became of an event.
    public enum Outcome: Hashable, Sendable {
        /// It was recorded, with its results.
        case taken(Receipt)
        /// It had been recorded before, at this position. Answer as for the first time.
        case repeated(Position)
    }

    /// What a store gives, and no sender.
    private static let given: Set<String> = ["position", "revision", "sillokid", "silloktime", "silloklayout"]

    private let stream: StreamID
    private let store: any EventStore
    private let verifier: WebhookVerifier
    private let hopLimit: Int

    /// Creates an inbox.
    ///
    /// - Parameters:
    ///   - name: its name. The events are recorded in the stream `inbox-` and this name.
    ///   - store: where they are recorded.
    ///   - verifier: what verifies messages.
    ///   - hopLimit: the maximum number of hops of an event. An event with more is refused, so that two systems that
    ///     answer each other stop. A hop is a step of a process, or a webhook between systems, that led to the event.
    public init(
        _ name: String, in store: any EventStore, verifiedBy verifier: WebhookVerifier, hopLimit: Int = 100
    ) {
        self.hopLimit = hopLimit
        stream = StreamID("inbox", name)
        self.store = store
        self.verifier = verifier
    }

    /// Verifies a message and takes its events, each once.
    ///
    /// - Parameters:
    ///   - body: the body as it came: a CloudEvent in JSON, or an array of them.
    ///   - header: returns the value of a header, whose name it gets in lower case.
    ///   - results: returns what is appended together with the event, and under which condition. It is not called for
    ///     an event that was taken before.
    /// - Returns: the outcome of each event, in the order of the body.
    /// - Throws: `WebhookRefusal` if the message is not signed, is not a CloudEvent, or has too many hops: answer
    ///   400. Errors of `results` and `AppendError`: answer 500, so that it comes again.
    @discardableResult
    public func take(
        _ body: [UInt8], header: (String) -> String?,
        _ results: (EventData) async throws -> AppendRequest = { _ in AppendRequest([]) }
    ) async throws -> [Outcome] {
        try verifier.verify(body, header: header)
        var outcomes: [Outcome] = []
        for event in try events(in: body) { outcomes.append(try await take(event, results)) }
        return outcomes
    }

    private func take(
        _ event: EventData, _ results: (EventData) async throws -> AppendRequest
    ) async throws -> Outcome {
        if let known = try await store.event(event.id) { return .repeated(known.position) }
        guard event.metadata.hops <= hopLimit else {
            throw WebhookRefusal(
                "\(event.metadata.hops) hops led to the event; the limit is \(hopLimit). Do systems answer "
                    + "each other?")
        }
        var request = try await Metadata.$current.withValue(event.metadata.hopsOnly) { try await results(event) }
        for index in request.entries.indices where request.entries[index].event.metadata.hops < event.metadata.hops {
            request.entries[index].event.metadata.hops = event.metadata.hops
        }
        request.entries.insert(.init(stream: stream, event: event), at: 0)
        do {
            return .taken(try await store.append(request))
        } catch {
            // Another attempt of the message may have been faster.
            if let known = try await store.event(event.id) { return .repeated(known.position) }
            throw error
        }
    }

    private func events(in body: [UInt8]) throws -> [EventData] {
        do {
            let value = try JSONReader(body).root
            return try (value.elements ?? [value]).map(event)
        } catch let error as InvalidLine {
            throw WebhookRefusal("The message is not a CloudEvent: \(error).")
        } catch let error as JSONSyntaxError {
            throw WebhookRefusal("The message is not JSON: \(error).")
        }
    }

    /// Returns the event of an object. The sender does not choose a stream, so its subject is metadata.
    private func event(_ value: JSONReader.Value) throws -> EventData {
        guard let members = value.members else { throw InvalidLine("an event is a JSON object") }
        var json = JSONWriter()
        json.beginObject()
        for (key, value) in members where !Self.given.contains(key) && key != "subject" {
            json.key(key)
            json.raw(value.raw)
        }
        json.endObject()
        let names = Set(members.map(\.key))
        guard names.isSuperset(of: ["specversion", "id", "source"]) else {
            throw InvalidLine("\"specversion\", \"id\" or \"source\" is missing")
        }
        var event = try CloudEvent.posted(try JSONReader(json.bytes).root, to: nil, id: EventID()).entry.event
        event.metadata["subject"] = members.first { $0.key == "subject" }?.value.string
        return event
    }
}

extension Metadata {
    /// The context of this task, with the hops of an event.
    fileprivate var hopsOnly: Metadata {
        var context = Metadata.current
        if hops > 0 { context.hops = hops }
        return context
    }
}
