public import SillokCore

/// Something that was measured: of a projection, or of the store's appends.
public enum Measurement: Hashable, Sendable {
    /// How far a live build is behind the log: in positions, and as the age of the oldest event that it has not taken.
    case lag(projection: String, events: UInt64, time: Duration)

    /// How many events of a live build are parked as dead letters.
    case deadLetters(projection: String, count: Int)

    /// How long a build took to come to the head of the log.
    case rebuild(projection: String, time: Duration)

    /// A projection stopped, and why; `nil`: it runs (again).
    case failure(projection: String, String?)

    /// How long an append took, and whether the store could carry it out. A refused one, such as by a conflict, could.
    case append(time: Duration, isCarriedOut: Bool)

    /// What became of a snapshot of a decider, whose name is that of its type.
    case snapshot(decider: String, SnapshotOutcome)

    /// What was measured: the name of the projection or the decider, or `store`.
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

/// What became of a snapshot.
public enum SnapshotOutcome: Hashable, Sendable {
    /// A state was replayed from it on.
    case used
    /// One was written, of so many bytes.
    case written(bytes: Int)
    /// One of a stream, or of a query, was not used, and why.
    case ignored(subject: String, reason: String)
    /// One could not be read or written, and why. Nothing depends on it.
    case failed(String)
}

/// A store that measures each append and does all else as the store that it wraps.
public struct MeasuredEventStore: EventStore {
    private let store: any EventStore
    private let clock: any Clock<Duration>
    private let record: @Sendable (Measurement) -> Void

    /// A store that tells what each append took.
    ///
    /// - Parameters:
    ///   - store: what carries out everything.
    ///   - clock: measures the time of an append.
    ///   - record: told each measurement; must not block.
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

    /// Appends, and tells how long it took.
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

    /// The head of the store.
    public func head() async throws -> Position { try await store.head() }

    /// Waits for the store's head.
    public func reach(_ position: Position) async throws { try await store.reach(position) }

    /// The store's event of an id.
    public func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }

    /// What the store knows of a stream.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }

    /// The store's streams.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    /// How far a source has been consumed into the store.
    public func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
}
