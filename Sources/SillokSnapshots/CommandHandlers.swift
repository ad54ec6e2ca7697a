public import Sillok
import SillokCore

extension CommandHandler.Options {
    /// Options of a handler whose hot states stay in this process.
    ///
    /// - Parameters:
    ///   - retries: how often a command is tried.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands.
    public init(retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system, cache: AggregateCache) {
        self.init(retries: retries, ids: ids)
        source = { _ in CachedStates(cache, base: Replay()) }
    }
}

extension CommandHandler.Options where D: SnapshottedDecider {
    /// Options of a handler whose states are stored as snapshots.
    ///
    /// - Parameters:
    ///   - retries: how often a command is tried.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands; `nil`: each command reads the newest snapshot and later events.
    ///   - snapshots: where states are stored, and when.
    public init(
        retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system, cache: AggregateCache? = nil,
        snapshots: Snapshots
    ) {
        self.init(retries: retries, ids: ids)
        source = { store in
            let stored = SnapshottedStates<D>(snapshots, of: store, base: Replay())
            return cache.map { CachedStates($0, base: stored) } ?? stored
        }
    }
}
