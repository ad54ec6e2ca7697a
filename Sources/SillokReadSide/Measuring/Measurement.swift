public import SillokCore

/// A measurement of a projection, of the store's appends, or of a snapshot.
public enum Measurement: Hashable, Sendable {
    /// How far a live build is behind the log: in positions, and as the age of the oldest event that it has not
    /// handled.
    case lag(projection: String, events: UInt64, time: Duration)

    /// The number of dead letters of a live build.
    case deadLetters(projection: String, count: Int)

    /// The time that a build took to reach the head of the log.
    case rebuild(projection: String, time: Duration)

    /// A projection stopped, with the reason; `nil` means that it runs (again).
    case failure(projection: String, String?)

    /// The time of an append, and whether the store could execute it. A rejected append, such as one with a conflict,
    /// counts as executed.
    case append(time: Duration, isCarriedOut: Bool)

    /// The outcome of a snapshot of a decider, whose name is that of its type.
    case snapshot(decider: String, SnapshotOutcome)

    /// The subject of the measurement: the name of the projection or the decider, or `store`.
    public var subject: String {
        switch self {
        case .snapshot(let decider, _): decider
        case .lag(let projection, _, _), .deadLetters(let projection, _), .rebuild(let projection, _),
            .failure(let projection, _):
            projection
        case .append: "store"
        }
    }
}

/// The outcome of a snapshot.
public enum SnapshotOutcome: Hashable, Sendable {
    /// A state was replayed from the snapshot.
    case used
    /// A snapshot was written, with this number of bytes.
    case written(bytes: Int)
    /// A snapshot of a stream or of a query was not used, with the reason.
    case ignored(subject: String, reason: String)
    /// One was due and is not written, because the process asked for the boundary the first time. If that is usual, the
    /// boundary has a key of its own in each command, and no snapshot of it would ever be found.
    case withheld(subject: String)
    /// One could not be read or written, and why. Nothing depends on it.
    case failed(String)
}

/// A store that measures each append and otherwise forwards to another store.
public struct MeasuredEventStore: EventStore {
    private let store: any EventStore
    private let clock: any Clock<Duration>
    private let record: @Sendable (Measurement) -> Void

    /// Creates a store that measures each append.
    ///
    /// - Parameters:
    ///   - store: the store that executes all requests.
    ///   - clock: measures the time of an append.
    ///   - record: called with each measurement; must not block.
    public init(
        _ store: any EventStore, clock: any Clock<Duration> = ContinuousClock(),
        record: @escaping @Sendable (Measurement) -> Void
    ) {
        self.store = store
        self.clock = clock
        self.record = record
    }

    /// The limits of the store.
    public var limits: Limits { store.limits }

    /// Appends to the store and records a measurement.
    @discardableResult
    public func append(_ request: AppendRequest) async throws -> Receipt {
        var result: Result<Receipt, any Error> = .failure(CancellationError())
        let time = await clock.measure {
            do {
                result = .success(try await store.append(request))
            } catch {
                result = .failure(error)
            }
        }
        var isCarriedOut = true
        if case .failure(let error) = result { isCarriedOut = !(error is StoreError) }
        record(.append(time: time, isCarriedOut: isCarriedOut))
        return try result.get()
    }

    /// Has the wrapped store report every append.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        store.observeAppends(observe)
    }

    /// The identity of the store.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Reads from the store.
    public func read(_ request: ReadRequest) async throws -> EventBatch { try await store.read(request) }

    /// Returns the head of the store.
    public func head() async throws -> Position { try await store.head() }

    /// Waits for the store's head.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try await store.reach(position, for: query)
    }

    /// Returns the store's event with an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }

    /// Returns the facts about a stream of the store, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }

    /// Returns the streams of the store.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    /// Returns how far a source has been consumed into the store, or `nil`.
    public func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
}
