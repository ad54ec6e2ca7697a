/// A store that passes every call to another store, except those that it implements itself.
///
/// It does not report appends, because it may change them. If it does not change them, forward
/// ``EventStore/observeAppends(_:)`` too.
///
/// ```swift
/// struct ReadOnlyStore: ForwardingEventStore {
///     let base: any EventStore
///
///     func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
///         throw .failed(StoreError(.readOnly, "this application only reads."))
///     }
/// }
/// ```
public protocol ForwardingEventStore: EventStore {
    /// The store that gets the calls.
    var base: any EventStore { get }
}

extension ForwardingEventStore {
    /// The limits of the other store.
    public var limits: Limits { base.limits }

    /// Returns the identity of the other store.
    public func storeID() async throws -> StoreID { try await base.storeID() }

    /// Appends to the other store.
    @discardableResult
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt { try await base.append(request) }

    /// Reads a page of the other store.
    public func read(_ request: ReadRequest) async throws -> EventBatch { try await base.read(request) }

    /// Returns the head of the other store.
    public func head() async throws -> Position { try await base.head() }

    /// Waits until the other store may have an event of a query.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try await base.reach(position, for: query)
    }

    /// Returns the event of an id in the other store.
    public func event(_ id: EventID) async throws -> RecordedEvent? { try await base.event(id) }

    /// Returns the facts of the other store about a stream, or `nil` if the stream has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await base.stream(id) }

    /// Returns streams of the other store.
    public func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await base.streams(in: category, after: name, limit: limit)
    }

    /// Returns the position up to which a source was consumed into the other store, or `nil` if nothing of it was
    /// consumed.
    public func tracking(of source: TrackingSource) async throws -> Tracking? { try await base.tracking(of: source) }
}
