public import SillokCore
import SillokIndex

/// A store in memory for tests and previews. It keeps every guarantee but durability, and has no hash chain.
///
/// It finds events with the same query plans as a store on disk, and has the same limits for steps.
public final class MemoryEventStore: EventStore {
    struct State {
        var events: [RecordedEvent] = []
        var revisions: [StreamID: Revision] = [:]
        var positions: [EventID: Int] = [:]
        var tracking: [TrackingSource: Tracking] = [:]
        var index = MemoryIndex()
    }

    /// The limits that this store enforces.
    public let limits: Limits

    private let id: StoreID
    private let clock: WallClock
    private let state = Lock(State())
    private let signal = HeadSignal()
    private let observers = AppendObservers()

    /// Creates an empty store.
    ///
    /// - Parameters:
    ///   - id: the identity of the store.
    ///   - limits: the maximum sizes of requests.
    ///   - clock: the clock for recorded times.
    public init(id: StoreID = StoreID(), limits: Limits = Limits(), clock: WallClock = .system) {
        self.id = id
        self.limits = limits.supported
        self.clock = clock
    }

    /// Returns the identity that was given to the store.
    public func storeID() async throws -> StoreID { id }

    /// Records all of the events or none, under a condition.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) { try record(request) }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
    }

    private func record(_ request: AppendRequest) throws -> Receipt {
        try limits.check(request)
        let condition = JudgedCondition(request.condition)
        return try state.withLock { state in
            let known = request.entries.map { entry in
                state.positions[entry.event.id].map { state.events[$0 - 1] }
            }
            if let receipt = try request.firstReceipt(known: known) { return receipt }
            let now = clock.now()
            try limits.checkTimes(of: request, clock: now)
            for unchanged in request.condition.unchanged { try state.check(unchanged.seen) }
            try state.check(condition, limits: limits)
            try state.check(request.tracking)
            let receipt = try state.record(request, now: now)
            signal.announce(from: receipt.firstPosition, through: receipt.position) { Set(request) }
            return receipt
        }
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        return try state.withLock { state in
            for mark in request.marks { try state.check(mark) }
            return try state.page(request, limits: limits).marked(request) { state.id(at: $0) }
        }
    }

    /// Returns the position of the last event.
    public func head() async throws -> Position { state.withLock { $0.head } }

    /// Waits until the log may have an event of a query at or after `position`.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try await signal.reach(position, for: query)
    }

    /// Returns the event with an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        state.withLock { state in state.positions[id].map { state.events[$0 - 1] } }
    }

    /// Returns the facts about a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? {
        state.withLock { $0.facts(of: id) }
    }

    /// Returns streams ordered by the bytes of their names.
    public func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return state.withLock { state in
            let names = state.revisions.keys.filter { stream in
                (category.map { $0 == stream.category } ?? true) && (name.map { $0 < stream } ?? true)
            }
            return names.sorted().prefix(limit).compactMap { state.facts(of: $0) }
        }
    }

    /// Returns the position up to which a source was consumed into this store, or `nil` if nothing of it was consumed.
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

    func check(_ condition: JudgedCondition, limits: Limits) throws {
        let budget = StepBudget(steps: limits.conditionSteps) { Task.isCancelled }
        let log = MemoryLog(self)
        let verdict: ConditionJudge.Verdict
        do {
            verdict = try ConditionJudge(log, head: Int64(events.count), limits: limits, budget).verdict(on: condition)
        } catch is CancellationError {
            throw StoreError.cancelledJudging
        }
        switch verdict {
        case .holds: return
        case .conflict(let conflict): throw conflict
        case .undecided(let part): throw StoreError.tooExpensive(condition, part, limits: limits, head: head)
        }
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
        for event in added {
            positions[event.id] = Int(event.position.value)
            index.add(event)
        }
        if let tracking = request.tracking { self.tracking[tracking.source] = tracking }
        return Receipt(
            firstPosition: added.first?.position ?? head,
            mark: events.last.map { EventMark($0) } ?? .start, revisions: changed,
            recordedAt: added.last?.recordedAt ?? max(now, last ?? now))
    }

    func page(_ request: ReadRequest, limits: Limits) throws -> EventBatch {
        let range = request.range(of: events, index)
        let isForward = request.direction == .forward
        let (first, last) = isForward ? range : (-range.high, -range.low)
        let budget = StepBudget(steps: limits.pageSteps) { Task.isCancelled }
        let plan = QueryPlan(request.query.items, request.direction, MemoryLog(self), budget)
        var places = PlaceSearch(plan, from: first, through: last, budget)
        var (page, size) = ([RecordedEvent](), 0)
        while let place = try places.next() {
            if page.count == request.limit || size >= limits.pageBytes {
                return EventBatch(events: page, through: page[page.count - 1].position, isEnd: false, head: head)
            }
            let event = events[Int(abs(place)) - 1]
            page.append(event)
            size += event.data.size
        }
        if let end = places.end {
            return EventBatch(events: page, through: Position(UInt64(abs(end))), isEnd: false, head: head)
        }
        let through = request.throughAtEnd(last: page.last?.position, head: head)
        return EventBatch(events: page, through: through, isEnd: true, head: head)
    }

    func facts(of stream: StreamID) -> StreamFacts? {
        guard let revision = revisions[stream], let own = index.positions[.stream(stream)], let first = own.first,
            let last = own.last
        else { return nil }
        let (oldest, newest) = (events[Int(first) - 1], events[Int(last) - 1])
        return StreamFacts(
            id: stream, revision: revision, lastPosition: newest.position, firstRecordedAt: oldest.recordedAt,
            lastRecordedAt: newest.recordedAt)
    }
}
