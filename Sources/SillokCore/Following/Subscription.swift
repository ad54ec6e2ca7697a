/// The stored events of a query, and then each new one, pulled by the reader batch by batch.
///
/// Nothing is read before the reader asks for it, so a slow reader costs no memory. Every batch has a mark that says
/// how far it looked (``EventBatch/mark``), even a batch without events. A reader that keeps the mark can resume there;
/// it misses no event and sees none twice. Each read checks that the event of the previous mark is still in the log. If
/// the log was set back, the subscription ends with ``StoreError/Code/storeChanged``. The subscription ends with the
/// task that reads it. A lost wake-up delays a batch by at most the poll interval.
public struct Subscription: AsyncSequence, Sendable {
    /// A batch of events.
    public typealias Element = EventBatch

    let store: any EventStore
    let query: EventQuery
    let after: EventMark
    let expectedStore: StoreID?
    let pollInterval: Duration
    let clock: any Clock<Duration>

    /// Returns an iterator that starts after the place that was given to the subscription.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self, mark: after) }

    /// The iterator, which reads the batches in order and waits at the end of the log.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let subscription: Subscription
        var mark: EventMark
        var isChecked = false

        init(subscription: Subscription, mark: EventMark) {
            self.subscription = subscription
            self.mark = mark
        }

        /// Returns the next batch; waits for new events if there is none.
        ///
        /// - Throws: `CancellationError` when the task is cancelled; ``StoreError/Code/storeChanged`` if the store is
        ///   another one, ends before the last mark, or has another event there.
        public mutating func next() async throws -> EventBatch? {
            if !isChecked { try await checkStore() }
            let store = subscription.store
            while true {
                try Task.checkCancellation()
                let batch = try await store.read(subscription.query, resumingAfter: mark)
                let isNew = batch.through > mark.position
                // A mark without an id takes the id of its event from the first batch.
                if isNew || mark.id == nil { mark = batch.mark }
                if isNew { return batch }
                try await wait(for: mark.position.next)
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
