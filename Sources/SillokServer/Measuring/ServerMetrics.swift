import Sillok
import SillokCore
import SillokReadSide
import SillokSQL

/// The counters and measurements of a server.
final class ServerMetrics: Sendable {
    struct Append: Sendable {
        var requests: UInt64 = 0
        var events: UInt64 = 0
        var conflicts: UInt64 = 0
        var refusals: UInt64 = 0
        var failures: UInt64 = 0
        var seconds = Histogram.seconds

        /// Appends that stored nothing.
        var bad: UInt64 { conflicts + refusals + failures }
    }

    struct Requests: Sendable {
        var byStatus: [Int: UInt64] = [:]
        var seconds = Histogram.seconds
    }

    struct State: Sendable {
        var append = Append()
        var requests: [Operation: Requests] = [:]
        var eventsRead: UInt64 = 0
        var shed: UInt64 = 0
        /// Connections that were cut because their reader took nothing.
        var stalled: UInt64 = 0
        var groupSizes = Histogram.sizes
        var syncSeconds = Histogram.seconds
        var logBytes: Int?
        var connections = 0
        var connectionsEver: UInt64 = 0
    }

    private let state = Lock(State())

    /// The current values.
    var current: State { state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func request(_ operation: Operation, status: Int, took time: Duration) {
        state.withLock { state in
            state.requests[operation, default: Requests()].byStatus[status, default: 0] += 1
            state.requests[operation]?.seconds.record(time.seconds)
        }
    }

    /// Counts a commit of a store.
    func commit(_ commit: CommitMeasurement) {
        state.withLock { state in
            state.groupSizes.record(Double(commit.appends))
            state.syncSeconds.record(commit.syncTime.seconds)
            state.logBytes = commit.logBytes
        }
    }

    /// Takes what came of an append.
    func append(_ append: AppendMeasurement) {
        state.withLock { state in
            state.append.requests += 1
            state.append.seconds.record(append.time.seconds)
            switch append.error {
            case nil: state.append.events += UInt64(clamping: append.events)
            case is AppendConflict, is EventIDConflict, is TrackingConflict: state.append.conflicts += 1
            case is InvalidRequest, is InlineProjectionFailed: state.append.refusals += 1
            case let error as StoreError where error.code == .refused: state.append.refusals += 1
            default: state.append.failures += 1
            }
        }
    }
}

/// A store whose reads are measured, and its appends: by itself if it tells them, so that those of an application count
/// that does not go through the interface.
struct MeteredStore: EventStore {
    private let store: any EventStore
    private let metrics: ServerMetrics
    /// Measure appends of a store that does not tell them.
    private let observers = AppendObservers()

    init(_ store: any EventStore, _ metrics: ServerMetrics) {
        self.store = store
        self.metrics = metrics
        if !store.observeAppends({ metrics.append($0) }) { observers.add { metrics.append($0) } }
    }

    var limits: Limits { store.limits }

    func append(_ request: AppendRequest) async throws -> Receipt {
        try await observers.measure(request) { try await store.append(request) }
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let batch = try await store.read(request)
        if !batch.events.isEmpty { metrics.change { $0.eventsRead += UInt64(batch.events.count) } }
        return batch
    }

    func storeID() async throws -> StoreID { try await store.storeID() }
    func head() async throws -> Position { try await store.head() }
    func reach(_ position: Position, for query: EventQuery) async throws { try await store.reach(position, for: query) }
    func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }
    func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }
    func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
}
