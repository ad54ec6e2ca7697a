package import SillokCore
package import SillokIndex
package import SillokThreads

extension StoredLog {
    /// Returns one page of events from one snapshot.
    package func page(_ request: ReadRequest, _ cancellation: Cancellation) throws -> EventBatch {
        try EventBatch { try page(request, cancellation, $0) }
    }

    /// Reads one page from one snapshot. Calls `add` with its events until it returns `false`. Returns the page
    /// without its events.
    package func page(
        _ request: ReadRequest, _ cancellation: Cancellation, _ add: (StoredEvent) throws -> Bool
    ) throws -> EventBatch {
        let budget = StepBudget(steps: limits.pageSteps) { cancellation.isCancelled }
        return try reading { try pageAsOfNow(request, budget, add) }
    }

    /// Returns a page of the events after a mark, for a rule that is being attached to appends.
    ///
    /// Appends wait during this, so it searches less far than a reader.
    package func pageForRule(_ query: EventQuery, after mark: EventMark) throws -> EventBatch {
        let fiveMilliseconds = 20_000
        return try pageAsOfNow(
            ReadRequest(query, after: .mark(mark), limit: limits.pageEvents),
            StepBudget(steps: min(limits.pageSteps, fiveMilliseconds)))
    }

    /// Returns one page of events within a snapshot or a transaction, as that sees them.
    package func pageAsOfNow(_ request: ReadRequest, _ budget: StepBudget) throws -> EventBatch {
        try EventBatch { try pageAsOfNow(request, budget, $0) }
    }

    private func pageAsOfNow(
        _ request: ReadRequest, _ budget: StepBudget, _ add: (StoredEvent) throws -> Bool
    ) throws -> EventBatch {
        let head = try head()
        for mark in request.marks { try check(mark, head) }
        let range = try range(of: request, head)
        let plan = QueryPlan(request.query.items, request.direction, self, budget)
        let isForward = request.direction == .forward
        let search =
            isForward
            ? PlaceSearch(plan, from: range.low, through: range.high, budget)
            : PlaceSearch(plan, from: -range.high, through: -range.low, budget)
        var chain = try StreamChain(request, from: isForward ? range.low : range.high, head, self)
        var page = PageBuilder(request, pageBytes: limits.pageBytes, head: head)
        return try fill(&page, search, &chain, budget, add).marked(request) { try id(at: $0) }
    }

    /// Returns the lowest and the highest position within the bounds of a request.
    ///
    /// A page that is cut short continues by position, so the result is exact for all kinds of bounds.
    private func range(of request: ReadRequest, _ head: Int64) throws -> (low: Int64, high: Int64) {
        var (low, high): (Int64, Int64) = (1, head)
        switch request.after {
        case .position(let position)?: low = Int64(clamping: position.value).addingSaturated(1)
        case .mark(let mark)?: low = Int64(clamping: mark.position.value).addingSaturated(1)
        case .time(let time)?: low = try count(upTo: head) { $0 <= time.microsecondsSince1970 } + 1
        case .revision(let revision)?:
            if let stream = request.query.items.first?.stream, revision != .none {
                low = (try position(of: revision, in: stream) ?? head) + 1
            }
        case nil: break
        }
        switch request.before {
        case .position(let position)?: high = min(high, Int64(clamping: position.value).addingSaturated(-1))
        case .mark(let mark)?: high = min(high, Int64(clamping: mark.position.value).addingSaturated(-1))
        case .time(let time)?: high = try count(upTo: head) { $0 < time.microsecondsSince1970 }
        case .revision(let revision)?:
            guard let stream = request.query.items.first?.stream, revision != .none else { return (1, 0) }
            if let place = try position(of: revision, in: stream) { high = min(high, place - 1) }
        case nil: break
        }
        return (low, high)
    }

    /// Returns the position of a revision of a stream, or `nil` if the stream has no such revision.
    private func position(of revision: Revision, in stream: StreamID) throws -> Int64? {
        revision == .none ? nil : try position(after: Revision(revision.value - 1), of: stream)
    }

    private func fill(
        _ page: inout PageBuilder, _ places: PlaceSearch, _ chain: inout StreamChain?, _ budget: StepBudget,
        _ add: (StoredEvent) throws -> Bool
    ) throws -> EventBatch {
        let isForward = page.request.direction == .forward
        var (search, block, isCut) = (places, [Int64](), false)
        // Otherwise only the event at the next place shows whether there is more.
        let isCertain = isExact || search.isEverything
        while !isCut {
            try search.next(max(1, min(page.room, Self.blockSize)), into: &block)
            if block.isEmpty { return search.end.map { page.cut(through: isForward ? $0 : -$0) } ?? page.end() }
            if page.isFull && isCertain { break }
            if !isForward { for index in block.indices { block[index].negate() } }
            try forEach(at: block) { event in
                if page.room % 64 == 0 { try budget.check() }
                guard isCertain || event.matches(page.request.query) else { return true }
                isCut = page.isFull
                if isCut { return false }
                try chain?.check(event)
                try page.append(event, add)
                // More events of the block are read only to learn whether one of them matches.
                isCut = page.isFull && isCertain && event.mark.position.value != UInt64(clamping: block.last ?? 0)
                return !isCut
            }
        }
        return page.cut()
    }
}

/// The revisions that a read of one stream must find in order, so that a gap in the index is noticed.
private struct StreamChain {
    private let stream: StreamID
    private let isForward: Bool
    private var previous: Revision?

    /// Creates the chain of a page that begins at a bound; returns `nil` unless the request is for a whole stream.
    init?(_ request: ReadRequest, from bound: Int64, _ head: Int64, _ log: any StoredLog) throws {
        guard !log.hasGaps, request.query.items.count == 1, let stream = request.query.items[0].stream,
            request.query.items[0] == EventQuery.Item(stream: stream),
            let places = try log.positions(of: .stream(stream), StepBudget(steps: .max))
        else { return nil }
        self.stream = stream
        isForward = request.direction == .forward
        let edge = isForward ? bound - 1 : bound + 1
        if edge > 0 && edge <= head { previous = try Self.revision(of: stream, from: edge, request, places, log) }
        if isForward && previous == nil { previous = Revision(0) }
    }

    /// Returns the revision before the page's first one. The previous page ended at `edge`, or `edge` is any position.
    private static func revision(
        of stream: StreamID, from edge: Int64, _ request: ReadRequest, _ places: any PositionSource,
        _ log: any StoredLog
    ) throws -> Revision? {
        let event = try log.event(at: edge)
        if event.stream == stream { return event.revision }
        let back: ReadRequest.Direction = request.direction == .forward ? .backward : .forward
        var (bound, neighbour) = (edge, [Int64]())
        while true {
            neighbour.removeAll(keepingCapacity: true)
            _ = try places.read(from: bound, back, limit: 1, into: &neighbour)
            guard let place = neighbour.first else { return nil }
            let event = try log.event(at: place)
            if log.isExact || event.stream == stream { return event.revision }
            bound = back == .backward ? place - 1 : place + 1
        }
    }

    mutating func check(_ event: StoredEvent) throws {
        let follows = previous.map { isForward ? $0.next == event.revision : $0 == event.revision.next } ?? true
        guard follows, event.belongs(to: stream) else {
            throw StoreError.damagedStream(stream, at: event.mark.position)
        }
        previous = event.revision
    }
}

/// A page that is being filled.
private struct PageBuilder {
    let request: ReadRequest
    private let pageBytes: Int
    private let head: Position
    private var (count, bytes, hasRoom) = (0, 0, true)
    private var last: EventMark?

    init(_ request: ReadRequest, pageBytes: Int, head: Int64) {
        self.request = request
        self.pageBytes = pageBytes
        self.head = Position(UInt64(head))
    }

    var isFull: Bool { count == request.limit || bytes >= pageBytes || !hasRoom }

    /// The maximum number of further events.
    var room: Int { isFull ? 0 : request.limit - count }

    mutating func append(_ event: StoredEvent, _ add: (StoredEvent) throws -> Bool) throws {
        hasRoom = try add(event)
        count += 1
        bytes += event.size
        last = event.mark
    }

    /// Ends the page at its last event, before the end of the request.
    func cut() -> EventBatch { ended(last?.position ?? .start, isEnd: false) }

    /// Ends the page at the last position that was checked, before the end of the request.
    func cut(through position: Int64) -> EventBatch { ended(Position(UInt64(clamping: position)), isEnd: false) }

    /// Ends the page because the request has nothing more.
    func end() -> EventBatch { ended(request.throughAtEnd(last: last?.position, head: head), isEnd: true) }

    private func ended(_ through: Position, isEnd: Bool) -> EventBatch {
        let mark = EventMark(position: through, id: last.flatMap { $0.position == through ? $0.id : nil })
        return EventBatch(events: [], mark: mark, isEnd: isEnd, head: head)
    }
}
