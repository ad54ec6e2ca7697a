package import SillokCore
package import SillokJSON

/// The requests and answers of the HTTP API. The name of a type is that of its schema in the OpenAPI document.
package enum API {
    /// A query: events that match any of its items; all events without items.
    package struct Query: Message {
        let items: [QueryItem]?

        package static let keywords: [String: JSONObject] = ["items": ["maxItems": 100]]

        var query: EventQuery {
            items.map { items in
                EventQuery(
                    items.map {
                        EventQuery.Item(
                            stream: $0.stream, category: $0.category, types: $0.types ?? [], tags: $0.tags ?? [])
                    })
            } ?? .all
        }
    }

    /// An alternative of a query.
    package struct QueryItem: Message {
        let stream: StreamID?
        let category: StreamCategory?
        let types: [EventType]?
        let tags: [EventTag]?

        package static let keywords: [String: JSONObject] = ["types": ["maxItems": 100], "tags": ["maxItems": 64]]
    }

    /// A read of events.
    package struct Read: Message {
        let query: Query?
        let after: Mark?
        let before: PlaceNumber?
        let direction: Direction?
        package let limit: PlaceNumber?

        package static let keywords: [String: JSONObject] = ["limit": ["minimum": 1, "maximum": 1000]]

        /// The request for the store, which reads a number of events unless the body has another limit.
        package func request(limit: Int) -> ReadRequest {
            ReadRequest(
                query?.query ?? .all,
                after: after.map { $0.mark.id == nil ? .position($0.mark.position) : .mark($0.mark) },
                before: before.map { .position(Position($0.value)) },
                direction: direction?.direction ?? .forward,
                limit: self.limit.map { Int(clamping: $0.value) } ?? limit)
        }
    }

    /// The order of a read.
    package enum Direction: String, Described {
        case forward, backward

        package var direction: ReadRequest.Direction { self == .forward ? .forward : .backward }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let text = try? container.decode(String.self), let direction = Direction(rawValue: text) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "must be \"forward\" or \"backward\"")
            }
            self = direction
        }

        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            ["enum": ["forward", "backward"]]
        }
        package static func example() -> Direction { .forward }
    }

    /// A position, or a token of a position and the id of its event.
    package struct Mark: Described {
        let mark: EventMark

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(PlaceNumber.self) {
                mark = EventMark(position: Position(number.value), id: nil)
                return
            }
            guard let mark = try? container.decode(EventMark.self), mark.position.value < 1 << 63 else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "is neither a position below 2^63 nor a token")
            }
            self.mark = mark
        }

        init(_ mark: EventMark) { self.mark = mark }

        package func encode(to encoder: any Encoder) throws { try mark.encode(to: encoder) }

        /// The pattern of a token or a position as a text.
        package static let pattern = "^[0-9]{1,18}(@[0-9A-Fa-f-]{36})?$"

        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            ["anyOf": [PlaceNumber.form, ["type": "string", "pattern": .string(pattern)]]]
        }
        package static func example() -> Mark { Mark(.start) }
    }

    /// What must still hold when events are appended.
    package struct Condition: Message {
        let revisions: Members<PlaceNumber>?
        let unchanged: [Unchanged]?

        package static let keywords: [String: JSONObject] = ["unchanged": ["maxItems": 100]]

        var condition: AppendCondition {
            var condition = AppendCondition.always
            for (name, revision) in revisions?.entries ?? [] {
                condition.revisions[StreamID(name)] = Revision(revision.value)
            }
            condition.unchanged = (unchanged ?? []).map {
                var unchanged = AppendCondition.Unchanged($0.query.query, since: .start)
                if let since = $0.since { unchanged.seen = since.mark }
                return unchanged
            }
            return condition
        }
    }

    /// A query that must have no events after a position.
    package struct Unchanged: Message {
        let query: Query
        let since: Mark?
    }

    /// How far another log has been consumed.
    package struct Tracking: Message {
        let source: TrackingSource
        let position: PlaceNumber
        let event: EventID?

        package init(_ tracking: SillokCore.Tracking) {
            (source, position, event) = (tracking.source, PlaceNumber(tracking.position), tracking.event)
        }

        var tracking: SillokCore.Tracking {
            SillokCore.Tracking(source: source, position: position.value, event: event)
        }
    }

    /// An append with a condition.
    package struct AppendRequest: Message {
        let events: [NewEvent]
        let condition: Condition?
        let tracking: Tracking?

        package static let keywords: [String: JSONObject] = ["events": ["maxItems": 1000]]
    }

    /// Why an operator does something.
    package struct Reason: Message {
        package let reason: String

        package static let keywords: [String: JSONObject] = ["reason": ["minLength": 1, "maxLength": 1000]]
    }

    /// What an operator has found out about an effect.
    package struct EffectAnswer: Message {
        package let reason, result: String

        package static let keywords: [String: JSONObject] = Reason.keywords.merging(["result": ["maxLength": 16384]]) {
            $1
        }
    }

    /// How a parked instance continues.
    package struct Release: Message {
        package let reason: String
        /// Whether the input that parked it is left out.
        package let skippingInput: Bool?

        package static let keywords = Reason.keywords
    }

    /// From where events are sent again.
    package struct Redrive: Message {
        package let reason: String
        package let position: PlaceNumber

        package static let keywords = Reason.keywords
    }

    /// A payload to project instead of that of an event, and why.
    package struct Replacement: Message {
        package let reason, payload: String

        package static let keywords = Reason.keywords
    }

    /// A key or a token that a page sends once.
    package struct SignIn: Message {
        package let token: String
    }

    /// A key to make.
    package struct NewKey: Message {
        package let name, scopes: String
        package let resources: String?
        package let expires: Timestamp?

        package static let keywords: [String: JSONObject] = ["name": ["minLength": 1, "maxLength": 200]]
    }
}
