/// Events to record together: to one stream, to several, or to none; all of them or none of them.
public struct AppendRequest: Hashable, Sendable {
    /// One event and the stream it goes to.
    public struct Entry: Hashable, Sendable {
        /// The stream, or `nil` for an event that is found by its tags alone.
        public var stream: StreamID?

        /// The event.
        public var event: EventData

        /// The recorded time to keep, for copies of a log; `nil` lets the store take its clock.
        ///
        /// Must not be earlier than the last recorded event of the store.
        public var recordedAt: Timestamp?

        /// An event and where it goes.
        public init(stream: StreamID?, event: EventData, recordedAt: Timestamp? = nil) {
            self.stream = stream
            self.event = event
            self.recordedAt = recordedAt
        }
    }

    /// The events, in the order in which they take positions. There may be none if there is ``tracking`` to record.
    public var entries: [Entry]

    /// What must hold for them to be recorded.
    public var condition: AppendCondition

    /// Progress in another log, recorded with them, under the same condition.
    public var tracking: Tracking?

    /// A request with all of its parts.
    public init(_ entries: [Entry], if condition: AppendCondition = .always, tracking: Tracking? = nil) {
        self.entries = entries
        self.condition = condition
        self.tracking = tracking
    }
}

/// Where an append's events are: proof that they are durable, and what to wait for to read one's own write.
public struct Receipt: Hashable, Sendable {
    /// The position of the first event of the append; of an append without events, the head.
    public let firstPosition: Position

    /// The position of the last event of the append; of an append without events, the head.
    public var position: Position { mark.position }

    /// The position and the id of the last event of the append: what others keep as a token, to read what it wrote.
    public let mark: EventMark

    /// For each stream of the append, the revision of its last event in it.
    public let revisions: [StreamID: Revision]

    /// When the last event was recorded.
    public let recordedAt: Timestamp

    /// A receipt with all of its parts.
    public init(
        firstPosition: Position, mark: EventMark, revisions: [StreamID: Revision], recordedAt: Timestamp
    ) {
        self.firstPosition = firstPosition
        self.mark = mark
        self.revisions = revisions
        self.recordedAt = recordedAt
    }
}

extension AppendRequest {
    /// The bytes of memory that the request holds while it waits, with what is allocated for it: close to the truth,
    /// and not below it for large requests.
    package var retainedBytes: Int {
        var bytes = 1024
        for entry in entries {
            bytes += entry.event.size + (entry.stream?.text.utf8.count ?? 0) + 320 + entry.event.tags.count * 32
        }
        for stream in condition.revisions.keys { bytes += stream.text.utf8.count + 64 }
        for unchanged in condition.unchanged {
            bytes += unchanged.query.items.reduce(64) { $0 + $1.retainedBytes }
        }
        return bytes + (tracking?.source.text.utf8.count ?? 0)
    }

    /// What the ids of the request's events say, given the event that the store has for each of them.
    ///
    /// The one rule of idempotency for all stores: nothing known → `nil`, go on; all known, with the same contents and
    /// next to each other in the same order → the first receipt; anything else is a conflict.
    package func firstReceipt(known: [RecordedEvent?]) throws(EventIDConflict) -> Receipt? {
        guard let firstKnown = known.firstIndex(where: { $0 != nil }) else { return nil }
        var revisions: [StreamID: Revision] = [:]
        for (index, entry) in entries.enumerated() {
            guard let recorded = known[index] else {
                throw EventIDConflict(id: known[firstKnown]?.id ?? entry.event.id, reason: .partlyKnown)
            }
            guard recorded.stream == entry.stream, recorded.tracking?.isSameProgress(as: tracking) ?? (tracking == nil),
                recorded.data.isSameFact(as: entry.event)
            else { throw EventIDConflict(id: entry.event.id, reason: .otherContents) }
            if index > 0, let before = known[index - 1], recorded.position != before.position.next {
                throw EventIDConflict(id: entry.event.id, reason: .otherAppend)
            }
            if let stream = entry.stream { revisions[stream] = recorded.revision }
        }
        guard let first = known.first ?? nil, let last = known.last ?? nil else { return nil }
        return Receipt(
            firstPosition: first.position, mark: EventMark(last), revisions: revisions, recordedAt: last.recordedAt)
    }
}

extension EventQuery.Item {
    /// The bytes of memory that the item holds.
    fileprivate var retainedBytes: Int {
        var bytes = 128 + (stream?.text.utf8.count ?? 0) + (category?.text.utf8.count ?? 0)
        for type in types { bytes += type.text.utf8.count + 32 }
        for tag in tags { bytes += tag.text.utf8.count + 32 }
        return bytes
    }
}

extension EventData {
    /// Whether both are the same fact: all parts but the trace and the form in which a CloudEvent came, which belong to
    /// the attempt and not to the fact.
    package func isSameFact(as other: EventData) -> Bool {
        if self == other { return true }
        var (mine, theirs) = (self, other)
        for key in [Metadata.Key.traceparent, Metadata.Key.cloudEvent] {
            mine.metadata[key] = nil
            theirs.metadata[key] = nil
        }
        return mine == theirs
    }
}
