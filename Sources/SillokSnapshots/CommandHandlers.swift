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
        memory = { KeptStates<D>(cache: cache).memory }
    }
}

extension CommandHandler.Options where D: SnapshottedDecider {
    /// Options of a handler whose states are kept as snapshots.
    ///
    /// - Parameters:
    ///   - retries: how often a command is tried.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands; `nil`: each command reads the newest snapshot and what follows it.
    ///   - snapshots: where states are kept, and when.
    public init(
        retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system, cache: AggregateCache? = nil,
        snapshots: Snapshots
    ) {
        self.init(retries: retries, ids: ids)
        memory = { KeptStates(cache: cache, snapshots: snapshots.access(D.self)).memory }
    }
}
