/// A request for one page of events: which events, between which bounds, in which direction, and how many.
public struct ReadRequest: Hashable, Sendable {
    /// A place in the log to read after or before. The event at the place itself is not included.
    public enum Bound: Hashable, Sendable {
        /// A position of the store.
        case position(Position)
        /// A position whose event the caller knows. The read fails with ``StoreError/Code/storeChanged`` if the log has
        /// another event there, or ends before it.
        case mark(EventMark)
        /// A revision. Valid only for a query of exactly one stream.
        case revision(Revision)
        /// A recorded time.
        case time(Timestamp)
    }

    /// The order of the events in a page and from page to page.
    public enum Direction: Hashable, Sendable {
        /// From the oldest to the newest.
        case forward
        /// From the newest to the oldest.
        case backward
    }

    /// The query that the events match.
    public var query: EventQuery

    /// The exclusive lower bound of the page.
    public var after: Bound?

    /// The exclusive upper bound of the page.
    public var before: Bound?

    /// The order of the events.
    public var direction: Direction

    /// The maximum number of events, from 1 to ``Limits/pageEvents``. A page also ends at ``Limits/pageBytes``.
    public var limit: Int

    /// Creates a request, by default for the first 1,000 events of the log, forward and without bounds.
    public init(
        _ query: EventQuery = .all, after: Bound? = nil, before: Bound? = nil, direction: Direction = .forward,
        limit: Int = 1000
    ) {
        self.query = query
        self.after = after
        self.before = before
        self.direction = direction
        self.limit = limit
    }

    /// Returns the request for the page after `batch`, or `nil` if that was the last one.
    ///
    /// The next page continues at the mark of `batch`, so that the store notices if the log was replaced or restored
    /// from an older copy between two pages. A forward read without an upper bound stops at the head that its first
    /// page saw, so that it ends even while others append.
    public func next(after batch: EventBatch) -> ReadRequest? {
        guard !batch.isEnd else { return nil }
        var next = self
        switch direction {
        case .forward:
            next.after = .mark(batch.mark)
            if before == nil { next.before = .position(batch.head.next) }
        case .backward:
            next.before = .mark(batch.mark)
        }
        return next
    }

    /// Returns how far a read has looked when nothing more matches after its last event.
    package func throughAtEnd(last: Position?, head: Position) -> Position {
        if direction == .backward { return .start }
        guard let before else { return head }
        if let bound = before.position { return min(head, bound.previous) }
        return last ?? min(head, after?.position ?? .start)
    }

    /// The marks that the store compares with its log before it answers.
    package var marks: [EventMark] {
        var marks: [EventMark] = []
        for case .mark(let mark)? in [after, before] where mark.position > .start { marks.append(mark) }
        return marks
    }

    /// Throws if a page shows that the log ends before the mark after which it was requested.
    ///
    /// A store that compares marks has thrown already. This check is for others, such as servers of older versions.
    package func check(_ batch: EventBatch) throws(StoreError) {
        guard direction == .forward, before == nil, case .mark(let mark)? = after, batch.through < mark.position else {
            return
        }
        throw .logEnds(at: batch.head, before: mark)
    }
}

extension ReadRequest.Bound {
    /// The position, if the bound is one in the whole store.
    package var position: Position? {
        switch self {
        case .position(let position): position
        case .mark(let mark): mark.position
        case .revision, .time: nil
        }
    }
}

/// A page of events, and the mark up to which the log was searched.
public struct EventBatch: Hashable, Sendable {
    /// The events, in the order of the request.
    public let events: [RecordedEvent]

    /// The position up to which the read has searched the log. The page has every matching event from the start of the
    /// request to this position.
    ///
    /// In a forward read it rises with every page, also across events that do not match. Keep it as the checkpoint and
    /// continue after it. At the end of a read without an upper bound it is the head. It is never beyond an upper
    /// bound, so that a reader that continues without the bound misses nothing. In a backward read it falls; continue
    /// before it.
    public var through: Position { mark.position }

    /// The ``through`` position and the id of its event, which a reader keeps to continue later. The id is missing at
    /// the start of the log, and in pages of stores that do not know it.
    public let mark: EventMark

    /// Whether nothing more matched when the page was read.
    ///
    /// A page without events is not always the last one: a search that takes ``Limits/pageSteps`` ends the page early.
    public let isEnd: Bool

    /// The last position of the store when the page was read.
    public let head: Position

    /// Creates a page from its events and its mark.
    public init(events: [RecordedEvent], mark: EventMark, isEnd: Bool, head: Position) {
        self.events = events
        self.mark = mark
        self.isEnd = isEnd
        self.head = head
    }

    /// Creates a page that was read up to a position. Its mark has the id of the last event if that event is at
    /// `through`.
    public init(events: [RecordedEvent], through: Position, isEnd: Bool, head: Position) {
        let last = events.last.flatMap { $0.position == through ? $0.id : nil }
        self.init(events: events, mark: EventMark(position: through, id: last), isEnd: isEnd, head: head)
    }

    /// Returns the page with the id of the event at ``through``. Calls `find` if page and request do not have it.
    package func marked(
        _ request: ReadRequest, find: (Position) throws -> EventID?
    ) rethrows -> EventBatch {
        guard mark.id == nil, through > .start else { return self }
        let known = request.marks.first { $0.position == through }?.id
        let mark = EventMark(position: through, id: try known ?? find(through))
        return EventBatch(events: events, mark: mark, isEnd: isEnd, head: head)
    }
}
