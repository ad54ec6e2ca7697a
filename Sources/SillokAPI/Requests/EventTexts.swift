import SillokCloudEvents
package import SillokCore
package import SillokJSON

/// The form of JSON that is written and read without Codable, or of a body that is not JSON.
package protocol WrittenForm: Sendable {
    /// The name of the schema; empty if it has none of its own.
    static var name: String { get }
    /// Returns the schema.
    static func schema(in components: inout SchemaComponents) -> JSONValue
}

/// JSON of a form.
package struct Written<Form: WrittenForm>: Described {
    private let text: JSONText

    fileprivate init(_ bytes: [UInt8]) { text = JSONText(bytes) }

    package init(from decoder: any Decoder) throws { text = try JSONText(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try text.encode(to: encoder) }

    package static func schema(in components: inout SchemaComponents) -> JSONValue {
        if Form.name.isEmpty { return Form.schema(in: &components) }
        return components.reference(Form.name) { Form.schema(in: &$0) }
    }

    package static func example() -> Written { Written(Array("null".utf8)) }
}

extension API {
    /// A recorded event.
    package typealias Event = Written<EventForm>
    /// Recorded events.
    package typealias Events = Written<EventsForm>
    /// An event to append.
    package typealias NewEvent = Written<NewEventForm>
    /// An event in the form of the CloudEvents standard.
    package typealias CloudEvent = Written<CloudEventForm>
    /// Events in the form of the CloudEvents standard.
    package typealias CloudEvents = Written<CloudEventsForm>
    /// The body of an append.
    package typealias Append = Written<AppendForm>
    /// Server-sent events.
    package typealias EventStream = Written<EventStreamForm>
    /// A body that is not JSON.
    package typealias Text = Written<TextForm>

    package enum EventForm: WrittenForm {
        package static let name = "Event"
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            let position = PlaceNumber.form
            return [
                "type": "object",
                "properties": [
                    "specversion": text, "id": text, "source": text, "type": text, "subject": text, "time": time,
                    "datacontenttype": text, "position": position, "revision": position,
                    "tags": ["type": ["array", "string"]], "metadata": ["type": "object"], "data": [:],
                    "data_base64": text, "sillokid": ["type": "string", "format": "uuid"], "silloktime": time,
                    "silloklayout": text,
                ],
                "required": ["specversion", "id", "source", "type", "position"], "additionalProperties": attribute,
            ]
        }
    }

    package enum EventsForm: WrittenForm {
        package static let name = ""
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            ["type": "array", "items": Event.schema(in: &components)]
        }
    }

    package enum NewEventForm: WrittenForm {
        package static let name = "NewEvent"
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            [
                "type": "object",
                "properties": [
                    "specversion": ["const": "1.0"], "id": ["type": "string", "minLength": 1],
                    "type": SchemaComponents.name(of: EventType.self),
                    "subject": SchemaComponents.name(of: StreamID.self),
                    "source": text, "time": text, "datacontenttype": SchemaComponents.name(of: EventType.self),
                    "tags": ["type": "array", "items": SchemaComponents.name(of: EventTag.self), "maxItems": 64],
                    "metadata": ["type": "object", "additionalProperties": text], "data": [:], "data_base64": text,
                ],
                "required": ["type"], "additionalProperties": attribute,
            ]
        }
    }

    /// Every other member is an attribute of the producer.
    package enum CloudEventForm: WrittenForm {
        package static let name = "CloudEvent"
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            let optionalText: JSONValue = ["type": ["string", "null"]]
            return [
                "type": "object",
                "properties": [
                    "specversion": ["const": "1.0"], "id": ["type": "string", "minLength": 1],
                    "source": ["type": "string", "minLength": 1], "type": SchemaComponents.name(of: EventType.self),
                    "subject": ["type": ["string", "null"], "minLength": 1, "maxLength": 512],
                    "time": ["type": ["string", "null"], "format": "date-time"], "datacontenttype": optionalText,
                    "data": [:], "data_base64": optionalText,
                ],
                "required": ["specversion", "id", "source", "type"], "additionalProperties": attribute,
            ]
        }
    }

    package enum CloudEventsForm: WrittenForm {
        package static let name = "CloudEvents"
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            ["type": "array", "items": CloudEvent.schema(in: &components)]
        }
    }

    package enum AppendForm: WrittenForm {
        package static let name = "Append"
        package static func schema(in components: inout SchemaComponents) -> JSONValue {
            let event = NewEvent.schema(in: &components)
            return [
                "anyOf": [
                    AppendRequest.schema(in: &components), event,
                    ["type": "array", "items": event, "minItems": 1, "maxItems": 1000],
                ]
            ]
        }
    }

    package enum EventStreamForm: WrittenForm {
        package static let name = "EventStream"
        package static func schema(in components: inout SchemaComponents) -> JSONValue { text }
    }

    package enum TextForm: WrittenForm {
        package static let name = "Text"
        package static func schema(in components: inout SchemaComponents) -> JSONValue { text }
    }

    private static let text: JSONValue = ["type": "string"]
    private static let time: JSONValue = ["type": "string", "format": "date-time"]
    private static let attribute: JSONValue = ["type": ["string", "integer", "boolean", "null"]]
}

extension API.Event {
    /// The text of an event of a store.
    package init(_ event: RecordedEvent, of store: StoreID) { self.init(store) { $0.writeObject(event) } }
}

extension API.Events {
    /// The text of events of a store.
    package init(_ events: [RecordedEvent], of store: StoreID) {
        self.init(store) { $0.array(events) { $0.writeObject($1) } }
    }
}

extension API.CloudEvent {
    /// The text of an event of a store.
    package init(_ event: RecordedEvent, of store: StoreID) { self.init(store) { $0.writeStandard(event) } }
}

extension API.CloudEvents {
    /// The text of events of a store.
    package init(_ events: [RecordedEvent], of store: StoreID) {
        self.init(store) { $0.array(events) { $0.writeStandard($1) } }
    }
}

extension Written {
    fileprivate init(_ store: StoreID, _ write: (inout CloudEventWriter) -> Void) {
        var writer = CloudEventWriter(store: store)
        write(&writer)
        self.init(writer.take())
    }
}

extension CloudEventWriter {
    fileprivate mutating func array(_ events: [RecordedEvent], _ write: (inout CloudEventWriter, RecordedEvent) -> Void)
    {
        json.beginArray()
        for event in events { write(&self, event) }
        json.endArray()
    }
}
