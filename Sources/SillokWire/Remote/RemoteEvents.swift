package import SillokCore

/// The messages of `sillok.v1`, read into the words of the core and written from them. See `Protos/sillok.proto`.
package enum Remote {
    /// An event on its way in.
    package struct Event: ProtobufReadable {
        /// `nil` if the message has none.
        package var id: EventID?
        package var type = ""
        package var tags: [Tag] = []
        package var metadata: [MetadataEntry] = []
        package var contentType = ""
        package var payload: [UInt8] = []

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: id = try reader.id(field)
            case 2: type = try reader.text(field)
            case 3: tags.append(Tag(try reader.text(field)))
            case 4: metadata.append(try reader.message(field))
            case 5: contentType = try reader.text(field)
            case 6: payload = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }

        /// The event in our words. A message without an id is malformed, and so is one with a key that comes twice.
        package func data() throws(ProtobufError) -> EventData {
            guard let metadata = Metadata(metadata) else { throw .repeatedKey }
            guard let id else { throw .malformedID(field: 1) }
            return EventData(
                id: id, type: EventType(type), tags: tags, metadata: metadata,
                contentType: ContentType(contentType), payload: payload)
        }
    }

    /// An event as a store keeps it.
    package struct Recorded: ProtobufReadable {
        private var position: UInt64 = 0
        private var stream: String?
        private var revision: UInt64 = 0
        private var recordedAt: Int64 = 0
        private var tracking: TrackingInfo?
        private var event = Event()

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: position = try reader.number(field)
            case 2: stream = try reader.text(field)
            case 3: revision = try reader.number(field)
            case 4: recordedAt = try reader.signed(field)
            case 5: try reader.message(field, into: &tracking)
            case 6: try reader.message(field, into: &event)
            default: try reader.skip(field)
            }
        }

        package func recorded() throws(ProtobufError) -> RecordedEvent {
            RecordedEvent(
                position: Position(position), stream: stream.map { StreamID($0) }, revision: Revision(revision),
                recordedAt: Timestamp(microsecondsSince1970: recordedAt), tracking: tracking?.tracking,
                data: try event.data())
        }
    }

    /// A query.
    package struct Query: ProtobufReadable {
        package var query = EventQuery([])

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1:
                try reader.expectRoom(field, after: query.items.count)
                query.items.append(try reader.message(field, as: QueryItem.self).item)
            default: try reader.skip(field)
            }
        }
    }

    private struct QueryItem: ProtobufReadable {
        var item = EventQuery.Item()

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: item.stream = StreamID(try reader.text(field))
            case 2: item.category = Category(try reader.text(field))
            case 3: item.types.append(EventType(try reader.text(field)))
            case 4: item.tags.append(Tag(try reader.text(field)))
            default: try reader.skip(field)
            }
        }
    }
}

extension ProtobufReader {
    /// An id of 16 bytes.
    package mutating func id<ID: UniqueID>(_ field: Field) throws(ProtobufError) -> ID {
        guard let id = ID(bytes: try bytes(field)) else { throw .malformedID(field: field.number) }
        return id
    }

    /// A count; one beyond the range of `Int` as its end.
    package mutating func count(_ field: Field) throws(ProtobufError) -> Int { Int(clamping: try signed(field)) }
}

extension ProtobufWriter {
    /// An id as 16 bytes.
    package mutating func id(_ field: UInt32, _ id: some UniqueID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bytes(field, $0) }
    }

    /// An event on its way in.
    package mutating func write(_ field: UInt32, _ event: EventData) {
        let mark = begin(field)
        id(1, event.id)
        text(2, event.type.text)
        for tag in event.tags { text(3, tag.text) }
        write(4, event.metadata)
        text(5, event.contentType.text)
        if !event.payload.isEmpty { bytes(6, event.payload) }
        end(mark)
    }

    /// An event as a store keeps it.
    package mutating func write(_ field: UInt32, _ event: RecordedEvent) {
        let mark = begin(field)
        number(1, event.position.value)
        if let stream = event.stream { text(2, stream.text) }
        number(3, event.revision.value)
        signed(4, event.recordedAt.microsecondsSince1970)
        if let tracking = event.tracking { write(5, tracking) }
        write(6, event.data)
        end(mark)
    }

    /// A query.
    package mutating func write(_ field: UInt32, _ query: EventQuery) {
        let mark = begin(field)
        for item in query.items {
            let part = begin(1)
            if let stream = item.stream { text(1, stream.text) }
            if let category = item.category { text(2, category.text) }
            for type in item.types { text(3, type.text) }
            for tag in item.tags { text(4, tag.text) }
            end(part)
        }
        end(mark)
    }
}
