package import SillokCore

/// The messages of `sillok.v1`, converted from and to values of the core. See `Protos/sillok.proto`.
package enum Remote {
    /// An event to append.
    package struct Event: ProtobufReadable {
        /// `nil` if the message has no id.
        package var id: EventID?
        package var type = ""
        package var tags: [EventTag] = []
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
            case 3: tags.append(EventTag(try reader.text(field)))
            case 4: metadata.append(try reader.message(field))
            case 5: contentType = try reader.text(field)
            case 6: payload = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }

        /// Returns the event as a value of the core. A message without an id, or with a repeated key, is malformed.
        package func data() throws(ProtobufError) -> EventData {
            guard let metadata = Metadata(metadata) else { throw .repeatedKey }
            guard let id else { throw .malformedID(field: 1) }
            return EventData(
                id: id, type: EventType(type), tags: tags, metadata: metadata,
                contentType: ContentType(contentType), payload: payload)
        }
    }

    /// A recorded event.
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
            case 2: item.category = StreamCategory(try reader.text(field))
            case 3: item.types.append(EventType(try reader.text(field)))
            case 4: item.tags.append(EventTag(try reader.text(field)))
            default: try reader.skip(field)
            }
        }
    }
}

extension ProtobufReader {
    /// Reads an id of 16 bytes.
    package mutating func id<ID: UniqueID>(_ field: Field) throws(ProtobufError) -> ID {
        guard let id = ID(bytes: try bytes(field)) else { throw .malformedID(field: field.number) }
        return id
    }

    /// Reads a count, clamped to the range of `Int`.
    package mutating func count(_ field: Field) throws(ProtobufError) -> Int { Int(clamping: try signed(field)) }
}

extension ProtobufWriter {
    /// Writes an id as 16 bytes.
    package mutating func id(_ field: UInt32, _ id: some UniqueID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bytes(field, $0) }
    }

    /// Writes an event to append.
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

    /// Writes a recorded event.
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

    /// Writes a query.
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
