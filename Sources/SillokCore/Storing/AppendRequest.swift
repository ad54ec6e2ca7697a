/// Events to record together, in one stream, in several or in none. The store records all of them or none.
public struct AppendRequest: Hashable, Sendable {
    /// One event and its stream.
    public struct Entry: Hashable, Sendable {
        /// The stream, or `nil` for an event that is found by its tags only.
        public var stream: StreamID?

        /// The event.
        public var event: EventData

        /// The recorded time to keep, for copies of a log; with `nil` the store uses its clock.
        ///
        /// It must not be earlier than the recorded time of the last event of the store.
        public var recordedAt: Timestamp?

        /// Creates an entry for an event in a stream, or without a stream.
        public init(stream: StreamID?, event: EventData, recordedAt: Timestamp? = nil) {
            self.stream = stream
            self.event = event
            self.recordedAt = recordedAt
        }
    }

    /// The events, in the order of their positions. They may be empty if there is ``tracking`` to record.
    public var entries: [Entry]

    /// The condition under which the store records them.
    public var condition: AppendCondition

    /// Progress in another log, recorded with the events under the same condition.
    public var tracking: Tracking?

    /// Creates a request, by default without a condition and without tracking.
    public init(_ entries: [Entry], if condition: AppendCondition = .always, tracking: Tracking? = nil) {
        self.entries = entries
        self.condition = condition
        self.tracking = tracking
    }
}

extension AppendRequest {
    /// The ends of the runs of events that follow one another and have the same stream, type, content type and tags.
    ///
    /// Work on these names is done once for a run. A large batch often has only one.
    package var runs: [Int] {
        // A loop over the array would copy its elements.
        entries.withUnsafeBufferPointer { entries in
            var ends: [Int] = []
            for index in entries.indices.dropFirst() {
                let isSame =
                    entries[index].stream == entries[index - 1].stream
                    && entries[index].event.tags == entries[index - 1].event.tags
                    && entries[index].event.type == entries[index - 1].event.type
                    && entries[index].event.contentType == entries[index - 1].event.contentType
                if !isSame { ends.append(index) }
            }
            if !entries.isEmpty { ends.append(entries.count) }
            return ends
        }
    }
}

extension AppendRequest.Entry {
    /// The bytes of the id and the names that count towards the limits.
    var namesSize: Int {
        event.tags.reduce(
            16 + event.type.text.utf8.count + event.contentType.text.utf8.count + (stream?.text.utf8.count ?? 0)
        ) { $0 + $1.text.utf8.count }
    }
}

extension EventData {
    /// The bytes of the metadata and the payload.
    var contentsSize: Int { metadata.bytes.count + payload.count }
}

/// The places of an append's events. A receipt proves that they are durable; wait for its position to read your own
/// write.
public struct Receipt: Hashable, Sendable {
    /// The position of the first event of the append, or the head if the append has no events.
    public let firstPosition: Position

    /// The position of the last event of the append, or the head if the append has no events.
    public var position: Position { mark.position }

    /// The position and the id of the last event of the append. Clients keep it as a token to read their own write.
    public let mark: EventMark

    /// The revision of the last event that the append recorded in each of its streams.
    public let revisions: [StreamID: Revision]

    /// When the last event was recorded.
    public let recordedAt: Timestamp

    /// Creates a receipt; a store does this after it has recorded the events.
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
    /// The bytes of memory that the request holds while it waits, including what is allocated for it. An estimate that
    /// is not too low for large requests.
    package var retainedBytes: Int { retainedBytes(runs) }

    /// The same, with the ``runs`` of the request.
    package func retainedBytes(_ runs: [Int]) -> Int {
        var bytes = 1024
        entries.withUnsafeBufferPointer { entries in
            var start = 0
            for end in runs {
                bytes += (end - start) * (entries[start].namesSize + 320 + entries[start].event.tags.count * 32)
                for index in start..<end { bytes += entries[index].event.contentsSize }
                start = end
            }
        }
        for stream in condition.revisions.keys { bytes += stream.text.utf8.count + 64 }
        for unchanged in condition.unchanged {
            bytes += unchanged.query.items.reduce(64) { $0 + $1.retainedBytes }
        }
        return bytes + (tracking?.source.text.utf8.count ?? 0)
    }

    /// Compares the ids of the request's events with the event that the store has for each of them.
    ///
    /// This is the one rule of idempotency for all stores. If no id is known, it returns `nil` and the append
    /// continues. If all are known, with the same contents and adjacent in the same order, it returns the first
    /// receipt. Anything else is a conflict.
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
    /// Returns whether both are the same event. The trace and the CloudEvent form are not compared: they belong to the
    /// attempt, not to the event. Nor is the order of the metadata: forms of an event have it in different orders.
    package func isSameFact(as other: EventData) -> Bool {
        if self == other { return true }
        var (mine, theirs) = (self, other)
        for key in [Metadata.Key.traceparent, Metadata.Key.cloudEvent] {
            mine.metadata[key] = nil
            theirs.metadata[key] = nil
        }
        guard mine.metadata.sortedEntries == theirs.metadata.sortedEntries else { return false }
        (mine.metadata, theirs.metadata) = (Metadata(), Metadata())
        return mine == theirs
    }
}

extension Metadata {
    /// The keys and values, in the order of their bytes.
    fileprivate var sortedEntries: [[ExactText]] {
        entries.map { [ExactText($0.key), ExactText($0.value)] }.sorted { $0[0] < $1[0] }
    }
}
