package import SillokCore

/// What one or several decisions rest on: states, each the replay of what its query finds, and how far they have read.
///
/// Loading again reads only what is new. Many subjects are read with few queries, page by page. Either all of them are
/// streams or none is.
package struct Subjects<D: Decider>: Sendable {
    /// One state and where it comes from.
    package struct Subject: Sendable {
        package let query: EventQuery
        /// The stream whose events they are, and to which new ones go.
        package let stream: StreamID?
        package var state = D()
        package var revision = Revision.none
        /// Where it is in its history; `nil` before its first event, and where that is not counted.
        package var place: KeptPlace?
        /// What it was remembered as, before anything was read.
        package var kept: Kept<D>?
        /// When its first event was recorded, if that is known.
        package var first: Timestamp?

        package init(stream: StreamID) { (self.stream, query) = (stream, .stream(stream)) }
        package init(boundary: EventQuery) { (stream, query) = (nil, boundary) }

        /// Whether it rests on a query rather than on one stream.
        package var isBoundary: Bool { stream == nil }

        /// What it is remembered by.
        package var key: String? { stream?.text ?? (try? StoredQuery.text(of: query)) }
    }

    /// Subjects that are read together, and the position up to which they have been.
    private struct Group: Sendable {
        var members: Range<Int>
        var query: EventQuery
        /// The events of the query that count, by the types as which they may be stored.
        var stored: EventQuery = .all
        /// What is read to find them, which a store does with fewer steps: the same without the types of a boundary.
        var read: EventQuery = .all
        var through = EventMark.start
        /// Whether nothing was read yet: the states are those that were remembered.
        var isRemembered = false

        /// How far it has been read, which is no less than the last event that a state has taken.
        func through(atLeast last: KeptMark) -> EventMark {
            let isKnown = through.position > last.position || (through.position == last.position && through.id != nil)
            return isKnown ? through : EventMark(position: last.position, id: last.id)
        }
    }

    package private(set) var all: [Subject]
    private var groups: [Group] = []
    private var indexes: [StreamID: Int] = [:]
    /// What was remembered of subjects and is not what the store has.
    package private(set) var rejected: [Int: KeptPlace] = [:]
    /// Whether the states may have taken something that is not in the store in their order.
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

    /// How far all subjects have been read.
    var through: Position { groups.lazy.map { $0.through.position }.min() ?? .start }

    /// That nothing has happened to any of them since they were read.
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

    /// Whether an event is one that a command on these subjects appends.
    func own(_ event: RecordedEvent) -> Bool {
        guard let stream = event.stream else { return indexes.isEmpty }
        return indexes[stream] != nil
    }

    /// The subject of an event that they own.
    func index(of event: RecordedEvent) -> Int { event.stream.flatMap { indexes[$0] } ?? 0 }

    /// Whether an append took other places than those that follow what was read: an earlier one answered for it.
    func contradict(_ receipt: Receipt) -> Bool {
        receipt.revisions.contains { stream, revision in indexes[stream].map { all[$0].revision } != revision }
    }

    /// Reads what is new, up to the head or to the event before `end`.
    ///
    /// - Parameter trusting: whether states that are cached will do as they are.
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

    /// Reads what is new to a group: `false` if it was remembered and the store does not have what it rests on.
    ///
    /// The last event that a remembered state has taken is read once more: it must still be there.
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
            try coding.forEach(of: event, for: group.query) { payload, type in
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

    /// Counts a stored event, whatever it became when it was read.
    private mutating func pass(_ stream: StreamID?) {
        if let index = stream.flatMap({ indexes[$0] }) { all[index].revision = all[index].revision.next }
    }

    private mutating func evolve(
        _ event: D.Event, stream: StreamID?, type: EventType, tags: [Tag], in members: Range<Int>
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

// What is remembered.
extension Subjects {
    /// Whether a decision would rest on states that were not compared with the store.
    var restOnMemory: Bool { groups.contains { $0.isRemembered } }

    /// The subjects as they are now, for those who keep them.
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

    /// Notes where the events that were recorded are, after they were applied.
    mutating func settle(
        _ recorded: [(stream: StreamID?, type: EventType, tags: [Tag], id: EventID)], at receipt: Receipt
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

    /// Begins anew with a group whose remembered state is not what the store has.
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
