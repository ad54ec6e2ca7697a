/// A fact as the log keeps it: the event, and where and when it was recorded.
public struct RecordedEvent: Hashable, Sendable {
    /// Its place in the whole store, from 1.
    public let position: Position

    /// The stream it belongs to; `nil` for an event that is found by its tags alone.
    public let stream: StreamID?

    /// Its place in its stream, from 1; ``Revision/none`` without a stream.
    public let revision: Revision

    /// When the store recorded it. Never earlier than the event before it.
    public let recordedAt: Timestamp

    /// The progress in another log that was recorded together with it, if any.
    public let tracking: Tracking?

    /// The event as it was appended.
    public let data: EventData

    /// Joins an event with its place.
    @inlinable public init(
        position: Position, stream: StreamID?, revision: Revision, recordedAt: Timestamp, tracking: Tracking? = nil,
        data: EventData
    ) {
        self.position = position
        self.stream = stream
        self.revision = revision
        self.recordedAt = recordedAt
        self.tracking = tracking
        self.data = data
    }

    /// Its identity.
    public var id: EventID { data.id }

    /// The stable name of its kind.
    public var type: EventType { data.type }

    /// What it is about.
    public var tags: [Tag] { data.tags }

    /// Why and from where.
    public var metadata: Metadata { data.metadata }

    /// How the payload is to be read.
    public var contentType: ContentType { data.contentType }

    /// The fact itself, byte for byte as it was appended.
    public var payload: [UInt8] { data.payload }
}

/// How far a consumer has come in another log or feed, recorded together with the events that it derived from it.
///
/// For each source the position must rise with every append, or the append is refused. A consumer that reads back
/// ``EventStore/tracking(of:)`` before it goes on has taken in each foreign event exactly once, whatever crashed.
public struct Tracking: Hashable, Sendable {
    /// The other log.
    public let source: TrackingSource

    /// How far it has been consumed.
    public let position: UInt64

    /// Progress in a source.
    @inlinable public init(source: TrackingSource, position: UInt64) {
        self.source = source
        self.position = position
    }
}
