/// An event in the log: its data, and where and when it was recorded.
public struct RecordedEvent: Hashable, Sendable {
    /// The event's place in the whole store, from 1.
    public let position: Position

    /// The event's stream; `nil` for an event that is found by its tags only.
    public let stream: StreamID?

    /// The event's place in its stream, from 1; ``Revision/none`` without a stream.
    public let revision: Revision

    /// When the store recorded the event. Never earlier than the time of the previous event.
    public let recordedAt: Timestamp

    /// The progress in another log that was recorded together with it, if any.
    public let tracking: Tracking?

    /// The event as it was appended.
    public let data: EventData

    /// Creates a recorded event from an event and its place.
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

    /// The identity of the event.
    public var id: EventID { data.id }

    /// The stable name of the kind of event.
    public var type: EventType { data.type }

    /// What the event is about.
    public var tags: [EventTag] { data.tags }

    /// Why the event happened and where it came from.
    public var metadata: Metadata { data.metadata }

    /// The format of the payload.
    public var contentType: ContentType { data.contentType }

    /// The payload, byte for byte as it was appended.
    public var payload: [UInt8] { data.payload }
}

/// The progress of a consumer in another log or feed. The store records it together with the events that the consumer
/// derived from that log.
///
/// For each source the position must rise with every append; otherwise the store rejects the append. A consumer reads
/// `EventStore.tracking(of:)` before it continues. So it processes each foreign event exactly once, even after a
/// crash.
public struct Tracking: Hashable, Sendable {
    /// The name of the other log.
    public let source: TrackingSource

    /// The position up to which the other log has been consumed.
    public let position: UInt64

    /// The id of the foreign event at ``position``, if the other log is a store. The store keeps one id for each
    /// source: that of its latest position. A consumer that continues after ``mark`` notices if the other log was
    /// restored from an older copy.
    public let event: EventID?

    /// Creates the progress in a source.
    @inlinable public init(source: TrackingSource, position: UInt64, event: EventID? = nil) {
        self.source = source
        self.position = position
        self.event = event
    }

    /// Creates the progress in another store, up to one of its marks.
    public init(source: TrackingSource, _ mark: EventMark) {
        self.init(source: source, position: mark.position.value, event: mark.id)
    }

    /// The mark in the other store.
    public var mark: EventMark { EventMark(position: Position(position), id: event) }

    /// The progress without the id of the foreign event: the form that is stored with an event.
    package var withoutEvent: Tracking { event == nil ? self : Tracking(source: source, position: position) }

    /// Returns whether both have the same source and position. The foreign event's id is not compared.
    package func isSameProgress(as other: Tracking?) -> Bool {
        other.map { $0.source == source && $0.position == position } ?? false
    }
}
