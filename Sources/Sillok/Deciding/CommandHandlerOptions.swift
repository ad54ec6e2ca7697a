public import SillokCore

extension CommandHandler {
    /// The options of a command handler: the number of attempts, and the sources of ids and states.
    ///
    /// ```swift
    /// let handler = CommandHandler<Enrolment>(in: store, options: .init(retries: RetryPolicy(attempts: 1)))
    /// ```
    /// With `import SillokSnapshots` it also takes a cache and snapshots.
    public struct Options: Sendable {
        /// The number of attempts for a command and for its append.
        public var retries: RetryPolicy

        /// The generator of ids for commands that are executed without an id.
        public var ids: IDGenerator

        /// Makes the source of the states of one handler. Each handler has its own: two of them may read two stores.
        package var source: @Sendable (any EventStore) -> any StateSource<D> = { _ in Replay() }

        /// Creates the options of a handler that replays each state from the store.
        public init(retries: RetryPolicy = RetryPolicy(), ids: IDGenerator = .system) {
            self.retries = retries
            self.ids = ids
        }
    }
}
