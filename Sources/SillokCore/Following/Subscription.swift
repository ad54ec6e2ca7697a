/// The events of a query that are, and then those that come, pulled by the reader batch by batch.
///
/// Nothing is read before it is asked for, so a slow reader costs no memory. Every batch says how far it looked
/// (``EventBatch/through``), also when it has no events; a reader that keeps it can resume there and misses nothing and
/// sees nothing twice. Ends with the task that reads it. A wake-up that gets lost costs at most the poll interval.
public struct Subscription: AsyncSequence, Sendable {
    /// A batch of events.
    public typealias Element = EventBatch

    let store: any EventStore
    let query: EventQuery
    let after: Position
    let expectedStore: StoreID?
    let pollInterval: Duration
    let clock: any Clock<Duration>

    /// Starts after the position that the subscription was made with.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self, through: after) }

    /// Reads batch after batch, and waits at the end of the log.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let subscription: Subscription
        var through: Position
        var isChecked = false

        init(subscription: Subscription, through: Position) {
            self.subscription = subscription
            self.through = through
        }

        /// The next batch; waits for one if there is none.
        ///
        /// - Throws: `CancellationError` when the task is cancelled; ``StoreError`` with
        ///   ``StoreError/Code/storeChanged`` if the store is another one or ends before the starting position.
        public mutating func next() async throws -> EventBatch? {
            if !isChecked { try await checkStore() }
            let store = subscription.store
            while true {
                try Task.checkCancellation()
                let batch = try await store.read(subscription.query, after: through)
                if batch.through > through {
                    through = batch.through
                    return batch
                }
                try await wait(for: through.next)
            }
        }

        private mutating func checkStore() async throws {
            let store = subscription.store
            if let expected = subscription.expectedStore {
                let actual = try await store.storeID()
                guard actual == expected else {
                    throw StoreError(.storeChanged, "the checkpoint belongs to store \(expected), this is \(actual).")
                }
            }
            let head = try await store.head()
            guard through <= head else {
                throw StoreError(
                    .storeChanged,
                    "the checkpoint \(through) lies beyond the head \(head): it belongs to another or an older store.")
            }
            isChecked = true
        }

        /// Waits for a wake-up, but not longer than the poll interval.
        private func wait(for position: Position) async throws {
            let (store, clock, interval) = (subscription.store, subscription.clock, subscription.pollInterval)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await store.reach(position) }
                group.addTask { try await clock.sleep(for: interval) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }
}
