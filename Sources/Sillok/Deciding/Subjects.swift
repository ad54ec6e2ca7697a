package import SillokCore

/// The states that decisions depend on, each replayed from the events of its query, and how far they were read.
///
/// Loading again reads only new events. Many subjects are read with few queries, page by page. Either all subjects are
/// streams or none is.
package struct Subjects<D: Decider>: Sendable {
    /// One state, and the query that its events match.
    package struct Subject: Sendable {
        package let query: EventQuery
        /// The stream of the events, to which new ones are appended.
        package let stream: StreamID?
        package var state = D()
        package var revision = Revision.none
        /// The place in the history; `nil` before the first event, and where events are not counted.
        package var place: KeptPlace?
        /// The remembered state from which the subject started.
        package var kept: Kept<D>?
        /// When the first event was recorded, if known.
        package var first: Timestamp?

        package init(stream: StreamID) { (self.stream, query) = (stream, .stream(stream)) }
        package init(boundary: EventQuery) { (stream, query) = (nil, boundary) }

        /// Whether it rests on a query rather than on one stream.
        package var isBoundary: Bool { stream == nil }

        /// What it is remembered by.
        package var key: String? { stream?.text ?? (try? StoredQuery.text(of: query)) }
    }

    /// Subjects that are read together, and the position up to which they were read.
    private struct Group: Sendable {
        var members: Range<Int>
        var query: EventQuery
        /// The events of the query that count, by the types as which they may be stored.
        var stored: EventQuery = .all
        /// What is read to find them, which a store does with fewer steps: the same without the types of a boundary.
        var read: EventQuery = .all
        var through = EventMark.start
        /// Whether the states are remembered ones and nothing was read yet.
        var isRemembered = false

        /// Returns how far the group was read, which is at least the last event that was applied to a state.
        func through(atLeast last: KeptMark) -> EventMark {
            let isKnown = through.position > last.position || (through.position == last.position && through.id != nil)
            return isKnown ? through : EventMark(position: last.position, id: last.id)
        }
    }

    package private(set) var all: [Subject]
    private var groups: [Group] = []
    private var indexes: [StreamID: Int] = [:]
    /// The remembered places that do not match the store.
    package private(set) var rejected: [Int: KeptPlace] = [:]
    /// Whether the states may have applied events that are not in the store in this order.
    var isDoubtful = false

    /// Subjects in their first state, grouped so that no query has more items than a store takes.
    package init(_ subjects: [Subject], limits: Limits, coding: EventCoding<D.Event>) {
        all = subjects
        for (index, subject) in subjects.enumerated() {
            if let stream = subject.stream { indexes[stream] = index }
            if let kept = subject.kept {
                all[index].take(kept)
                groups.append(
                    Group(members: index..<index + 1, query: subject.query, through: kept.through, isRemembered: true))
            } else if let last = groups.indices.last, !groups[last].isRemembered,
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
                indexes.isEmpty ? coding.storedBoundary(groups[index].query, limits) : groups[index].read
        }
    }

    /// The position up to which all subjects were read.
    var through: Position { groups.lazy.map { $0.through.position }.min() ?? .start }

    /// The condition that none of the subjects has a new event.
    var isUnchanged: AppendCondition {
        var condition = AppendCondition.always
        for group in groups {
            if indexes.isEmpty { condition.unchanged.append(.init(group.stored, seen: group.through)) }
        }
        for (stream, index) in indexes {
            condition.revisions[stream] = all[index].revision
        }
        return condition
    }

    /// Returns whether an event is one that a command on these subjects appends.
    func own(_ event: RecordedEvent) -> Bool {
        guard let stream = event.stream else { return indexes.isEmpty }
        return indexes[stream] != nil
    }

    /// Returns the index of the subject of such an event.
    func index(of event: RecordedEvent) -> Int { event.stream.flatMap { indexes[$0] } ?? 0 }

    /// Returns whether the append has other places than the next ones after the read events. Then it repeated an
    /// earlier append.
    func contradict(_ receipt: Receipt) -> Bool {
        receipt.revisions.contains { stream, revision in indexes[stream].map { all[$0].revision } != revision }
    }

    /// Reads the new events, up to the head or to the event before `end`.
    ///
    /// - Parameter trusting: whether cached states may be used without reading the store.
    package mutating func load(
        from store: any EventStore, coding: EventCoding<D.Event>, before end: ReadRequest.Bound? = nil,
        trusting: Bool = false
    ) async throws {
        for index in groups.indices where !(trusting && isTrusted(groups[index])) {
            if try await !read(index, from: store, coding: coding, before: end) {
                forget(index)
                _ = try await read(index, from: store, coding: coding, before: end)
            }
        }
    }

    /// Reads the new events of a group. Returns `false` if it was remembered and the store does not have its last
    /// event.
    ///
    /// The last event that was applied to a remembered state is read once more, because it must still be in the log.
    private mutating func read(
        _ index: Int, from store: any EventStore, coding: EventCoding<D.Event>, before end: ReadRequest.Bound?
    ) async throws -> Bool {
        let group = groups[index]
        var anchor = group.isRemembered ? all[group.members.lowerBound].place?.mark : nil
        let after = anchor.map { ReadRequest.Bound.position($0.position.previous) } ?? .mark(group.through)
        let request = ReadRequest(
            group.read, after: after.position == .start ? nil : after, before: end, limit: store.limits.pageEvents)
        let isNarrowed = group.stored != group.read
        var head: Position?
        var through = group.through
        for try await page in store.pages(request) {
            head = head ?? page.head
            through = page.mark
            for event in page.events {
                if let known = anchor {
                    guard event.id == known.id, event.position == known.position else { return false }
                    anchor = nil
                    continue
                }
                if isNarrowed && !group.stored.matches(event) { continue }
                try take(event, of: group, coding)
                pass(event.stream)
                pass(event.stream, KeptMark(position: event.position, id: event.id, recordedAt: event.recordedAt))
            }
        }
        if anchor != nil { return false }
        groups[index].isRemembered = false
        groups[index].through =
            head.map { through.position == $0 ? through : EventMark(position: $0, id: nil) } ?? through
        return true
    }

    /// Applies a stored event to the states of a group.
    private mutating func take(_ event: RecordedEvent, of group: Group, _ coding: EventCoding<D.Event>) throws {
        do {
            // Of an event that was split, the parts of other deciders are no part of a boundary that names no types.
            let ignoresForeign = indexes.isEmpty && group.stored != group.read
            try coding.forEach(of: event, for: group.query, ignoringUnknown: ignoresForeign) { payload, type in
                evolve(payload, stream: event.stream, type: type, tags: event.tags, in: group.members)
            }
        } catch var error as UnknownEventType {
            error.decider = readableName(D.self)
            throw error
        }
    }

    /// Applies an event that is being recorded to all subjects that it is of.
    mutating func evolve(_ event: D.Event, of stream: StreamID?, as data: EventData) {
        evolve(event, stream: stream, type: data.type, tags: data.tags, in: all.indices)
        pass(stream)
    }

    /// Counts a stored event, regardless of the events that it was decoded to.
    private mutating func pass(_ stream: StreamID?) {
        if let index = stream.flatMap({ indexes[$0] }) { all[index].revision = all[index].revision.next }
    }

    private mutating func evolve(
        _ event: D.Event, stream: StreamID?, type: EventType, tags: [EventTag], in members: Range<Int>
    ) {
        if let index = stream.flatMap({ indexes[$0] }) {
            all[index].state.evolve(event)
        } else if indexes.isEmpty {
            for index in members where all[index].query.matches(stream: stream, type: type, tags: tags) {
                all[index].state.evolve(event)
            }
        }
    }
}

// Whether a decision would use states that were not compared with the store.
extension Subjects {
    /// Whether a decision would rest on states that were not compared with the store.
    var restOnMemory: Bool { groups.contains { $0.isRemembered } }

    /// The states of the subjects that a cache or a snapshot may keep.
    package var keepable: [(key: String, isBoundary: Bool, kept: Kept<D>)] {
        guard !isDoubtful, all.count == 1 || !indexes.isEmpty else { return [] }
        return groups.flatMap { group in
            group.members.compactMap { index in
                let subject = all[index]
                guard let place = subject.place, let key = subject.key else { return nil }
                let kept = Kept(
                    state: subject.state, place: place, through: group.through(atLeast: place.mark),
                    first: subject.first, snapshot: subject.kept?.snapshot, measured: subject.kept?.measured)
                return (key, subject.isBoundary, kept)
            }
        }
    }

    /// Notes the places of the recorded events, after the events were applied.
    mutating func settle(
        _ recorded: [(stream: StreamID?, type: EventType, tags: [EventTag], id: EventID)], at receipt: Receipt
    ) {
        for (offset, event) in recorded.enumerated() {
            let mark = KeptMark(
                position: Position(receipt.firstPosition.value &+ UInt64(offset)), id: event.id,
                recordedAt: receipt.recordedAt)
            let isOwn =
                event.stream != nil || all.first?.query.matches(stream: nil, type: event.type, tags: event.tags) == true
            if isOwn { pass(event.stream, mark) }
        }
        for index in groups.indices { groups[index].through = receipt.mark }
    }

    private func isTrusted(_ group: Group) -> Bool {
        group.isRemembered && all[group.members.lowerBound].kept?.isTrusted == true
    }

    /// Resets a group whose remembered state does not match the store.
    private mutating func forget(_ group: Int) {
        for index in groups[group].members {
            rejected[index] = all[index].place
            all[index].reset()
        }
        groups[group].isRemembered = false
        groups[group].through = .start
    }

    /// Notes a stored event as the last one.
    private mutating func pass(_ stream: StreamID?, _ mark: KeptMark) {
        if let index = stream.flatMap({ indexes[$0] }) {
            all[index].pass(mark)
        } else if indexes.isEmpty, all.count == 1 {
            all[0].pass(mark)
        }
    }
}

extension Subjects.Subject {
    fileprivate mutating func take(_ kept: Kept<D>) {
        state = kept.state
        place = kept.place
        first = kept.first
        if stream != nil { revision = Revision(kept.place.events) }
    }

    fileprivate mutating func reset() {
        (state, revision, place, first, kept) = (D(), .none, nil, nil, nil)
    }

    fileprivate mutating func pass(_ mark: KeptMark) {
        place = KeptPlace(events: (place?.events ?? 0) + 1, mark: mark)
        if first == nil, place?.events == 1 { first = mark.recordedAt }
    }
}
