/// All pages of a request in order. Each page is read when the caller asks for it, so memory use is bounded.
///
/// The sequence ends at the head that the first page saw, even while other writers append.
public struct EventPages: AsyncSequence, Sendable {
    /// One page.
    public typealias Element = EventBatch

    let store: any EventStore
    let request: ReadRequest

    /// Returns an iterator that starts at the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(store: store, request: request) }

    /// The iterator, which reads the pages in order.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let store: any EventStore
        var request: ReadRequest?

        /// Returns the next page, or `nil` after the last.
        public mutating func next() async throws -> EventBatch? {
            guard let current = request else { return nil }
            try Task.checkCancellation()
            let batch = try await store.read(current)
            try current.check(batch)
            request = current.next(after: batch)
            return batch
        }
    }
}

/// The events of a sequence of batches, one by one.
public struct BatchedEvents<Batches: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Batches.Element == EventBatch, Batches.AsyncIterator: Sendable {
    /// One event.
    public typealias Element = RecordedEvent

    let batches: Batches

    /// Returns an iterator that starts with the first batch.
    public func makeAsyncIterator() -> Iterator { Iterator(batches: batches.makeAsyncIterator()) }

    /// The iterator, which reads the batches in order and returns their events.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        var batches: Batches.AsyncIterator
        var current: ArraySlice<RecordedEvent> = []

        init(batches: Batches.AsyncIterator) { self.batches = batches }

        /// Returns the next event, or `nil` after the last.
        public mutating func next() async throws -> RecordedEvent? {
            while current.isEmpty {
                guard let batch = try await batches.next() else { return nil }
                current = batch.events[...]
            }
            return current.popFirst()
        }
    }
}

extension EventPages {
    /// The events of all pages, one by one.
    public var events: BatchedEvents<EventPages> { BatchedEvents(batches: self) }
}

extension EventStore {
    /// Returns all pages of a request. Each page is read when the caller asks for it.
    public func pages(_ request: ReadRequest) -> EventPages { EventPages(store: self, request: request) }

    /// Returns all pages of a query from its start.
    public func pages(_ query: EventQuery) -> EventPages {
        pages(ReadRequest(query, limit: limits.pageEvents))
    }

    /// Returns the first event of a request, on whichever page it is: a page without events is not always the last.
    package func firstEvent(of request: ReadRequest) async throws -> RecordedEvent? {
        for try await page in pages(request) {
            if let event = page.events.first { return event }
        }
        return nil
    }
}

extension Subscription {
    /// The events of all batches, one by one. A reader that stores a checkpoint needs the batches, because only they
    /// have a mark.
    public var events: BatchedEvents<Subscription> { BatchedEvents(batches: self) }
}
