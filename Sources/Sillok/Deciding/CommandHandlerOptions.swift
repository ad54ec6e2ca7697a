public import SillokCore

extension CommandHandler {
    /// How a command handler works: how often it tries, and where ids and states come from.
    ///
    /// ```swift
    /// let handler = CommandHandler<Enrolment>(in: store, options: .init(retries: RetryPolicy(attempts: 1)))
    /// ```
    /// With `import SillokSnapshots` it also takes a cache and snapshots.
    public struct Options: Sendable {
        /// How often a command is tried.
        public var retries: RetryPolicy

        /// Where the ids of commands come from that are given none.
        public var ids: IDGenerator

        /// Makes the source of the states of one handler. Each handler has its own: two of them may read two stores.
        package var source: @Sendable (any EventStore) -> any StateSource<D> = { _ in Replay() }

        /// Options of a handler that replays each state from the store.
        public init(retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system) {
            self.retries = retries
            self.ids = ids
        }
    }
}
