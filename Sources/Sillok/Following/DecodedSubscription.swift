public import SillokCore

/// The stored events of a query and then each new one, decoded and upcast, batch by batch.
///
/// Like a `Subscription`, it is pulled by the reader. It throws before an event that it cannot read, such as one of a
/// newer version. By then the reader has received all earlier events. A reader that keeps ``DecodedBatch/mark`` can
/// continue there with code that can read the event.
public struct DecodedSubscription<Event: Codable & Sendable>: AsyncSequence, Sendable {
    /// A batch of events.
    public typealias Element = DecodedBatch<Event>

    let subscription: Subscription
    let query: EventQuery
    let coding: EventCoding<Event>

    /// Returns an iterator that starts after the place that was given to the subscription.
    public func makeAsyncIterator() -> Iterator {
        Iterator(batches: subscription.makeAsyncIterator(), query: query, coding: coding)
    }

    /// The iterator, which reads the batches in order and waits at the end of the log.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        var batches: Subscription.Iterator
        let query: EventQuery
        let coding: EventCoding<Event>
        var failure: (any Error)?

        init(batches: Subscription.Iterator, query: EventQuery, coding: EventCoding<Event>) {
            self.batches = batches
            self.query = query
            self.coding = coding
        }

        /// Returns the next batch; waits for new events if there is none.
        ///
        /// - Throws: the errors of `Subscription` and of ``EventCoding/decode(_:for:)``.
        public mutating func next() async throws -> DecodedBatch<Event>? {
            if let failure { throw failure }
            guard let batch = try await batches.next() else { return nil }
            var events: [Recorded<Event>] = []
            events.reserveCapacity(batch.events.count)
            var last: RecordedEvent?
            for event in batch.events {
                do {
                    events += try coding.recorded(event, for: query)
                } catch {
                    failure = error
                    if events.isEmpty { throw error }
                    let before = event.position.previous
                    let id = last.flatMap { $0.position == before ? $0.id : nil }
                    return DecodedBatch(events: events, mark: EventMark(position: before, id: id))
                }
                last = event
            }
            return DecodedBatch(events: events, mark: batch.mark)
        }
    }
}

/// A page of decoded events, and the mark up to which the log was searched.
public struct DecodedBatch<Event: Codable & Sendable>: Sendable {
    /// The events, in the order of the log. All events that upcasters made of one stored event are in one batch.
    public let events: [Recorded<Event>]

    /// The mark up to which the log was searched. A reader stores it to continue after it.
    public let mark: EventMark

    /// The position of ``mark``.
    public var through: Position { mark.position }
}

extension EventStore {
    /// Returns the stored events of a query after a position and then each new one, decoded.
    ///
    /// - Parameters:
    ///   - query: which events, by their current types.
    ///   - event: the enum whose cases are the types.
    ///   - position: up to where the subscriber has seen the log: the ``DecodedBatch/through`` of its last batch.
    ///   - store: the store the subscriber expects. If the log belongs to another store, the subscription throws
    ///     `StoreError.Code.storeChanged`.
    ///   - pollInterval: the longest time between two reads at the end of the log, also after a lost wake-up.
    ///   - clock: the clock that measures the poll interval.
    public func subscribe<Event: Codable & Sendable>(
        to query: EventQuery = .all, as event: Event.Type, after position: Position = .start,
        expecting store: StoreID? = nil, pollInterval: Duration = .seconds(10),
        clock: any Clock<Duration> = ContinuousClock()
    ) -> DecodedSubscription<Event> {
        subscribe(
            to: query, as: event, resumingAfter: EventMark(position: position, id: nil), expecting: store,
            pollInterval: pollInterval, clock: clock)
    }

    /// Returns the stored events of a query after a mark and then each new one, decoded.
    ///
    /// - Parameters:
    ///   - query: which events, by their current types.
    ///   - event: the enum whose cases are the types.
    ///   - mark: the mark up to which the subscriber has seen the log: the ``DecodedBatch/mark`` of its last batch. If
    ///     the log does not have the event of the mark, the subscription throws `StoreError.Code.storeChanged`.
    ///   - store: the store the subscriber expects. If the log belongs to another store, the subscription throws
    ///     `StoreError.Code.storeChanged`.
    ///   - pollInterval: the longest time between two reads at the end of the log, also after a lost wake-up.
    ///   - clock: the clock that measures the poll interval.
    public func subscribe<Event: Codable & Sendable>(
        to query: EventQuery = .all, as event: Event.Type, resumingAfter mark: EventMark,
        expecting store: StoreID? = nil, pollInterval: Duration = .seconds(10),
        clock: any Clock<Duration> = ContinuousClock()
    ) -> DecodedSubscription<Event> {
        let coding = EventCoding<Event>()
        return DecodedSubscription(
            subscription: subscribe(
                to: coding.schema.stored(query), resumingAfter: mark, expecting: store, pollInterval: pollInterval,
                clock: clock),
            query: query, coding: coding)
    }
}
