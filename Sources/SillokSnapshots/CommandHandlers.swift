public import Sillok
public import SillokCore

extension CommandHandler {
    /// A handler for streams of a category whose hot states stay in this process.
    ///
    /// - Parameters:
    ///   - category: the part of the streams' names before the first dash.
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands.
    public init(
        _ category: Category, in store: any EventStore, retries: RetryPolicy = RetryPolicy(),
        ids: IDGenerator = .system, cache: AggregateCache
    ) {
        self.init(
            category: category, store: store, retries: retries, ids: ids, memory: KeptStates(cache: cache).memory)
    }
}

extension CommandHandler where D: BoundaryDecider {
    /// A handler for decisions that rest on queries, whose hot states stay in this process.
    ///
    /// - Parameters:
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands.
    public init(
        in store: any EventStore, retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system,
        cache: AggregateCache
    ) {
        self.init(category: nil, store: store, retries: retries, ids: ids, memory: KeptStates(cache: cache).memory)
    }
}

extension CommandHandler where D: SnapshottedDecider {
    /// A handler for streams of a category whose states are kept as snapshots.
    ///
    /// - Parameters:
    ///   - category: the part of the streams' names before the first dash.
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands; `nil`: each command reads the newest snapshot and what follows it.
    ///   - snapshots: where states are kept, and when.
    public init(
        _ category: Category, in store: any EventStore, retries: RetryPolicy = RetryPolicy(),
        ids: IDGenerator = .system, cache: AggregateCache? = nil, snapshots: Snapshots
    ) {
        self.init(
            category: category, store: store, retries: retries, ids: ids,
            memory: KeptStates(cache: cache, snapshots: snapshots.access(D.self)).memory)
    }
}

extension CommandHandler where D: SnapshottedDecider & BoundaryDecider {
    /// A handler for decisions that rest on queries, each of whose states is kept as snapshots.
    ///
    /// - Parameters:
    ///   - store: where events are read and appended.
    ///   - retries: how often to try.
    ///   - ids: where the ids of commands come from that are given none.
    ///   - cache: where states stay between commands.
    ///   - snapshots: where states are kept, and when.
    public init(
        in store: any EventStore, retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system,
        cache: AggregateCache? = nil, snapshots: Snapshots
    ) {
        self.init(
            category: nil, store: store, retries: retries, ids: ids,
            memory: KeptStates(cache: cache, snapshots: snapshots.access(D.self)).memory)
    }
}
