package import SillokCloudEvents
package import SillokCore
import SillokJSON

/// Appends as JSON, as a client sends them to a server. Their events are read without a detour, because there are many.
///
/// ```json
/// {"events": [{"type": "deposited", "subject": "account-42", "data": {"cents": 100}}],
///  "condition": {"revisions": {"account-42": 3},
///                "unchanged": [{"query": {"items": [{"tags": ["course:7"]}]}, "since": 17}]},
///  "tracking": {"source": "billing", "position": 12}}
/// ```
package enum Asking {
    /// The form of an append: our own, or one that CloudEvents defines.
    package enum Form: Sendable {
        /// The object above, a single event, or an array of events.
        case any
        /// `application/cloudevents+json`: one event.
        case event
        /// `application/cloudevents-batch+json`: an array of events.
        case batch
    }

    /// An append as requested by a client.
    package struct Append: Sendable {
        /// The request for the store.
        package var request: AppendRequest
        /// Events by their index, as earlier versions would have recorded them. See ``CloudEvent/former``.
        package var former: [Int: EventData] = [:]

        /// Creates an append of some events.
        package init(_ events: [CloudEvent]) {
            request = AppendRequest(events.map(\.entry))
            take(events)
        }

        fileprivate mutating func take(_ events: [CloudEvent]) {
            request.entries = events.map(\.entry)
            for (index, event) in events.enumerated() { former[index] = event.former }
        }
    }

    /// Parses an append.
    ///
    /// - Parameters:
    ///   - bytes: the JSON.
    ///   - form: the expected form.
    ///   - stream: the stream of events that name none.
    ///   - id: returns the id for an event that has none, by its index in the append.
    /// - Throws: `InvalidLine`.
    package static func append(
        _ bytes: [UInt8], as form: Form = .any, to stream: StreamID? = nil, id: (Int) -> EventID
    ) throws -> Append {
        let root = try CloudEvent.value(of: bytes)
        if root.elements != nil, form != .event { return Append(try entries(root, stream, id)) }
        if form == .batch { throw InvalidLine("a batch of CloudEvents must be an array") }
        guard let members = root.members else {
            throw InvalidLine("an append must be a JSON object or an array of events")
        }
        guard form == .any, members.contains(where: { $0.key == "events" }) else {
            return Append([try CloudEvent.posted(root, to: stream, id: id(0))])
        }
        var append = Append([])
        for (key, value) in members {
            switch key {
            case "events": append.take(try entries(value, stream, id))
            case "condition": append.request.condition = try API.Condition.read(value, "a condition").condition
            case "tracking" where value.isNull: append.request.tracking = nil
            case "tracking": append.request.tracking = try API.Tracking.read(value, "\"tracking\"").tracking
            default: throw InvalidLine("an append has no member \"\(key)\": remove it")
            }
        }
        return append
    }

    private static func entries(
        _ value: JSONReader.Value, _ stream: StreamID?, _ id: (Int) -> EventID
    ) throws -> [CloudEvent] {
        guard let elements = value.elements else { throw InvalidLine("\"events\" is not an array") }
        var entries: [CloudEvent] = []
        entries.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                entries.append(try CloudEvent.posted(element, to: stream, id: id(index)))
            } catch let error as InvalidLine {
                throw InvalidLine("event \(index) of the append: \(error)")
            }
        }
        return entries
    }
}
