public import SillokCore

/// A store in memory, for tests and previews: every promise of `EventStore` but durability. It keeps no hash chain.
///
/// The smallest user of the seam, and the plainest: it has no index, and looks at every event between the positions
/// that a question names.
public final class MemoryEventStore: EventStore {
    fileprivate struct State {
        var events: [RecordedEvent] = []
        var revisions: [StreamID: Revision] = [:]
        var positions: [EventID: Int] = [:]
        var tracking: [TrackingSource: Tracking] = [:]
    }

    /// The limits that requests are held to.
    public let limits: Limits

    private let id: StoreID
    private let clock: WallClock
    private let state = Lock(State())
    private let signal = HeadSignal()

    /// An empty store.
    ///
    /// - Parameters:
    ///   - id: the identity of the store.
    ///   - limits: how large a request may be.
    ///   - clock: where recorded times come from.
    public init(id: StoreID = StoreID(), limits: Limits = Limits(), clock: WallClock = .system) {
        self.id = id
        self.limits = limits
        self.clock = clock
    }

    /// The identity that the store was made with.
    public func storeID() async throws -> StoreID { id }

    /// Records events: all of them or none, under a condition.
    public func append(_ request: AppendRequest) async throws -> Receipt {
        try limits.check(request)
        let (receipt, head) = try state.withLock { state in
            let known = request.entries.map { entry in
                state.positions[entry.event.id].map { state.events[$0 - 1] }
            }
            if let receipt = try request.firstReceipt(known: known) { return (receipt, state.head) }
            let now = clock.now()
            try limits.checkTimes(of: request, clock: now)
            for unchanged in request.condition.unchanged { try state.check(unchanged.seen) }
            try state.check(request.condition, limits: limits)
            try state.check(request.tracking)
            let receipt = try state.record(request, now: now)
            return (receipt, state.head)
        }
        signal.advance(to: head)
        return receipt
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        return try state.withLock { state in
            for mark in request.marks { try state.check(mark) }
            return state.page(request, bytes: limits.pageBytes).marked(request) { state.id(at: $0) }
        }
    }

    /// The position of the last event.
    public func head() async throws -> Position { state.withLock { $0.head } }

    /// Waits until the head is at or past `position`.
    public func reach(_ position: Position) async throws { try await signal.reach(position) }

    /// The event of an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        state.withLock { state in state.positions[id].map { state.events[$0 - 1] } }
    }

    /// What is known of a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? {
        state.withLock { $0.facts(of: id) }
    }

    /// Streams in the order of their names' bytes.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return state.withLock { state in
            let names = state.revisions.keys.filter { stream in
                (category.map { $0 == stream.category } ?? true) && (name.map { $0 < stream } ?? true)
            }
            return names.sorted().prefix(limit).compactMap { state.facts(of: $0) }
        }
    }

    /// How far a source has been consumed into this store, or `nil`.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        state.withLock { $0.tracking[source] }
    }
}

extension MemoryEventStore.State {
    var head: Position { events.last?.position ?? .start }

    func id(at position: Position) -> EventID? {
        position > .start && position <= head ? events[Int(clamping: position.value - 1)].id : nil
    }

    /// Throws unless the log has the event of a mark.
    func check(_ mark: EventMark) throws(StoreError) {
        guard mark.position <= head else { throw .logEnds(at: head, before: mark) }
        if let kept = mark.id, let found = id(at: mark.position), found != kept { throw .otherEvent(found, at: mark) }
    }

    func check(_ condition: AppendCondition, limits: Limits) throws(AppendConflict) {
        var streams: [StreamID: AppendConflict.RevisionMismatch] = [:]
        for (stream, expected) in condition.revisions {
            let actual = revisions[stream] ?? .none
            if actual != expected { streams[stream] = .init(expected: expected, actual: actual) }
        }
        // Where all streams are as expected, only what came after the oldest query of the condition can be a cause.
        let oldest = streams.isEmpty ? condition.unchanged.map(\.since).min() ?? head : .start
        let causes = events.dropFirst(Int(clamping: oldest.value)).lazy.filter { event in
            let isNewer = event.stream.flatMap { streams[$0] }.map { event.revision > $0.expected } ?? false
            return isNewer || condition.unchanged.contains { event.position > $0.since && $0.query.matches(event) }
        }
        let shown = limits.shownInConflict(causes)
        if streams.isEmpty && shown.isEmpty { return }
        throw AppendConflict(streams: streams, events: shown, head: head)
    }

    func check(_ tracking: Tracking?) throws(TrackingConflict) {
        guard let tracking, let recorded = self.tracking[tracking.source]?.position, tracking.position <= recorded
        else { return }
        throw TrackingConflict(given: tracking, recorded: recorded)
    }

    mutating func record(_ request: AppendRequest, now: Timestamp) throws(InvalidRequest) -> Receipt {
        var last = events.last?.recordedAt
        var added: [RecordedEvent] = []
        var changed: [StreamID: Revision] = [:]
        for (index, entry) in request.entries.enumerated() {
            if let given = entry.recordedAt, let last, given < last {
                throw InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index)
            }
            let time = entry.recordedAt ?? max(now, last ?? now)
            last = time
            var revision = Revision.none
            if let stream = entry.stream {
                revision = (changed[stream] ?? revisions[stream] ?? .none).next
                changed[stream] = revision
            }
            added.append(
                RecordedEvent(
                    position: Position(UInt64(events.count + index + 1)), stream: entry.stream, revision: revision,
                    recordedAt: time, tracking: request.tracking?.withoutEvent, data: entry.event))
        }
        events += added
        revisions.merge(changed) { $1 }
        for event in added { positions[event.id] = Int(event.position.value) }
        if let tracking = request.tracking { self.tracking[tracking.source] = tracking }
        return Receipt(
            firstPosition: added.first?.position ?? head,
            mark: events.last.map { EventMark($0) } ?? .start, revisions: changed,
            recordedAt: added.last?.recordedAt ?? max(now, last ?? now))
    }

    func page(_ request: ReadRequest, bytes: Int) -> EventBatch {
        let range = request.indices(of: events)
        var page: [RecordedEvent] = []
        var size = 0
        for offset in 0..<range.count {
            let index = request.direction == .forward ? range.lowerBound + offset : range.upperBound - 1 - offset
            guard request.includes(events[index]) else { continue }
            if page.count == request.limit || size >= bytes {
                return EventBatch(events: page, through: page[page.count - 1].position, isEnd: false, head: head)
            }
            page.append(events[index])
            size += events[index].data.size
        }
        let through = request.throughAtEnd(last: page.last?.position, head: head)
        return EventBatch(events: page, through: through, isEnd: true, head: head)
    }

    func facts(of stream: StreamID) -> StreamFacts? {
        guard let revision = revisions[stream], let first = events.first(where: { $0.stream == stream }),
            let last = events.last(where: { $0.stream == stream })
        else { return nil }
        return StreamFacts(
            id: stream, revision: revision, lastPosition: last.position, firstRecordedAt: first.recordedAt,
            lastRecordedAt: last.recordedAt)
    }
}

extension ReadRequest {
    /// Where in the log the answers are: positions have no gaps, so an event's index is one below its position.
    fileprivate func indices(of events: [RecordedEvent]) -> Range<Int> {
        var range = events.indices
        if let position = after?.position {
            range = min(Int(clamping: position.value), events.count)..<events.count
        }
        if let position = before?.position {
            range = range.clamped(to: 0..<Int(clamping: max(position.value, 1) - 1))
        }
        return range
    }

    fileprivate func includes(_ event: RecordedEvent) -> Bool {
        query.matches(event) && (after.map { $0.isBefore(event) } ?? true) && (before.map { $0.isAfter(event) } ?? true)
    }
}

extension ReadRequest.Bound {
    fileprivate func isBefore(_ event: RecordedEvent) -> Bool {
        switch self {
        case .position(let position): event.position > position
        case .mark(let mark): event.position > mark.position
        case .revision(let revision): event.revision > revision
        case .time(let time): event.recordedAt > time
        }
    }

    fileprivate func isAfter(_ event: RecordedEvent) -> Bool {
        switch self {
        case .position(let position): event.position < position
        case .mark(let mark): event.position < mark.position
        case .revision(let revision): event.revision < revision
        case .time(let time): event.recordedAt < time
        }
    }
}
