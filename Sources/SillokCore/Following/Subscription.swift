/// The stored events of a query, and then each new one, pulled by the reader batch by batch.
///
/// The subscription reads a batch only when the reader asks for it, so a slow reader costs no memory. Every batch has a
/// mark (``EventBatch/mark``), even if it has no events. The mark shows up to where the log was searched. A reader that
/// stores the mark can resume there. It misses no event and sees none twice.
///
/// At the end of the log the subscription waits for events that may match the query. Other appends do not wake it and
/// do not move its mark. After the poll interval it reads again. If the log has grown, it returns a batch with a newer
/// mark; this batch may have no events. So a lost wake-up delays an event by at most the poll interval.
///
/// Each read checks that the log still has the event of the last mark. If the log was replaced or restored from an
/// older copy, the subscription throws ``StoreError/Code/storeChanged``. The subscription ends when the task that reads
/// it is cancelled.
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
        ///   not the expected one, if its log ends before the last mark, or if the log has another event at the mark.
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
                    throw StoreError(
                        .storeChanged,
                        "the checkpoint belongs to store \(expected), but this is store \(actual). Connect to the "
                            + "right store, or start again from the beginning of this one.")
                }
            }
            isChecked = true
        }

        /// Waits for a wake-up, but not longer than the poll interval.
        private func wait(for position: Position) async throws {
            try await firstResult { [subscription] in
                try await subscription.store.reach(position, for: subscription.query)
            } or: { [subscription] in
                try await subscription.clock.sleep(for: subscription.pollInterval)
            }
        }
    }
}

extension EventStore {
    /// Returns the stored events of a query after a position, and then each new one.
    ///
    /// - Parameters:
    ///   - query: which events.
    ///   - position: the position up to which the subscriber has seen the log: the ``EventBatch/through`` of its last
    ///     batch.
    ///   - store: the store the subscriber expects. If the log belongs to another store, the subscription throws
    ///     ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time between two reads at the end of the log, and so the longest delay after a
    ///     lost wake-up.
    ///   - clock: the clock that measures the poll interval.
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
    ///   - mark: the mark up to which the subscriber has seen the log: the ``EventBatch/mark`` of its last batch. If
    ///     the log does not have the event of the mark, the subscription throws ``StoreError/Code/storeChanged``.
    ///   - store: the store the subscriber expects. If the log belongs to another store, the subscription throws
    ///     ``StoreError/Code/storeChanged``.
    ///   - pollInterval: the longest time between two reads at the end of the log, and so the longest delay after a
    ///     lost wake-up.
    ///   - clock: the clock that measures the poll interval.
    public func subscribe(
        to query: EventQuery = .all, resumingAfter mark: EventMark, expecting store: StoreID? = nil,
        pollInterval: Duration = .seconds(10), clock: any Clock<Duration> = ContinuousClock()
    ) -> Subscription {
        Subscription(
            store: self, query: query, after: mark, expectedStore: store, pollInterval: pollInterval, clock: clock)
    }
}
