/// The stored events of a query, and then each new one, pulled by the reader batch by batch.
///
/// Nothing is read before it is asked for, so a slow reader costs no memory. Every batch says how far it looked
/// (``EventBatch/mark``), also when it has no events; a reader that keeps it can resume there and misses nothing and
/// sees nothing twice.
///
/// At the end of the log it waits for events that may match: other appends cost it nothing, and its mark stays. After
/// the poll interval it looks again and moves its mark, with a batch that may have no events. So a wake-up that gets
/// lost costs at most the poll interval.
///
/// Each read compares the place of the one before with the log: a log that went back ends the subscription with
/// ``StoreError/Code/storeChanged``. Ends with the task that reads it.
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
        /// Whether the last page was the end of the log: then there is nothing to read before a wake-up.
        var isAtEnd = false

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
                if isAtEnd { try await wait(for: mark.position.next) }
                let batch = try await store.read(subscription.query, resumingAfter: mark)
                let isNew = batch.through > mark.position
                isAtEnd = batch.isEnd || !isNew
                // A place that was kept without its event has it from now on.
                if isNew || mark.id == nil { mark = batch.mark }
                if isNew { return batch }
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
            let (store, query) = (subscription.store, subscription.query)
            let (clock, interval) = (subscription.clock, subscription.pollInterval)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await store.reach(position, for: query) }
                group.addTask { try await clock.sleep(for: interval) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }
}

extension EventStore {
    /// Returns the stored events of a query after a position, and then each new one.
    ///
    /// - Parameters:
    ///   - query: which events.
    ///   - position: what the subscriber has already seen: the ``EventBatch/through`` of its last batch.
    ///   - store: the store the subscriber expects. Another one ends it with ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time without a batch, and the longest that a lost wake-up can cost.
    ///   - clock: what measures that time.
    public func subscribe(
        to query: EventQuery = .all, after position: Position = .start, expecting store: StoreID? = nil,
        pollInterval: Duration = .seconds(10), clock: any Clock<Duration> = ContinuousClock()
    ) -> Subscription {
        Subscription(
            store: self, query: query, after: EventMark(position: position, id: nil), expectedStore: store,
            pollInterval: pollInterval, clock: clock)
    }

    /// Returns the stored events of a query after a mark, and then each new one.
    ///
    /// - Parameters:
    ///   - query: which events.
    ///   - mark: what the subscriber has already seen: the ``EventBatch/mark`` of its last batch. A log that does
    ///     not have its event ends the subscription with ``StoreError/Code/storeChanged``.
    ///   - store: the store the subscriber expects. Another one ends it with ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time without a batch, and the longest that a lost wake-up can cost.
    ///   - clock: what measures that time.
    public func subscribe(
        to query: EventQuery = .all, resumingAfter mark: EventMark, expecting store: StoreID? = nil,
        pollInterval: Duration = .seconds(10), clock: any Clock<Duration> = ContinuousClock()
    ) -> Subscription {
        Subscription(
            store: self, query: query, after: mark, expectedStore: store, pollInterval: pollInterval, clock: clock)
    }
}
