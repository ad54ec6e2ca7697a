public import Sillok
import SillokCore

extension CommandHandler.Options {
    /// Creates the options of a handler that keeps its hot states in the memory of this process.
    ///
    /// - Parameters:
    ///   - retries: how often a command is tried.
    ///   - ids: the generator of ids for commands that are executed without an id.
    ///   - cache: where states stay between commands.
    public init(retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system, cache: AggregateCache) {
        self.init(retries: retries, ids: ids)
        source = { _ in CachedStates(cache, base: Replay()) }
    }
}

extension CommandHandler.Options where D: SnapshottedDecider {
    /// Creates the options of a handler whose states are stored as snapshots.
    ///
    /// - Parameters:
    ///   - retries: how often a command is tried.
    ///   - ids: the generator of ids for commands that are executed without an id.
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
