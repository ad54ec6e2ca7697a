/// All pages of a request, one after the other, each read when it is asked for: memory stays bounded.
///
/// Ends at the head that the first page saw, also while others append.
public struct EventPages: AsyncSequence, Sendable {
    /// A page.
    public typealias Element = EventBatch

    let store: any EventStore
    let request: ReadRequest

    /// Starts reading at the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(store: store, request: request) }

    /// Reads page after page.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let store: any EventStore
        var request: ReadRequest?

        /// The next page, or `nil` after the last.
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
    /// An event.
    public typealias Element = RecordedEvent

    let batches: Batches

    /// Starts with the first batch.
    public func makeAsyncIterator() -> Iterator { Iterator(batches: batches.makeAsyncIterator()) }

    /// Walks through batch after batch.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
        var batches: Batches.AsyncIterator
        var current: ArraySlice<RecordedEvent> = []

        init(batches: Batches.AsyncIterator) { self.batches = batches }

        /// The next event, or `nil` after the last.
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
    /// The first event of a request, on whichever page it is: a page without events need not be the last one.
    package func firstEvent(of request: ReadRequest) async throws -> RecordedEvent? {
        for try await page in pages(request) {
            if let event = page.events.first { return event }
        }
        return nil
    }
}

extension Subscription {
    /// The events of all batches, one by one. Checkpoints need the batches.
    public var events: BatchedEvents<Subscription> { BatchedEvents(batches: self) }
}
