package import SillokCore
package import SillokJSON

/// Writes recorded events as lines of JSON: one CloudEvents 1.0 object each, the same bytes for the same event always.
///
/// ```json
/// {"specversion":"1.0","id":"0197…","source":"urn:uuid:…","type":"deposited","subject":"account-42",
///  "time":"2026-11-23T09:15:00.000250Z","datacontenttype":"application/json","position":7,"revision":3,
///  "tags":["owner:ada"],"metadata":{"actor":"ada"},"data":{"amount":100}}
/// ```
/// What an event does not have is left out: `subject` and `revision` without a stream, empty `tags` and `metadata`,
/// `datacontenttype` and `data` without a payload.
///
/// An event with an identity of its own (see ``CloudEventIdentity``) is written with the attributes that it came with.
/// Its id in the store and its recorded time are then `sillokid` and `silloktime`.
package struct CloudEventWriter: Sendable {
    /// The prefix that import adds to the source of an event to track it, and that export removes again.
    package static let trackingPrefix = "import:"

    private let source: String

    /// What is written so far.
    package var json = JSONWriter()

    /// Writes the events of a store.
    package init(store: StoreID) { source = CloudEventIdentity.storePrefix + store.description }

    /// Takes the lines that are written so far away.
    package mutating func take() -> [UInt8] {
        defer { json.bytes.removeAll(keepingCapacity: true) }
        return json.bytes
    }

    /// Writes one line.
    package mutating func write(_ event: RecordedEvent) {
        writeObject(event)
        json.endLine()
    }

    /// Writes the object of an event, without an end of the line.
    package mutating func writeObject(_ event: RecordedEvent) {
        let envelope = CloudEventEnvelope(of: event.data)
        json.beginObject()
        field("specversion", "1.0")
        field("id", envelope?.id ?? event.id.description)
        field("source", givenSource(of: event, envelope) ?? origin(of: event))
        field("type", event.type.text)
        if let stream = event.stream { field("subject", stream.text) }
        if envelope?.id == nil { field("time", event.recordedAt.description) }
        for (name, value, type) in event.givenAttributes(envelope) { write(name, value, type) }
        if event.showsContentType(envelope) { field("datacontenttype", event.contentType.text) }
        if envelope?.id != nil {
            field("sillokid", event.id.description)
            field("silloktime", event.recordedAt.description)
        }
        json.key("position")
        json.integer(event.position.value)
        if event.stream != nil {
            json.key("revision")
            json.integer(event.revision.value)
        }
        write(tags: event.tags)
        write(metadata: event.freeMetadata(envelope))
        write(payload: event.payload, as: event.dataForm(envelope), inLine: true)
        json.endObject()
    }

    /// Writes an event with nothing but what the standard knows: attributes are strings, integers and truths, and the
    /// payload is unchanged, so that the object may have several lines.
    package mutating func writeStandard(_ event: RecordedEvent) {
        json.beginObject()
        for (name, value, type) in standardAttributes(of: event) { write(name, value, type) }
        write(payload: event.payload, as: event.dataForm(CloudEventEnvelope(of: event.data)), inLine: false)
        json.endObject()
    }

    /// The attributes of an event as the standard has them, `datacontenttype` among them where it is known.
    ///
    /// Metadata that can be an attribute is one. The tags, and what else there is of metadata, are JSON in a string.
    package func standardAttributes(
        of event: RecordedEvent
    ) -> [(name: String, value: String, type: CloudEventEnvelope.AttributeType)] {
        let envelope = CloudEventEnvelope(of: event.data)
        var attributes: [(name: String, value: String, type: CloudEventEnvelope.AttributeType)] = [
            ("specversion", "1.0", .string), ("id", envelope?.id ?? event.id.description, .string),
            ("source", givenSource(of: event, envelope) ?? origin(of: event), .string),
            ("type", event.type.text, .string),
        ]
        if let stream = event.stream { attributes.append(("subject", stream.text, .string)) }
        if envelope?.id == nil { attributes.append(("time", event.recordedAt.description, .string)) }
        attributes += event.givenAttributes(envelope)
        if event.showsContentType(envelope) { attributes.append(("datacontenttype", event.contentType.text, .string)) }
        if envelope?.id != nil {
            attributes.append(("sillokid", event.id.description, .string))
            attributes.append(("silloktime", event.recordedAt.description, .string))
        }
        attributes.append(("position", event.position.description, .string))
        if event.stream != nil { attributes.append(("revision", event.revision.description, .string)) }
        var names = Set(attributes.map(\.name)).union(CloudEventWriter.reserved)
        var rest = Metadata()
        for (key, value) in event.freeMetadata(envelope).entries {
            if key.isAttributeName, names.insert(key).inserted {
                attributes.append((key, value, .string))
            } else {
                rest[key] = value
            }
        }
        var json = CloudEventWriter(source: source)
        json.write(tags: event.tags, isNamed: false)
        if let tags = json.takeText() { attributes.append(("tags", tags, .string)) }
        json.write(metadata: rest, isNamed: false)
        if let metadata = json.takeText() { attributes.append(("metadata", metadata, .string)) }
        return attributes
    }

    /// Names that a store gives a meaning to, and those of the payload: no other attribute is written under them.
    package static let reserved: Set = [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "data_base64", "position",
        "revision", "tags", "metadata", "sillokid", "silloktime", "silloklayout",
    ]

    private init(source: String) { self.source = source }

    private mutating func takeText() -> String? {
        let bytes = take()
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private func givenSource(of event: RecordedEvent, _ envelope: CloudEventEnvelope?) -> String? {
        envelope?.id == nil ? nil : event.metadata["source"]
    }

    /// The store in which the event was recorded first: of an imported event, the one that it came from.
    private func origin(of event: RecordedEvent) -> String {
        guard let tracked = event.tracking?.source.text, tracked.hasPrefix(Self.trackingPrefix) else { return source }
        return String(tracked.dropFirst(Self.trackingPrefix.count))
    }

    private mutating func field(_ key: String, _ value: String) {
        json.key(key)
        json.string(value)
    }

    private mutating func write(_ name: String, _ value: String, _ type: CloudEventEnvelope.AttributeType) {
        json.key(name)
        switch type {
        case .string: json.string(value)
        case .integer, .boolean: json.raw(value.utf8)
        }
    }

    private mutating func write(tags: [EventTag], isNamed: Bool = true) {
        if tags.isEmpty { return }
        if isNamed { json.key("tags") }
        json.beginArray()
        for tag in tags { json.string(tag.text) }
        json.endArray()
    }

    private mutating func write(metadata: Metadata, isNamed: Bool = true) {
        if metadata.isEmpty { return }
        if isNamed { json.key("metadata") }
        json.beginObject()
        for (key, value) in metadata.entries { field(key, value) }
        json.endObject()
    }

    private mutating func write(payload: [UInt8], as form: RecordedEvent.DataMember?, inLine: Bool) {
        switch form {
        case nil: return
        case .json where inLine:
            let layout = JSONLayout(of: payload)
            if let note = layout.note { field("silloklayout", note) }
            json.key("data")
            json.raw(layout.line)
        case .json:
            json.key("data")
            json.raw(payload)
        case .text(let text): field("data", text)
        case .base64: field("data_base64", Base64.text(of: payload))
        }
    }
}
