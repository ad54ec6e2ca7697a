public import SillokCore

/// Events of one log of a ``StoreSet``, and how far the reader has come in all logs after them.
public struct StoreSetBatch: Hashable, Sendable {
    /// The log of the events.
    public let log: LogName

    /// The events, in the order of their log. There may be none: then only the checkpoint is newer.
    public let events: [RecordedEvent]

    /// How far the reader has come with these events. Store it together with what follows from them.
    public let checkpoint: StoreSetCheckpoint
}

/// The stored events of a query in all logs of a ``StoreSet``, and then each new one, pulled batch by batch.
///
/// The events of one log arrive in its order, each once. Between two logs there is no order: the batches alternate as
/// the logs answer, and another reader may see them in another order. While the reader works on a batch, the next
/// batch of each log is read. So the subscription holds at most one batch for each log and one in use.
///
/// A failure of one log ends the subscription. A reader continues with the last checkpoint that it stored.
public struct StoreSetSubscription: AsyncSequence, Sendable {
    /// A batch of events of one log.
    public typealias Element = StoreSetBatch

    let subscriptions: [LogName: Subscription]
    let checkpoint: StoreSetCheckpoint

    /// Returns an iterator that starts after the checkpoint that was given to the subscription.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// The iterator, which reads all logs at once. Its reads end with it.
    public final class Iterator: AsyncIteratorProtocol {
        private typealias Page = (log: LogName, batch: EventBatch, rest: Subscription.Iterator)

        private let pages: AsyncStream<Result<Page, any Error>>
        private let continuation: AsyncStream<Result<Page, any Error>>.Continuation
        private var reads: [LogName: Task<Void, Never>] = [:]
        private var checkpoint: StoreSetCheckpoint
        private var last: Page?

        init(_ subscription: StoreSetSubscription) {
            // One read of each log is under way at most, so the stream holds one page of each log at most.
            (pages, continuation) = AsyncStream.makeStream()
            checkpoint = subscription.checkpoint
            for (log, single) in subscription.subscriptions { read(log, single.makeAsyncIterator()) }
        }

        deinit { for read in reads.values { read.cancel() } }

        /// Returns the next batch of any log; waits for new events if there is none.
        ///
        /// - Throws: `CancellationError` when the task is cancelled; what a subscription to one log throws, such as
        ///   `StoreError` `storeChanged` if a log does not have the event of its mark.
        public func next() async throws -> StoreSetBatch? {
            if let (log, _, rest) = last { read(log, rest) }
            last = nil
            // The stream ends when the task is cancelled.
            var results = pages.makeAsyncIterator()
            guard let result = await results.next() else { throw CancellationError() }
            try Task.checkCancellation()
            let page = try result.get()
            last = page
            checkpoint[page.log] = page.batch.mark
            return StoreSetBatch(log: page.log, events: page.batch.events, checkpoint: checkpoint)
        }

        private func read(_ log: LogName, _ rest: Subscription.Iterator) {
            reads[log] = Task { [continuation] in
                var rest = rest
                do {
                    guard let batch = try await rest.next() else { return }
                    continuation.yield(.success((log, batch, rest)))
                } catch {
                    continuation.yield(.failure(error))
                }
            }
        }
    }
}

extension StoreSet {
    /// Returns the stored events of a query in all logs after a checkpoint, and then each new one.
    ///
    /// ```swift
    /// for try await batch in stores.subscribe(to: .all, after: stored) {
    ///     for event in batch.events { print(batch.log, event) }
    /// }
    /// ```
    /// - Parameters:
    ///   - query: which events.
    ///   - checkpoint: how far the reader has come. A log that is not in it is read from its first event.
    ///   - pollInterval: the longest time between two reads at the end of a log.
    ///   - clock: the clock that measures the poll interval.
    public func subscribe(
        to query: EventQuery = .all, after checkpoint: StoreSetCheckpoint = .start,
        pollInterval: Duration = .seconds(10), clock: any Clock<Duration> = ContinuousClock()
    ) throws -> StoreSetSubscription {
        var subscriptions: [LogName: Subscription] = [:]
        for name in names {
            subscriptions[name] = try store(named: name).subscribe(
                to: query, resumingAfter: checkpoint[name], pollInterval: pollInterval, clock: clock)
        }
        return StoreSetSubscription(subscriptions: subscriptions, checkpoint: checkpoint)
    }
}
