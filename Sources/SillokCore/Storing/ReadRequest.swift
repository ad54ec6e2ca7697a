/// One page to read: which events, between which bounds, in which direction, and how many.
public struct ReadRequest: Hashable, Sendable {
    /// A place in the log to read after or before; the place itself is never included.
    public enum Bound: Hashable, Sendable {
        /// A position of the store.
        case position(Position)
        /// A revision; only for a query of exactly one stream.
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

    /// Which events.
    public var query: EventQuery

    /// Only events after this.
    public var after: Bound?

    /// Only events before this.
    public var before: Bound?

    /// In which order.
    public var direction: Direction

    /// At most this many events, from 1 to ``Limits/pageEvents``. A page also ends at ``Limits/pageBytes``.
    public var limit: Int

    /// A request with all of its parts.
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

    /// The request for the page after `batch`, or `nil` if that was the last one.
    ///
    /// A forward read without an upper bound stays below the head that its first page saw, so that it ends even while
    /// others append.
    public func next(after batch: EventBatch) -> ReadRequest? {
        guard !batch.isEnd else { return nil }
        var next = self
        switch direction {
        case .forward:
            next.after = .position(batch.through)
            if before == nil { next.before = .position(batch.head.next) }
        case .backward:
            next.before = .position(batch.through)
        }
        return next
    }

    /// How far a read has looked when nothing more matches after its last event.
    package func throughAtEnd(last: Position?, head: Position) -> Position {
        if direction == .backward { return .start }
        switch (before, after) {
        case (nil, _): return head
        case (.position(let bound)?, _): return min(head, bound.previous)
        case (_, .position(let bound)?): return last ?? min(head, bound)
        default: return last ?? .start
        }
    }
}

/// A page of events, and how far it looked.
public struct EventBatch: Hashable, Sendable {
    /// The events, in the order of the request.
    public let events: [RecordedEvent]

    /// How far the read has looked: no further event of the request lies between its start and here.
    ///
    /// Forwards it rises with every page, over events that do not match as well: keep it as the checkpoint and go on
    /// after it. It is the head at the end of a read without an upper bound, and never beyond an upper bound, so that
    /// whoever goes on without the bound misses nothing. Backwards it falls: go on before it.
    public let through: Position

    /// Whether nothing more matched when the page was read.
    public let isEnd: Bool

    /// The last position of the store when the page was read.
    public let head: Position

    /// A page with all of its parts.
    public init(events: [RecordedEvent], through: Position, isEnd: Bool, head: Position) {
        self.events = events
        self.through = through
        self.isEnd = isEnd
        self.head = head
    }
}
