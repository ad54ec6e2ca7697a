package import NIOCore
package import SillokCore

extension UmaDB {
    /// A batch of events on its way out, and how much it holds already. It writes the events by hand, because they are
    /// many: it copies no part of them.
    package struct BatchWriter: ~Copyable {
        private var writer: ProtobufWriter
        /// The number of events in the batch.
        package private(set) var count = 0

        package init(capacity: Int = 4096) { writer = ProtobufWriter(framed: true, capacity: capacity) }

        /// The size of the batch in bytes.
        package var bytes: Int { writer.count }

        /// Adds an event in the form in which a store shows it.
        package mutating func append(_ event: StoredEvent) {
            switch event {
            case .decoded(let event): append(event)
            case .bytes(let event): append(event)
            }
        }

        /// Adds an event.
        package mutating func append(_ event: RecordedEvent) {
            let start = writer.begin(ReadResponse.Number.events.rawValue)
            writer.number(SequencedEvent.Number.position.rawValue, event.position.value)
            let data = writer.begin(SequencedEvent.Number.event.rawValue)
            writer.text(Event.Number.type.rawValue, event.type.text)
            for tag in event.tags { writer.text(Event.Number.tags.rawValue, tag.text) }
            if !event.payload.isEmpty { writer.bytes(Event.Number.data.rawValue, event.payload) }
            let given = event.metadata.write(Event.Number.metadata.rawValue, &writer, without: uuidKey)
            writer.text(Event.Number.uuid.rawValue, given ?? event.id.description)
            if let stream = event.stream {
                MetadataEntry.write(Event.Number.metadata.rawValue, &writer, streamKey, stream.text)
                MetadataEntry.write(Event.Number.metadata.rawValue, &writer, revisionKey, String(event.revision.value))
            }
            writer.end(data)
            if let tracking = event.tracking {
                writer.write(SequencedEvent.Number.tracking.rawValue, TrackingInfo(tracking))
            }
            writer.end(start)
            count += 1
        }

        /// Adds an event whose bytes are shown by a store: the same message, without a decoded event in between.
        package mutating func append(_ event: EventBytes) {
            let start = writer.begin(ReadResponse.Number.events.rawValue)
            writer.number(SequencedEvent.Number.position.rawValue, event.position.value)
            let data = writer.begin(SequencedEvent.Number.event.rawValue)
            writer.bytes(Event.Number.type.rawValue, event.type)
            var tags = EventBytes.Texts(event.tags)
            while let tag = tags.next() { writer.bytes(Event.Number.tags.rawValue, tag) }
            if !event.payload.isEmpty { writer.bytes(Event.Number.data.rawValue, event.payload) }
            if let given = appendMetadata(of: event) {
                writer.bytes(Event.Number.uuid.rawValue, given)
            } else {
                writer.uuid(Event.Number.uuid.rawValue, event.id)
            }
            if let stream = event.stream {
                let field = Event.Number.metadata.rawValue
                MetadataEntry.write(field, &writer, streamKey, String(decoding: stream, as: UTF8.self))
                MetadataEntry.write(field, &writer, revisionKey, String(event.revision.value))
            }
            writer.end(data)
            if let (source, position) = event.tracking {
                let name = TrackingSource(String(decoding: source, as: UTF8.self))
                writer.write(
                    SequencedEvent.Number.tracking.rawValue, TrackingInfo(Tracking(source: name, position: position)))
            }
            writer.end(start)
            count += 1
        }

        /// Writes all metadata but the id that the client gave, and returns that id.
        private mutating func appendMetadata(of event: EventBytes) -> UnsafeRawBufferPointer? {
            if event.metadata.isEmpty { return nil }
            var given: UnsafeRawBufferPointer?
            var texts = EventBytes.Texts(event.metadata)
            while let key = texts.next(), let value = texts.next() {
                if uuidKey.hasSameBytes(as: key) {
                    given = value
                } else {
                    MetadataEntry.write(Event.Number.metadata.rawValue, &writer, key, value)
                }
            }
            return given
        }

        /// Returns the framed message, with the head if the message has one. The writer is empty again.
        package mutating func finish(head: UInt64? = nil) -> ByteBuffer {
            if let head { writer.number(ReadResponse.Number.head.rawValue, head) }
            let message = writer.finished()
            writer.removeAll()
            count = 0
            return message
        }
    }

    /// Returns the id by which a client of this protocol knows an event.
    package static func id(of event: RecordedEvent) -> EventID {
        event.metadata[uuidKey].flatMap { EventID($0) } ?? event.id
    }

    /// The metadata key that keeps the id which a client gave, for an event that is stored again under a new one.
    package static let uuidKey = "sillok.uuid"
    /// The metadata key under which a client of this protocol sees the stream of an event that has one.
    package static let streamKey = "sillok.stream"
    /// The metadata key under which a client of this protocol sees the revision of an event in its stream.
    package static let revisionKey = "sillok.revision"
}
