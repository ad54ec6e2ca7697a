/// The log: append under a condition, read by query, wait for a position. The seam that every storage implements.
///
/// One gapless, commit-ordered sequence of events. Streams are a view of it, tags are first class. What an
/// implementation promises is written at each method and proved by `EventStoreSuite` of `SillokTesting`, which runs
/// against any store. Stores are safe to share between tasks and never block the cooperative pool.
public protocol EventStore: Sendable {
    /// The limits that this store holds requests to.
    var limits: Limits { get }

    /// The identity of the store, made when it was created.
    func storeID() async throws -> StoreID

    /// Records events: all of them or none, under a condition, durably before it returns.
    ///
    /// In this order: the request is checked against the limits; an append that was made before answers its first
    /// receipt; the condition and the tracking are checked; the events take the next positions.
    ///
    /// - Returns: where the events are. The receipt of a repeated append equals the first one.
    /// - Throws: ``AppendError``. Nothing was stored, unless it is ``AppendError/failed(_:)`` with an unknown
    ///   ``StoreError/outcome``. Repeating the same request is always safe. A cancelled task gets
    ///   ``AppendError/failed(_:)`` with ``StoreError/Code/cancelled``.
    @discardableResult
    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt

    /// Reads one page of events.
    ///
    /// A page is a consistent snapshot: no event becomes visible later at or below its ``EventBatch/through``. A
    /// mark in the request is compared within that snapshot.
    /// - Throws: ``InvalidRequest``; ``StoreError``, with ``StoreError/Code/storeChanged`` for a mark of another
    ///   history; `CancellationError` when the task is cancelled.
    func read(_ request: ReadRequest) async throws -> EventBatch

    /// The position of the last event; ``Position/start`` in an empty store.
    func head() async throws -> Position

    /// Waits until the head is at or past `position`.
    ///
    /// May return early; may miss a wake-up. Callers look again, as ``Subscription`` does once a second at least.
    /// - Throws: `CancellationError` when the task is cancelled, ``StoreError`` when the store is closed.
    func reach(_ position: Position) async throws

    /// The event of an id, or `nil`.
    func event(_ id: EventID) async throws -> RecordedEvent?

    /// What is known of a stream, or `nil` if it has no events.
    func stream(_ id: StreamID) async throws -> StreamFacts?

    /// Streams in the order of their names' bytes, after `name`, of one category or of all; at most `limit`.
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts]

    /// How far a source has been consumed into this store, or `nil`; with the id of the foreign event, if it was given.
    func tracking(of source: TrackingSource) async throws -> Tracking?
}

/// What a store knows of a stream.
public struct StreamFacts: Hashable, Sendable {
    /// The stream.
    public let id: StreamID

    /// The revision of its last event, which is also the count of its events.
    public let revision: Revision

    /// Where its last event is in the store.
    public let lastPosition: Position

    /// When its first event was recorded.
    public let firstRecordedAt: Timestamp

    /// When its last event was recorded.
    public let lastRecordedAt: Timestamp

    /// Joins the facts.
    public init(
        id: StreamID, revision: Revision, lastPosition: Position, firstRecordedAt: Timestamp, lastRecordedAt: Timestamp
    ) {
        self.id = id
        self.revision = revision
        self.lastPosition = lastPosition
        self.firstRecordedAt = firstRecordedAt
        self.lastRecordedAt = lastRecordedAt
    }
}

extension EventStore {
    /// Appends events to one stream, or to none, under a condition.
    ///
    /// The same promises and errors as ``append(_:)``.
    @discardableResult
    public func append(
        _ events: [EventData], to stream: StreamID? = nil, if condition: AppendCondition = .always,
        tracking: Tracking? = nil
    ) async throws(AppendError) -> Receipt {
        let entries = events.map { AppendRequest.Entry(stream: stream, event: $0) }
        return try await append(AppendRequest(entries, if: condition, tracking: tracking))
    }

    /// Reads one page of a query from its start, or after a position.
    public func read(
        _ query: EventQuery, after position: Position = .start, limit: Int? = nil
    ) async throws -> EventBatch {
        try await read(ReadRequest(query, after: .position(position), limit: limit ?? limits.pageEvents))
    }

    /// Reads one page of a query after a mark, which must still be in the log.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/storeChanged`` if it is not.
    public func read(
        _ query: EventQuery, resumingAfter mark: EventMark, limit: Int? = nil
    ) async throws -> EventBatch {
        let request = ReadRequest(query, after: .mark(mark), limit: limit ?? limits.pageEvents)
        let batch = try await read(request)
        try request.check(batch)
        return batch
    }

    /// Returns the head of the log, if the log still has the event of a mark. Reads no events.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/storeChanged`` if it has not.
    public func head(resumingAfter mark: EventMark) async throws -> EventMark {
        try await read(EventQuery([]), resumingAfter: mark, limit: 1).mark
    }

    /// All pages of a request, each read when it is asked for.
    public func pages(_ request: ReadRequest) -> EventPages { EventPages(store: self, request: request) }

    /// All pages of a query from its start.
    public func pages(_ query: EventQuery) -> EventPages {
        pages(ReadRequest(query, limit: limits.pageEvents))
    }

    /// The events of a query that are and that will come, from after a position on.
    ///
    /// - Parameters:
    ///   - query: which events.
    ///   - position: what the subscriber has already seen: the ``EventBatch/through`` of its last batch.
    ///   - store: the store the subscriber expects. Another one ends it with ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time that a lost wake-up can cost.
    ///   - clock: what measures that time.
    public func subscribe(
        to query: EventQuery = .all, after position: Position = .start, expecting store: StoreID? = nil,
        pollInterval: Duration = .seconds(1), clock: any Clock<Duration> = ContinuousClock()
    ) -> Subscription {
        Subscription(
            store: self, query: query, after: EventMark(position: position, id: nil), expectedStore: store,
            pollInterval: pollInterval, clock: clock)
    }

    /// The events of a query that are and that will come, from after a mark on.
    ///
    /// - Parameters:
    ///   - query: which events.
    ///   - mark: what the subscriber has already seen: the ``EventBatch/mark`` of its last batch. A log that does
    ///     not have its event ends the subscription with ``StoreError/Code/storeChanged``.
    ///   - store: the store the subscriber expects. Another one ends it with ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time that a lost wake-up can cost.
    ///   - clock: what measures that time.
    public func subscribe(
        to query: EventQuery = .all, resumingAfter mark: EventMark, expecting store: StoreID? = nil,
        pollInterval: Duration = .seconds(1), clock: any Clock<Duration> = ContinuousClock()
    ) -> Subscription {
        Subscription(
            store: self, query: query, after: mark, expectedStore: store, pollInterval: pollInterval, clock: clock)
    }
}
