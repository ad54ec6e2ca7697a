package import SillokCloudEvents
package import SillokCore
package import SillokJSON

/// The requests of a client to a server, as JSON.
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
        let root = try json(bytes)
        if root.elements != nil, form != .event { return Append(try entries(root, stream, id)) }
        if form == .batch { throw InvalidLine("a batch of CloudEvents is an array") }
        guard let members = root.members else { throw InvalidLine("an append is a JSON object or an array of events") }
        guard form == .any, members.contains(where: { $0.key == "events" }) else {
            return Append([try CloudEvent.posted(root, to: stream, id: id(0))])
        }
        var append = Append([])
        for (key, value) in members {
            switch key {
            case "events": append.take(try entries(value, stream, id))
            case "condition": append.request.condition = try condition(value)
            case "tracking": append.request.tracking = try tracking(value)
            default: throw unknown(key, "an append")
            }
        }
        return append
    }

    /// Parses a read: `{"query": {"items": […]}, "after": 7, "before": 90, "direction": "backward", "limit": 100}`.
    package static func read(_ bytes: [UInt8], limit: Int) throws -> ReadRequest {
        var request = ReadRequest(.all, limit: limit)
        for (key, value) in try members(try json(bytes), "a read") {
            switch key {
            case "query": request.query = try query(value)
            case "after":
                let mark = try mark(value, key)
                request.after = mark.id == nil ? .position(mark.position) : .mark(mark)
            case "before": request.before = .position(Position(try number(value, key)))
            case "limit": request.limit = Int(clamping: try number(value, key))
            case "direction": request.direction = try direction(value.string)
            default: throw unknown(key, "a read")
            }
        }
        return request
    }

    /// Parses `forward` or `backward`.
    package static func direction(_ text: String?) throws -> ReadRequest.Direction {
        switch text {
        case "forward": .forward
        case "backward": .backward
        default: throw InvalidLine("\"direction\" is \"forward\" or \"backward\"")
        }
    }

    /// Parses the members of an object of strings, such as the reason of an administrative act.
    package static func texts(_ bytes: [UInt8], _ known: Set<String>) throws -> [String: String] {
        var texts: [String: String] = [:]
        for (key, value) in try members(try json(bytes), "the request") {
            guard known.contains(key) else { throw unknown(key, "the request") }
            texts[key] = try text(value, key)
        }
        return texts
    }

    /// Parses a JSON text.
    package static func json(_ bytes: [UInt8]) throws -> JSONReader.Value {
        do {
            return try JSONReader(bytes).root
        } catch {
            throw InvalidLine("\(error)")
        }
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

    private static func condition(_ value: JSONReader.Value) throws -> AppendCondition {
        var condition = AppendCondition.always
        for (key, value) in try members(value, "a condition") {
            switch key {
            case "revisions":
                for (stream, revision) in try members(value, "\"revisions\"") {
                    condition.revisions[StreamID(stream)] = Revision(try number(revision, "revisions"))
                }
            case "unchanged":
                guard let elements = value.elements else { throw InvalidLine("\"unchanged\" is not an array") }
                condition.unchanged = try elements.map { try unchanged($0) }
            default: throw unknown(key, "a condition")
            }
        }
        return condition
    }

    private static func unchanged(_ value: JSONReader.Value) throws -> AppendCondition.Unchanged {
        var unchanged = AppendCondition.Unchanged(EventQuery([]), since: .start)
        var hasQuery = false
        for (key, value) in try members(value, "an element of \"unchanged\"") {
            switch key {
            case "query": (unchanged.query, hasQuery) = (try query(value), true)
            case "since": unchanged.seen = try mark(value, key)
            default: throw unknown(key, "an element of \"unchanged\"")
            }
        }
        guard hasQuery else { throw InvalidLine("an element of \"unchanged\" needs a \"query\"") }
        return unchanged
    }

    private static func query(_ value: JSONReader.Value) throws -> EventQuery {
        var query = EventQuery.all
        for (key, value) in try members(value, "a query") {
            guard key == "items" else { throw unknown(key, "a query") }
            guard let elements = value.elements else { throw InvalidLine("\"items\" is not an array") }
            query.items = try elements.map { try item($0) }
        }
        return query
    }

    private static func item(_ value: JSONReader.Value) throws -> EventQuery.Item {
        var item = EventQuery.Item()
        for (key, value) in try members(value, "an item of a query") {
            switch key {
            case "stream": item.stream = StreamID(try text(value, key))
            case "category": item.category = StreamCategory(try text(value, key))
            case "types": item.types = try list(value, key).map { EventType($0) }
            case "tags": item.tags = try list(value, key).map { EventTag($0) }
            default: throw unknown(key, "an item of a query")
            }
        }
        return item
    }

    private static func tracking(_ value: JSONReader.Value) throws -> Tracking? {
        if value.isNull { return nil }
        var source: String?
        var position: UInt64?
        var event: EventID?
        for (key, value) in try members(value, "\"tracking\"") {
            switch key {
            case "source": source = try text(value, key)
            case "position": position = try number(value, key)
            case "event":
                guard let id = EventID(try text(value, key)) else { throw InvalidLine("\"event\" is not a UUID") }
                event = id
            default: throw unknown(key, "\"tracking\"")
            }
        }
        guard let source, let position else { throw InvalidLine("\"tracking\" needs a \"source\" and a \"position\"") }
        return Tracking(source: TrackingSource(source), position: position, event: event)
    }

    private static func members(
        _ value: JSONReader.Value, _ what: String
    ) throws -> [(key: String, value: JSONReader.Value)] {
        guard let members = value.members else { throw InvalidLine("\(what) is not a JSON object") }
        return members
    }

    private static func list(_ value: JSONReader.Value, _ key: String) throws -> [String] {
        guard let elements = value.elements else { throw InvalidLine("\"\(key)\" is not an array") }
        return try elements.map { try text($0, key) }
    }

    private static func text(_ value: JSONReader.Value, _ key: String) throws -> String {
        guard let text = value.string else { throw InvalidLine("\"\(key)\" is not a string") }
        return text
    }

    private static func number(_ value: JSONReader.Value, _ key: String) throws -> UInt64 {
        guard let number = value.integer(as: UInt64.self), number < 1 << 63 else {
            throw InvalidLine("\"\(key)\" is not a whole number below 2^63")
        }
        return number
    }

    /// Parses a position, or a token of a position and the id of its event, such as
    /// `"42@01890a5d-ac96-774b-bcce-b302099a8057"`.
    private static func mark(_ value: JSONReader.Value, _ key: String) throws -> EventMark {
        guard let text = value.string else { return EventMark(position: Position(try number(value, key)), id: nil) }
        guard let mark = EventMark(text), mark.position.value < 1 << 63 else {
            throw InvalidLine("\"\(key)\" is neither a position nor a token")
        }
        return mark
    }

    private static func unknown(_ key: String, _ what: String) -> InvalidLine {
        InvalidLine("\(what) has no \"\(key)\"")
    }
}
