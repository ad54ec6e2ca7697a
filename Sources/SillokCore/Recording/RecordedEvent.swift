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
/// ``EventStore/tracking(of:)`` before it continues has taken in each foreign event exactly once, whatever crashed.
public struct Tracking: Hashable, Sendable {
    /// The other log.
    public let source: TrackingSource

    /// How far it has been consumed.
    public let position: UInt64

    /// The id of the foreign event at ``position``, if the other log is a store: kept with the source, not with each
    /// event. A consumer that continues after ``mark`` notices that the other log was restored from an older copy.
    public let event: EventID?

    /// Progress in a source.
    @inlinable public init(source: TrackingSource, position: UInt64, event: EventID? = nil) {
        self.source = source
        self.position = position
        self.event = event
    }

    /// Progress in another store, up to a mark of it.
    public init(source: TrackingSource, _ mark: EventMark) {
        self.init(source: source, position: mark.position.value, event: mark.id)
    }

    /// The place in the other store.
    public var mark: EventMark { EventMark(position: Position(position), id: event) }

    /// The progress as an event has it, without the foreign event.
    package var withoutEvent: Tracking { event == nil ? self : Tracking(source: source, position: position) }

    /// Whether both are the same place of the same source, whatever is known of the event there.
    package func isSameProgress(as other: Tracking?) -> Bool {
        other.map { $0.source == source && $0.position == position } ?? false
    }
}
