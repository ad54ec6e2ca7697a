package import SillokCore

/// The states that decisions depend on, each replayed from the events of its query, and how far they were read.
///
/// Many subjects are read with few queries, page by page. Either all subjects are streams or none is.
package struct Subjects<D: Decider>: Sendable {
    /// One state, and the query that its events match.
    package struct Subject: Sendable {
        package let query: EventQuery
        /// The stream of the events, to which new ones are appended.
        package let stream: StreamID?
        package internal(set) var state = D()
        package internal(set) var revision = Revision.none
        /// The last event that was applied; `nil` before the first one, and where events are not counted.
        package internal(set) var place: HistoryPlace?
        /// When the first event was recorded, if known.
        var first: Timestamp?
        /// The place of the newest state of this history that is stored outside of the process.
        var stored: HistoryPlace?
        /// Where the replay is to start; `nil`: before the first event.
        var start: ReplayStart<D>?
        /// Whether the replay did not start before the first event.
        package internal(set) var hasStart = false

        package init(stream: StreamID) { (self.stream, query) = (stream, .stream(stream)) }
        package init(boundary: EventQuery) { (stream, query) = (nil, boundary) }

        /// The name of the stream, or the whole query as text.
        package var key: String? { stream?.text ?? (try? StoredQuery.text(of: query)) }
    }

    /// Subjects that are read together, and the position up to which they were read.
    struct Group: Sendable {
        var members: Range<Int>
        var query: EventQuery
        /// The events of the query that count, by the types as which they may be stored.
        var stored: EventQuery = .all
        /// What is read to find them, which a store does with fewer steps: the same without the types of a boundary.
        var read: EventQuery = .all
        var through = EventMark.start
        /// Whether the log was read since the start. A start before the first event needs no comparison with the log.
        var isRead = true
        /// Whether a decision may use the state before the log is read.
        var isUsableUnread = false
    }

    package internal(set) var all: [Subject]
    var groups: [Group] = []
    private var indexes: [StreamID: Int] = [:]
    /// The starts whose last event the log does not have, by the index of the subject.
    package internal(set) var refuted: [Int: HistoryPlace] = [:]
    /// Whether the states may have applied events that are not in the store in this order.
    var isDoubtful = false

    /// Groups subjects so that no query has more items than a store takes. One that has a start is a group of its own.
    package init(_ subjects: [Subject], limits: Limits, coding: EventCoding<D.Event>) {
        all = subjects
        for (index, subject) in subjects.enumerated() {
            if let stream = subject.stream { indexes[stream] = index }
            if let start = subject.start {
                all[index].begin(at: start)
                groups.append(
                    Group(
                        members: index..<index + 1, query: subject.query, through: start.through, isRead: false,
                        isUsableUnread: start.isUsableUnread))
            } else if let last = groups.indices.last, groups[last].isRead,
                groups[last].query.items.count + subject.query.items.count <= limits.queryItems
            {
                groups[last].query = groups[last].query.or(subject.query)
                groups[last].members = groups[last].members.lowerBound..<index + 1
            } else {
                groups.append(Group(members: index..<index + 1, query: subject.query))
            }
        }
        for index in groups.indices {
            groups[index].read = coding.schema.stored(groups[index].query)
            groups[index].stored =
                isOfStreams ? groups[index].read : coding.storedBoundary(groups[index].query, limits)
        }
    }

    /// Whether the subjects are streams.
    var isOfStreams: Bool { !indexes.isEmpty }

    /// Whether the events of each subject are counted: an event may be of several boundaries.
    private var areCounted: Bool { isOfStreams || all.count == 1 }

    /// Whether all states were compared with the log.
    var areRead: Bool { groups.allSatisfy { $0.isRead } }

    /// The position up to which all subjects were read.
    var through: Position { groups.lazy.map { $0.through.position }.min() ?? .start }

    /// The condition that none of the subjects has a new event.
    var isUnchanged: AppendCondition {
        var condition = AppendCondition.always
        if isOfStreams {
            condition.unchanged = newestUnread.map { [$0] } ?? []
        } else {
            condition.unchanged = groups.map { .init($0.stored, seen: $0.through) }
        }
        for (stream, index) in indexes { condition.revisions[stream] = all[index].revision }
        return condition
    }

    /// The condition that the log still has the last event of the streams that were not compared with it.
    ///
    /// A revision alone does not name an event: a log that was set back may have grown to it by others. Two logs that
    /// have the same event at a position have the same events before it, so the newest event stands for all streams.
    private var newestUnread: AppendCondition.Unchanged? {
        let unread = groups.lazy.filter { !$0.isRead }.map { all[$0.members.lowerBound] }
        let newest = unread.max { ($0.place?.position ?? .start) < ($1.place?.position ?? .start) }
        return newest.flatMap { subject in
            subject.place.map { .init(subject.query, seen: EventMark(position: $0.position, id: $0.id)) }
        }
    }

    /// Returns whether an event is one that a command on these subjects appends.
    func own(_ event: RecordedEvent) -> Bool {
        guard let stream = event.stream else { return !isOfStreams }
        return indexes[stream] != nil
    }

    /// Returns the index of the subject of such an event.
    func index(of event: RecordedEvent) -> Int { event.stream.flatMap { indexes[$0] } ?? 0 }

    /// Returns whether the append has other places than the next ones after the read events. Then it repeated an
    /// earlier append.
    func contradict(_ receipt: Receipt) -> Bool {
        receipt.revisions.contains { stream, revision in indexes[stream].map { all[$0].revision } != revision }
    }

    /// Applies an event that is being recorded to all subjects that it is of.
    mutating func evolve(_ event: D.Event, of stream: StreamID?, as data: EventData) {
        evolve(event, stream: stream, type: data.type, tags: data.tags, in: all.indices)
        count(stream)
    }

    mutating func evolve(
        _ event: D.Event, stream: StreamID?, type: EventType, tags: [EventTag], in members: Range<Int>
    ) {
        if let index = stream.flatMap({ indexes[$0] }) {
            all[index].state.evolve(event)
        } else if !isOfStreams {
            for index in members where all[index].query.matches(stream: stream, type: type, tags: tags) {
                all[index].state.evolve(event)
            }
        }
    }

    /// Counts a stored event, regardless of the events that it was decoded to.
    mutating func count(_ stream: StreamID?) {
        if let index = stream.flatMap({ indexes[$0] }) { all[index].revision = all[index].revision.next }
    }

    /// Notes the place of a stored event, where events are counted: for streams, and for a single boundary.
    mutating func pass(_ stream: StreamID?, _ position: Position, _ id: EventID, _ recordedAt: Timestamp) {
        guard areCounted, let index = isOfStreams ? stream.flatMap({ indexes[$0] }) : 0 else { return }
        let events = (all[index].place?.events ?? 0) + 1
        all[index].place = HistoryPlace(events: events, position: position, id: id, recordedAt: recordedAt)
        if events == 1 { all[index].first = recordedAt }
    }

    /// Notes the places of the recorded events, after the events were applied.
    mutating func settle(
        _ recorded: [(stream: StreamID?, type: EventType, tags: [EventTag], id: EventID)], at receipt: Receipt
    ) {
        for (offset, event) in recorded.enumerated() {
            let isOwn =
                event.stream != nil || all.first?.query.matches(stream: nil, type: event.type, tags: event.tags) == true
            let position = Position(receipt.firstPosition.value &+ UInt64(offset))
            if isOwn { pass(event.stream, position, event.id, receipt.recordedAt) }
        }
        for index in groups.indices { groups[index].through = receipt.mark }
    }
}

// States to start the next replay from.
extension Subjects {
    /// The states from which a later replay may start, by the index of the subject.
    package var starts: [(index: Int, start: ReplayStart<D>)] {
        // The place of a boundary that is one of several does not move with its state.
        guard !isDoubtful, areCounted else { return [] }
        return groups.flatMap { group in
            group.members.compactMap { index in
                let subject = all[index]
                guard let place = subject.place else { return nil }
                var start = ReplayStart(
                    state: subject.state, place: place, through: group.through(atLeast: place), first: subject.first,
                    stored: subject.stored)
                start.isUsableUnread = group.isRead || group.isUsableUnread
                return (index, start)
            }
        }
    }

    /// Notes that the present state of a subject is stored outside of the process.
    package mutating func noteStored(_ index: Int) { all[index].stored = all[index].place }
}

extension Subjects.Group {
    /// Returns how far the group was read, which is at least the last event that was applied to a state.
    fileprivate func through(atLeast last: HistoryPlace) -> EventMark {
        let isKnown = through.position > last.position || (through.position == last.position && through.id != nil)
        return isKnown ? through : EventMark(position: last.position, id: last.id)
    }
}

extension Subjects.Subject {
    /// Takes over a start, and holds its state no longer: a state that is held once is evolved without a copy.
    fileprivate mutating func begin(at start: ReplayStart<D>) {
        (state, place, first, stored) = (start.state, start.place, start.first, start.stored)
        if stream != nil { revision = Revision(start.place.events) }
        (self.start, hasStart) = (nil, true)
    }
}
