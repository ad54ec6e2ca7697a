/// An event before it is recorded: what happened, what it is about, and its payload as bytes.
///
/// Most applications never create one: a `CommandHandler` encodes the events that a decider returns.
public struct EventData: Hashable, Sendable {
    /// The identity of the event, kept forever. A second append with this id stores nothing.
    public var id: EventID

    /// The stable name of the kind of event.
    public var type: EventType

    /// What the event is about. The store keeps the order and repeated tags.
    public var tags: [EventTag]

    /// Why the event happened and where it came from.
    public var metadata: Metadata

    /// The format of the payload.
    public var contentType: ContentType

    /// The event itself. The store keeps it byte for byte and never interprets it.
    public var payload: [UInt8]

    /// Creates an event with a new id, no tags, no metadata and JSON as its content type, unless given.
    @inlinable public init(
        id: EventID = EventID(), type: EventType, tags: [EventTag] = [], metadata: Metadata = Metadata(),
        contentType: ContentType = .json, payload: [UInt8]
    ) {
        self.id = id
        self.type = type
        self.tags = tags
        self.metadata = metadata
        self.contentType = contentType
        self.payload = payload
    }

    /// Creates an event whose payload is a text, such as JSON: `EventData(type: "noted", text: #"{"by":"Ada"}"#)`.
    public init(
        id: EventID = EventID(), type: EventType, tags: [EventTag] = [], metadata: Metadata = Metadata(),
        contentType: ContentType = .json, text: String
    ) {
        self.init(
            id: id, type: type, tags: tags, metadata: metadata, contentType: contentType, payload: Array(text.utf8))
    }

    /// The number of bytes that count towards the limits: names, metadata and payload.
    package var size: Int {
        tags.reduce(16 + type.text.utf8.count + contentType.text.utf8.count + metadata.bytes.count + payload.count) {
            $0 + $1.text.utf8.count
        }
    }
}
