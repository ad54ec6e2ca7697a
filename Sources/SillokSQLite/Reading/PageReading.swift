import SillokCore

extension EventReader {
    /// One page of events, out of one snapshot.
    func page(_ request: ReadRequest) throws -> EventBatch { try connection.reading { try pageAsOfNow(request) } }

    /// One page of events within a transaction, as it sees them.
    func pageAsOfNow(_ request: ReadRequest) throws -> EventBatch {
        let head = try head()
        for mark in request.marks { try check(mark, head) }
        let plan = try QueryPlan(request.query, request.direction, index, names)
        let range = try range(of: request, head)
        let page =
            switch request.direction {
            case .forward: try forwardPage(request, plan, range, head)
            case .backward: try backwardPage(request, plan, range, head)
            }
        return try page.marked(request) { try id(at: $0) }
    }

    /// The lowest and the highest position that the bounds of a request leave.
    ///
    /// For bounds by revision a little more than they leave: the rest is left out event by event.
    private func range(of request: ReadRequest, _ head: Int64) throws -> (low: Int64, high: Int64) {
        var (low, high): (Int64, Int64) = (1, head)
        switch request.after {
        case .position(let position)?: low = Int64(clamping: position.value).addingSaturated(1)
        case .mark(let mark)?: low = Int64(clamping: mark.position.value).addingSaturated(1)
        case .time(let time)?: low = try count(upTo: head) { $0 <= time.microsecondsSince1970 } + 1
        case .revision(let revision)?:
            guard let stream = try streamNumber(of: request) else { return (1, 0) }
            low = try positionNotAfter(revision: Int64(clamping: revision.value), of: stream) + 1
        case nil: break
        }
        switch request.before {
        case .position(let position)?: high = min(high, Int64(clamping: position.value).addingSaturated(-1))
        case .mark(let mark)?: high = min(high, Int64(clamping: mark.position.value).addingSaturated(-1))
        case .time(let time)?: high = try count(upTo: head) { $0 < time.microsecondsSince1970 }
        case .revision(let revision)?:
            guard let stream = try streamNumber(of: request) else { return (1, 0) }
            let mark = try positionNotBefore(revision: Int64(clamping: revision.value), of: stream)
            if let mark { high = min(high, mark - 1) }
        case nil: break
        }
        return (low, high)
    }

    private func streamNumber(of request: ReadRequest) throws -> Int64? {
        guard let stream = request.query.items.first?.stream else { return nil }
        return try names.number(.stream, stream.text)
    }

    private func forwardPage(
        _ request: ReadRequest, _ plan: QueryPlan, _ range: (low: Int64, high: Int64), _ head: Int64
    ) throws -> EventBatch {
        try withUpwardCursor { cursor in
            var page = PageBuilder(request, pageBytes: limits.pageBytes, head: head)
            var chain = try StreamChain(request, from: range.low, head, self)
            var positions = UpwardPositions(plan, range)
            let isBoundByRevision = request.isBoundByRevision
            while let position = try positions.next(atMost: page.room, cursor) {
                if page.isFull && !isBoundByRevision { return page.cut() }
                let event = try cursor.event(at: position)
                try chain?.check(event)
                if !isBoundByRevision || request.isWithinRevisions(event.revision) {
                    if page.isFull { return page.cut() }
                    page.append(event)
                }
            }
            return page.end()
        }
    }

    private func backwardPage(
        _ request: ReadRequest, _ plan: QueryPlan, _ range: (low: Int64, high: Int64), _ head: Int64
    ) throws -> EventBatch {
        var page = PageBuilder(request, pageBytes: limits.pageBytes, head: head)
        var bound = range.high
        var chain = try StreamChain(request, from: bound, head, self)
        while bound >= range.low, let position = try plan.seek(bound), position >= range.low {
            if page.isFull && !request.isBoundByRevision { return page.cut() }
            let event = try event(at: position)
            try chain?.check(event)
            if request.isWithinRevisions(event.revision) {
                if page.isFull { return page.cut() }
                page.append(event)
            }
            bound = position - 1
        }
        return page.end()
    }
}

/// The positions of a plan upwards, looked up a few ahead so that their events can be read together.
private struct UpwardPositions {
    private let plan: QueryPlan
    private let isEverything: Bool
    private let high: Int64
    private var bound: Int64
    private var block: [Int64] = []
    private var index = 0

    init(_ plan: QueryPlan, _ range: (low: Int64, high: Int64)) {
        self.plan = plan
        isEverything = plan.isEverything
        (bound, high) = range
    }

    /// The next position, which the cursor is to read.
    ///
    /// - Parameter room: how many events are wanted at most: no more positions are looked up, one at least.
    mutating func next(atMost room: Int, _ cursor: UpwardCursor) throws -> Int64? {
        if isEverything {
            guard bound <= high else { return nil }
            defer { bound += 1 }
            return bound
        }
        if index == block.count { try lookUp(max(1, min(room, UpwardCursor.blockSize)), cursor) }
        guard index < block.count else { return nil }
        defer { index += 1 }
        return block[index]
    }

    private mutating func lookUp(_ count: Int, _ cursor: UpwardCursor) throws {
        block.removeAll(keepingCapacity: true)
        index = 0
        while block.count < count, bound <= high, let position = try plan.seek(bound), position <= high {
            block.append(position)
            bound = position + 1
        }
        cursor.expect(block)
    }
}

/// What a read of one stream expects: its revisions, one after the other, so that a hole in the index is noticed.
private struct StreamChain {
    private let stream: StreamID
    private let isForward: Bool
    private var previous: Revision?

    /// The chain of a page that begins at a bound; `nil` for a request of anything but a whole stream.
    init?(_ request: ReadRequest, from bound: Int64, _ head: Int64, _ reader: EventReader) throws {
        guard request.query.items.count == 1, let stream = request.query.items[0].stream,
            request.query.items[0] == EventQuery.Item(stream: stream),
            let number = try reader.names.number(.stream, stream.text)
        else { return nil }
        self.stream = stream
        isForward = request.direction == .forward
        previous = try Self.revision(beside: isForward ? bound - 1 : bound + 1, head, request.direction, number, reader)
        if isForward && previous == nil { previous = Revision(0) }
    }

    /// The revision that the page follows on. The page before it ended at `edge`, or `edge` lies anywhere.
    private static func revision(
        beside edge: Int64, _ head: Int64, _ direction: ReadRequest.Direction, _ number: Int64, _ reader: EventReader
    ) throws -> Revision? {
        guard edge > 0 && edge <= head else { return nil }
        let event = try reader.event(at: edge)
        if let stream = event.stream, try reader.names.number(.stream, stream.text) == number { return event.revision }
        var neighbour: [Int64] = []
        let back: ReadRequest.Direction = direction == .forward ? .backward : .forward
        try reader.index.read(IndexKey.name(number), from: edge, back, limit: 1, into: &neighbour)
        return try neighbour.first.map { try reader.event(at: $0).revision }
    }

    mutating func check(_ event: RecordedEvent) throws {
        let follows = previous.map { isForward ? $0.next == event.revision : $0 == event.revision.next } ?? true
        guard follows, event.stream == stream else {
            throw StoreError(
                .corrupt,
                "the index of stream \(stream) is damaged: the event at position \(event.position) is not its next. "
                    + "Run `sillok verify`.")
        }
        previous = event.revision
    }
}

/// A page that fills up.
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

    /// How many events more it takes at most.
    var room: Int { request.limit - events.count }

    mutating func append(_ event: consuming RecordedEvent) {
        bytes += event.data.size
        events.append(event)
    }

    /// The page ends before the request does.
    func cut() -> EventBatch {
        EventBatch(events: events, through: events.last?.position ?? .start, isEnd: false, head: head)
    }

    /// The request has nothing more.
    func end() -> EventBatch {
        let through = request.throughAtEnd(last: events.last?.position, head: head)
        return EventBatch(events: events, through: through, isEnd: true, head: head)
    }
}

extension ReadRequest {
    /// Whether the bounds alone do not say which positions belong to the page.
    fileprivate var isBoundByRevision: Bool {
        for case .revision? in [after, before] { return true }
        return false
    }

    fileprivate func isWithinRevisions(_ revision: Revision) -> Bool {
        if case .revision(let bound)? = after, revision <= bound { return false }
        if case .revision(let bound)? = before, revision >= bound { return false }
        return true
    }
}

extension Int64 {
    /// The sum, held at the ends of the number range.
    func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
