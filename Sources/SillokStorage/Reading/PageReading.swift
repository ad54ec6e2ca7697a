package import SillokCore
package import SillokIndex
package import SillokThreads

extension StoredLog {
    /// Returns one page of events from one snapshot.
    package func page(_ request: ReadRequest, _ cancellation: Cancellation) throws -> EventBatch {
        let budget = StepBudget(steps: limits.pageSteps) { cancellation.isCancelled }
        return try reading { try pageAsOfNow(request, budget) }
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
        let head = try head()
        for mark in request.marks { try check(mark, head) }
        let range = try range(of: request, head)
        let plan = QueryPlan(request.query.items, request.direction, self, budget)
        let page =
            switch request.direction {
            case .forward:
                try forwardPage(
                    request, PlaceSearch(plan, from: range.low, through: range.high, budget), from: range.low,
                    head: head, budget)
            case .backward:
                try backwardPage(
                    request, PlaceSearch(plan, from: -range.high, through: -range.low, budget), from: range.high,
                    head: head, budget)
            }
        return try page.marked(request) { try id(at: $0) }
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

    private func forwardPage(
        _ request: ReadRequest, _ search: PlaceSearch, from low: Int64, head: Int64, _ budget: StepBudget
    ) throws -> EventBatch {
        try withUpwardCursor { cursor in
            var page = PageBuilder(request, pageBytes: limits.pageBytes, head: head)
            var chain = try StreamChain(request, from: low, head, self)
            var places = UpwardPlaces(search, cursor)
            while let position = try places.next(atMost: page.room) {
                if page.isFull { return page.cut() }
                if page.room % 64 == 0 { try budget.check() }
                let event = try cursor.event(at: position)
                guard isExact || request.query.matches(event) else { continue }
                try chain?.check(event)
                page.append(event)
            }
            return places.end.map { page.cut(through: $0) } ?? page.end()
        }
    }

    private func backwardPage(
        _ request: ReadRequest, _ search: PlaceSearch, from high: Int64, head: Int64, _ budget: StepBudget
    ) throws -> EventBatch {
        var (page, search) = (PageBuilder(request, pageBytes: limits.pageBytes, head: head), search)
        var chain = try StreamChain(request, from: high, head, self)
        while let place = try search.next() {
            if page.isFull { return page.cut() }
            if page.room % 64 == 0 { try budget.check() }
            let event = try event(at: -place)
            guard isExact || request.query.matches(event) else { continue }
            try chain?.check(event)
            page.append(event)
        }
        return search.end.map { page.cut(through: -$0) } ?? page.end()
    }
}

/// The places of a forward search, looked up a few ahead so that their events can be read together.
private struct UpwardPlaces {
    private var search: PlaceSearch
    private let cursor: any UpwardCursor
    private let blockSize: Int
    private var block: [Int64] = []
    private var index = 0

    /// - Parameter cursor: what must read the places.
    init(_ search: PlaceSearch, _ cursor: any UpwardCursor) {
        (self.search, self.cursor) = (search, cursor)
        blockSize = type(of: cursor).blockSize
    }

    /// The last place that was checked, if the steps ran out.
    var end: Int64? { search.end }

    /// Returns the next position, which the cursor must read.
    ///
    /// - Parameter room: the maximum number of wanted events, and of positions to look up, but at least one.
    mutating func next(atMost room: Int) throws -> Int64? {
        if search.isEverything { return try search.next() }
        if index == block.count { try lookUp(max(1, min(room, blockSize))) }
        guard index < block.count else { return nil }
        defer { index += 1 }
        return block[index]
    }

    private mutating func lookUp(_ count: Int) throws {
        block.removeAll(keepingCapacity: true)
        index = 0
        while block.count < count, let position = try search.next() { block.append(position) }
        cursor.expect(block)
    }
}

/// The revisions that a read of one stream must find in order, so that a gap in the index is noticed.
private struct StreamChain {
    private let stream: StreamID
    private let isForward: Bool
    private var previous: Revision?

    /// Creates the chain of a page that begins at a bound; returns `nil` unless the request is for a whole stream.
    init?(_ request: ReadRequest, from bound: Int64, _ head: Int64, _ log: any StoredLog) throws {
        guard request.query.items.count == 1, let stream = request.query.items[0].stream,
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

    mutating func check(_ event: RecordedEvent) throws {
        let follows = previous.map { isForward ? $0.next == event.revision : $0 == event.revision.next } ?? true
        guard follows, event.stream == stream else {
            throw StoreError.damagedStream(stream, at: event.position)
        }
        previous = event.revision
    }
}

/// A page that is being filled.
private struct PageBuilder {
    private let request: ReadRequest
    private let pageBytes: Int
    private let head: Position
    private var events: [RecordedEvent] = []
    private var bytes = 0

    init(_ request: ReadRequest, pageBytes: Int, head: Int64) {
        self.request = request
        self.pageBytes = pageBytes
        self.head = Position(UInt64(head))
        events.reserveCapacity(min(request.limit, 1000))
    }

    var isFull: Bool { events.count == request.limit || bytes >= pageBytes }

    /// The maximum number of further events.
    var room: Int { request.limit - events.count }

    mutating func append(_ event: consuming RecordedEvent) {
        bytes += event.data.size
        events.append(event)
    }

    /// Ends the page at its last event, before the end of the request.
    func cut() -> EventBatch {
        EventBatch(events: events, through: events.last?.position ?? .start, isEnd: false, head: head)
    }

    /// Ends the page at the last position that was checked, before the end of the request.
    func cut(through position: Int64) -> EventBatch {
        EventBatch(events: events, through: Position(UInt64(clamping: position)), isEnd: false, head: head)
    }

    /// Ends the page because the request has nothing more.
    func end() -> EventBatch {
        let through = request.throughAtEnd(last: events.last?.position, head: head)
        return EventBatch(events: events, through: through, isEnd: true, head: head)
    }
}
