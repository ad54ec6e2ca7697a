package import SillokCore

/// Writes recorded events as lines of JSON: one CloudEvents 1.0 object each, the same bytes for the same event always.
///
/// ```json
/// {"specversion":"1.0","id":"0197…","source":"urn:uuid:…","type":"deposited","subject":"account-42",
///  "time":"2026-11-23T09:15:00.000250Z","datacontenttype":"application/json","position":7,"revision":3,
///  "tags":["owner:ada"],"metadata":{"actor":"ada"},"data":{"amount":100}}
/// ```
/// What is not there is left out: `subject` and `revision` without a stream, `tags` and `metadata` when empty.
package struct CloudEventWriter: Sendable {
    /// What import puts before the source of an event to track it; what export takes away again.
    package static let trackingPrefix = "import:"

    /// What may stand around a JSON value and would get lost when the line is read.
    private static let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]

    private let source: String

    /// What is written so far.
    package var json = JSONWriter()

    /// Writes the events of a store.
    package init(store: StoreID) { source = "urn:uuid:\(store)" }

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
        json.beginObject()
        field("specversion", "1.0")
        field("id", event.id.description)
        field("source", origin(of: event))
        field("type", event.type.text)
        if let stream = event.stream { field("subject", stream.text) }
        field("time", event.recordedAt.description)
        field("datacontenttype", event.contentType.text)
        json.key("position")
        json.integer(event.position.value)
        if event.stream != nil {
            json.key("revision")
            json.integer(event.revision.value)
        }
        write(tags: event.tags)
        write(metadata: event.metadata)
        write(payload: event.payload, as: event.contentType)
        json.endObject()
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

    private mutating func write(tags: [Tag]) {
        if tags.isEmpty { return }
        json.key("tags")
        json.beginArray()
        for tag in tags { json.string(tag.text) }
        json.endArray()
    }

    private mutating func write(metadata: Metadata) {
        if metadata.isEmpty { return }
        json.key("metadata")
        json.beginObject()
        for (key, value) in metadata.entries { field(key, value) }
        json.endObject()
    }

    /// A payload of JSON stands as it is, if reading the line gives back the same bytes; any other in Base64.
    private mutating func write(payload: [UInt8], as type: ContentType) {
        if type.isJSON && Self.canStandInLine(payload) {
            json.key("data")
            json.raw(payload)
        } else {
            field("data_base64", Base64.text(of: payload))
        }
    }

    private static func canStandInLine(_ payload: [UInt8]) -> Bool {
        guard let first = payload.first, let last = payload.last, !space.contains(first), !space.contains(last),
            !payload.contains(0x0A), !payload.contains(0x0D)
        else { return false }
        // Within one more level, as it will stand in the line.
        return JSONReader.isValue([UInt8(ascii: "[")] + payload + [UInt8(ascii: "]")]) && JSONReader.isValue(payload)
    }
}

extension ContentType {
    /// Whether CloudEvents reads it as JSON: `application/json`, `text/json`, `application/vnd.shop+json; charset=utf-8`.
    package var isJSON: Bool {
        if self == .json { return true }
        let type = text.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type.hasSuffix("/json") || type.hasSuffix("+json")
    }
}
