/// An event log: it appends events under a condition, reads them by query, and waits for events of a query. Every
/// storage implements this protocol.
///
/// The log is one gapless, commit-ordered sequence of events. A stream is a view of it; events are also found by their
/// tags. Each method documents what an implementation must guarantee. `EventStoreSuite` of `SillokConformance` checks
/// these guarantees for any store. Stores are safe to share between tasks and never block the cooperative pool.
public protocol EventStore: Sendable {
    /// The limits that this store enforces.
    var limits: Limits { get }

    /// Returns the identity of the store, made when it was created.
    func storeID() async throws -> StoreID

    /// Records all of the events or none, under a condition. The events are durable when it returns.
    ///
    /// First the store checks the request against the limits. An append is a repeat if all of its event ids are stored
    /// already, next to each other in this order and with the same contents: it returns the first receipt. If only some
    /// of them are stored, or the contents differ, it fails with ``AppendError/knownID(_:)``. Otherwise the store
    /// checks the condition and the tracking, and gives the events the next positions.
    ///
    /// - Returns: where the events are. The receipt of a repeated append equals the first one.
    /// - Throws: ``AppendError``. Nothing was stored, unless it is ``AppendError/failed(_:)`` with an unknown
    ///   ``StoreError/outcome``. Repeating the same request is always safe. A cancelled task gets
    ///   ``AppendError/failed(_:)`` with ``StoreError/Code/cancelled``. An append that would hold too much memory while
    ///   it waits fails at once with ``StoreError/Code/overloaded``. After ``StoreError/Code/full``, the store takes
    ///   appends again when the disk has room.
    @discardableResult
    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt

    /// Reads one page of events.
    ///
    /// A page is a consistent snapshot: no event becomes visible later at or below its ``EventBatch/through``. The
    /// store compares a mark in the request within that snapshot.
    /// - Throws: ``InvalidRequest``; ``StoreError``, with ``StoreError/Code/storeChanged`` for a mark of another
    ///   history; `CancellationError` when the task is cancelled.
    func read(_ request: ReadRequest) async throws -> EventBatch

    /// Returns the position of the last event, or `Position.start` in an empty store.
    func head() async throws -> Position

    /// Waits until the log may have an event of a query at or after `position`.
    ///
    /// Returns at once if it may have one already, so that a caller misses nothing between its last page and the wait.
    /// It may return early. An append that does not match should not end the wait, because many thousand callers may
    /// wait at once. If other processes append to the store, the store itself checks for their events, once for all
    /// callers.
    /// - Throws: `CancellationError` when the task is cancelled, ``StoreError`` when the store is closed.
    func reach(_ position: Position, for query: EventQuery) async throws

    /// Returns the event with an id, or `nil`.
    func event(_ id: EventID) async throws -> RecordedEvent?

    /// Returns the facts about a stream, or `nil` if it has no events.
    func stream(_ id: StreamID) async throws -> StreamFacts?

    /// Returns at most `limit` streams of one category, or of all, whose names come after `name`. They are ordered by
    /// the bytes of their names.
    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts]

    /// Returns the position up to which a source was consumed into this store, with the id of the foreign event if it
    /// is known; `nil` if nothing of the source was consumed.
    func tracking(of source: TrackingSource) async throws -> Tracking?

    /// Reports every later append to `observe`, wherever in the process the append comes from. `observe` must not
    /// block.
    ///
    /// - Returns: `false` if the store does not report appends. This is the default.
    func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool
}

extension EventStore {
    /// Returns `false`: nothing is reported.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool { false }
}

/// The facts that a store has about a stream.
public struct StreamFacts: Hashable, Sendable {
    /// The name of the stream.
    public let id: StreamID

    /// The revision of the stream's last event, which is also its number of events.
    public let revision: Revision

    /// The position of the stream's last event in the store.
    public let lastPosition: Position

    /// When the stream's first event was recorded.
    public let firstRecordedAt: Timestamp

    /// When the stream's last event was recorded.
    public let lastRecordedAt: Timestamp

    /// Creates the facts about a stream; a store does this when it answers.
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
    /// Gives the same guarantees and throws the same errors as ``append(_:)``.
    @discardableResult
    public func append(
        _ events: [EventData], to stream: StreamID? = nil, if condition: AppendCondition = .always,
        tracking: Tracking? = nil
    ) async throws(AppendError) -> Receipt {
        let entries = events.map { AppendRequest.Entry(stream: stream, event: $0) }
        return try await append(AppendRequest(entries, if: condition, tracking: tracking))
    }

    /// Waits until the head is at or past `position`.
    ///
    /// May return early.
    /// - Throws: `CancellationError` when the task is cancelled, ``StoreError`` when the store is closed.
    public func reach(_ position: Position) async throws { try await reach(position, for: .all) }

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

    /// Returns the head of the log if the log still has the event of a mark. Reads no events.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/storeChanged`` if the log does not have it.
    public func head(resumingAfter mark: EventMark) async throws -> EventMark {
        try await read(EventQuery([]), resumingAfter: mark, limit: 1).mark
    }
}
