/// The head of a store, and the readers that wait for events: what a store implements `reach` with.
///
/// The store announces events when they are recorded, with their keys. A reader that registers later finds them by what
/// the signal remembers, so no wake-up is lost in between.
@usableFromInline
package final class HeadSignal: Sendable {
    private typealias Waiting = AsyncThrowingStream<Void, any Error>

    private struct State {
        var head: Position = .start
        var announced: Position = .start
        var failure: (any Error)?
        var waiters = Waiters<Waiting.Continuation>()
    }

    private let state = Lock(State())

    package init() {}

    /// The last position that is known.
    package var head: Position { state.withLock { $0.head } }

    /// All events up to here were announced.
    package var announced: Position { state.withLock { $0.announced } }

    /// The number of readers that wait.
    package var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// The last position that is known; throws when the store has ended.
    package func current() throws -> Position {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.head
        }
    }

    /// Raises the head and wakes no reader: the events that were seen are announced separately.
    package func note(_ head: Position) { state.withLock { $0.head = max($0.head, head) } }

    /// Announces a new head and wakes all who wait for a position up to it, for any query.
    @usableFromInline
    package func advance(to head: Position) {
        let woken = state.withLock { state in
            state.head = max(state.head, head)
            state.announced = max(state.announced, head)
            return state.waiters.wakeAll(through: head)
        }
        for waiting in woken { waiting.finish() }
    }

    /// Announces the events from `first` to `last` and wakes those who may want one of them.
    ///
    /// Every event must be announced; the order does not matter, and twice is no harm.
    /// - Parameter keys: called when a reader waits. Must contain the keys of all of these events.
    package func announce(from first: Position, through last: Position, _ keys: () -> Set<WakeUpKey>) {
        // A reader that comes between the look and the announcement is woken in any case.
        if state.withLock({ $0.waiters.isEmpty }) { return advance(to: last) }
        let keys = keys()
        let woken = state.withLock { state in
            state.head = max(state.head, last)
            if first <= state.announced.next { state.announced = max(state.announced, last) }
            return state.waiters.wake(by: keys, through: last)
        }
        for waiting in woken { waiting.finish() }
    }

    /// Notes that the log has gone back to `head`, or is another one, and wakes all readers.
    package func restart(at head: Position) {
        let woken = state.withLock { state in
            (state.head, state.announced) = (head, head)
            return state.waiters.reset(at: head)
        }
        for waiting in woken { waiting.finish() }
    }

    /// Ends all waits of now with an error.
    package func interrupt(_ error: any Error) {
        for waiting in state.withLock({ $0.waiters.removeAll() }) { waiting.finish(throwing: error) }
    }

    /// Ends all current and later waits with an error.
    @usableFromInline
    package func fail(_ error: any Error) {
        state.withLock { $0.failure = error }
        interrupt(error)
    }

    /// Returns when the log may have an event of `query` at or after `position`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, or the error with which the store has ended.
    package func reach(_ position: Position, for query: EventQuery = .all) async throws {
        let (waiting, continuation) = Waiting.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number: UInt64? = try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.waiters.add(continuation, for: query, from: position)
        }
        guard let number else { return }
        defer { _ = state.withLock { $0.waiters.remove(number) } }
        for try await _ in waiting {}
        try Task.checkCancellation()
    }
}

extension HeadSignal {
    /// Announces a page of all events that begins after `position`.
    ///
    /// A page that does not end at the head wakes all readers: to read on would take longer than their own reads. A log
    /// that ends before `position` was replaced by an older one.
    package func announce(_ page: EventBatch, after position: Position) {
        if page.head < position {
            restart(at: page.head)
        } else if !page.isEnd {
            advance(to: page.head)
        } else if page.through > position {
            announce(from: position.next, through: page.through) { Set(page.events) }
        }
    }
}
