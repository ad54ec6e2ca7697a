/// A fact on its way into the log: what happened, what it is about, and its payload as bytes.
///
/// Most applications never make one: a `CommandHandler` encodes the events that a decider returns.
public struct EventData: Hashable, Sendable {
    /// Its identity, remembered for ever: appending it again stores nothing.
    public var id: EventID

    /// The stable name of its kind.
    public var type: EventType

    /// What it is about; order and repeats are kept as given.
    public var tags: [Tag]

    /// Why and from where.
    public var metadata: Metadata

    /// How the payload is to be read.
    public var contentType: ContentType

    /// The fact itself. The store keeps it byte for byte and never looks inside.
    public var payload: [UInt8]

    /// A fact with all of its parts.
    @inlinable public init(
        id: EventID = EventID(), type: EventType, tags: [Tag] = [], metadata: Metadata = Metadata(),
        contentType: ContentType = .json, payload: [UInt8]
    ) {
        self.id = id
        self.type = type
        self.tags = tags
        self.metadata = metadata
        self.contentType = contentType
        self.payload = payload
    }

    /// A fact whose payload is a text, such as JSON: `EventData(type: "noted", text: #"{"by":"Ada"}"#)`.
    public init(
        id: EventID = EventID(), type: EventType, tags: [Tag] = [], metadata: Metadata = Metadata(),
        contentType: ContentType = .json, text: String
    ) {
        self.init(
            id: id, type: type, tags: tags, metadata: metadata, contentType: contentType, payload: Array(text.utf8))
    }

    /// The bytes that count towards the limits: names, metadata and payload.
    package var size: Int {
        tags.reduce(16 + type.text.utf8.count + contentType.text.utf8.count + metadata.bytes.count + payload.count) {
            $0 + $1.text.utf8.count
        }
    }
}
