package import SillokCore

/// A store that counts the reads and the waits of each query.
package final class CountingStore: ForwardingEventStore {
    private struct Counts {
        var reads: [EventQuery: Int] = [:]
        var waits: [EventQuery: Int] = [:]
    }

    package let base: any EventStore
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

    package func read(_ request: ReadRequest) async throws -> EventBatch {
        counts.withLock { $0.reads[request.query, default: 0] += 1 }
        return try await base.read(request)
    }

    package func reach(_ position: Position, for query: EventQuery) async throws {
        counts.withLock { $0.waits[query, default: 0] += 1 }
        try await base.reach(position, for: query)
    }
}
