package import SillokCore

/// A store that counts the reads and the waits of each query.
package final class CountingStore: EventStore {
    private struct Counts {
        var reads: [EventQuery: Int] = [:]
        var waits: [EventQuery: Int] = [:]
    }

    private let base: any EventStore
    private let counts = Lock(Counts())

    /// A store that does everything as `base`.
    package init(_ base: any EventStore) { self.base = base }

    /// The number of reads of the queries that are counted.
    package func reads(where isCounted: (EventQuery) -> Bool) -> Int {
        counts.withLock { $0.reads }.filter { isCounted($0.key) }.values.reduce(0, +)
    }

    /// The number of waits, begun or ended, of the queries that are counted.
    package func waits(where isCounted: (EventQuery) -> Bool) -> Int {
        counts.withLock { $0.waits }.filter { isCounted($0.key) }.values.reduce(0, +)
    }

    package var limits: Limits { base.limits }
    package func storeID() async throws -> StoreID { try await base.storeID() }
    @discardableResult
    package func append(_ request: AppendRequest) async throws -> Receipt { try await base.append(request) }
    package func read(_ request: ReadRequest) async throws -> EventBatch {
        counts.withLock { $0.reads[request.query, default: 0] += 1 }
        return try await base.read(request)
    }
    package func head() async throws -> Position { try await base.head() }
    package func reach(_ position: Position, for query: EventQuery) async throws {
        counts.withLock { $0.waits[query, default: 0] += 1 }
        try await base.reach(position, for: query)
    }
    package func event(_ id: EventID) async throws -> RecordedEvent? { try await base.event(id) }
    package func stream(_ id: StreamID) async throws -> StreamFacts? { try await base.stream(id) }
    package func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await base.streams(in: category, after: name, limit: limit)
    }
    package func tracking(of source: TrackingSource) async throws -> Tracking? { try await base.tracking(of: source) }
}
