package import SillokCore

/// The messages of `sillok.v1`. Those that are values of the core are read and written as such. See
/// `Protos/sillok.proto`.
package enum Remote {
    /// The name of the service.
    package static let service = "sillok.v1.EventStore"
}

/// Events have a `write` of their own, because a page has many: it copies no part of them.
extension EventData: ProtobufMessage {
    package static let name = "Event"
    package static let unread = EventData(
        id: .unread, type: .unread, metadata: Metadata(), contentType: .unread, payload: [])
    package static let isRequired = true

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(Number.id.rawValue, "id", &id)
        try coder.field(Number.type.rawValue, "type", &type)
        try coder.field(Number.tags.rawValue, "tags", &tags)
        try coder.field(Number.metadata.rawValue, "metadata", &metadata)
        try coder.field(Number.contentType.rawValue, "content_type", &contentType)
        try coder.bytes(Number.payload.rawValue, "payload", &payload)
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        let start = writer.begin(field)
        writer.id(Number.id.rawValue, id)
        writer.text(Number.type.rawValue, type.text)
        for tag in tags { writer.text(Number.tags.rawValue, tag.text) }
        metadata.write(Number.metadata.rawValue, &writer)
        writer.text(Number.contentType.rawValue, contentType.text)
        if !payload.isEmpty { writer.bytes(Number.payload.rawValue, payload) }
        writer.end(start)
    }

    /// Writes the parts of a stored event.
    fileprivate static func write(_ field: UInt32, _ event: EventBytes, _ writer: inout ProtobufWriter) {
        let start = writer.begin(field)
        writer.id(Number.id.rawValue, event.id)
        writer.bytes(Number.type.rawValue, event.type)
        var tags = EventBytes.Texts(event.tags)
        while let tag = tags.next() { writer.bytes(Number.tags.rawValue, tag) }
        var texts = EventBytes.Texts(event.metadata)
        while let key = texts.next(), let value = texts.next() {
            MetadataEntry.write(Number.metadata.rawValue, &writer, key, value)
        }
        if let contentType = event.contentType {
            writer.bytes(Number.contentType.rawValue, contentType)
        } else {
            writer.text(Number.contentType.rawValue, ContentType.json.text)
        }
        if !event.payload.isEmpty { writer.bytes(Number.payload.rawValue, event.payload) }
        writer.end(start)
    }

    private enum Number: UInt32 { case id = 1, type, tags, metadata, contentType, payload }

    package func finish() throws(ProtobufError) { if metadata.repeatsKey { throw .repeatedKey } }
}

extension RecordedEvent: ProtobufMessage {
    package static let unread = RecordedEvent(
        position: .start, stream: nil, revision: .none, recordedAt: .unread, data: .unread)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (position, stream, revision) = (self.position, self.stream, self.revision)
        var (recordedAt, tracking, data) = (self.recordedAt, self.tracking, self.data)
        self = .unread
        try coder.field(Number.position.rawValue, "position", &position)
        try coder.field(Number.stream.rawValue, "stream", &stream)
        try coder.field(Number.revision.rawValue, "revision", &revision)
        try coder.field(Number.recordedAt.rawValue, "recorded_at", &recordedAt)
        try coder.field(Number.tracking.rawValue, "tracking", &tracking)
        try coder.field(Number.event.rawValue, "event", &data)
        self = RecordedEvent(
            position: position, stream: stream, revision: revision, recordedAt: recordedAt, tracking: tracking,
            data: data)
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        let start = writer.begin(field)
        writer.number(Number.position.rawValue, position.value)
        if let stream { writer.text(Number.stream.rawValue, stream.text) }
        writer.number(Number.revision.rawValue, revision.value)
        writer.number(Number.recordedAt.rawValue, recordedAt.wire)
        if let tracking { writer.write(Number.tracking.rawValue, tracking) }
        data.write(Number.event.rawValue, &writer)
        writer.end(start)
    }

    /// Writes the parts of a stored event.
    static func write(_ field: UInt32, _ event: EventBytes, _ writer: inout ProtobufWriter) {
        let start = writer.begin(field)
        writer.number(Number.position.rawValue, event.position.value)
        if let stream = event.stream { writer.bytes(Number.stream.rawValue, stream) }
        writer.number(Number.revision.rawValue, event.revision.value)
        writer.number(Number.recordedAt.rawValue, event.recordedAt.wire)
        if let (source, position) = event.tracking {
            let source = TrackingSource(String(decoding: source, as: UTF8.self))
            writer.write(Number.tracking.rawValue, Tracking(source: source, position: position))
        }
        EventData.write(Number.event.rawValue, event, &writer)
        writer.end(start)
    }

    private enum Number: UInt32 { case position = 1, stream, revision, recordedAt, tracking, event }
}

extension Tracking: ProtobufMessage {
    package static let unread = Tracking(source: .unread, position: 0)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (source, position, event) = (self.source, self.position, self.event)
        try coder.field(1, "source", &source)
        try coder.field(2, "position", &position)
        try coder.field(3, "event", &event)
        self = Tracking(source: source, position: position, event: event)
    }
}

extension EventQuery: ProtobufMessage {
    package static let name = "Query"
    package static let unread = EventQuery([])

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "items", &items)
    }
}

extension EventQuery.Item: ProtobufMessage {
    package static let name = "QueryItem"
    package static let unread = EventQuery.Item()

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "stream", &stream)
        try coder.field(2, "category", &category)
        try coder.field(3, "types", &types)
        try coder.field(4, "tags", &tags)
    }
}
