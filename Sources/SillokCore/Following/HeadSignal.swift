/// The head of a store and the tasks that wait for it to rise. Stores implement `reach` with it.
package final class HeadSignal: Sendable {
    private struct State {
        var head: Position = .start
        var failure: (any Error)?
        var waiters: [UInt64: (position: Position, stream: AsyncStream<Void>.Continuation)] = [:]
        var nextKey: UInt64 = 0
    }

    private let state = Lock(State())

    package init() {}

    /// The last position that was announced.
    package var head: Position { state.withLock { $0.head } }

    /// Returns the last position that was announced; throws when the store has ended.
    package func current() throws -> Position {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.head
        }
    }

    /// Announces a new head and wakes those who waited for it.
    package func advance(to head: Position) {
        let woken = state.withLock { state in
            guard head > state.head else { return [AsyncStream<Void>.Continuation]() }
            state.head = head
            if state.waiters.isEmpty { return [] }
            let due = state.waiters.filter { $0.value.position <= head }
            for key in due.keys { state.waiters[key] = nil }
            return due.values.map(\.stream)
        }
        for stream in woken { stream.finish() }
    }

    /// Ends all current and later waits with an error.
    package func fail(_ error: any Error) {
        let woken = state.withLock { state in
            state.failure = error
            defer { state.waiters = [:] }
            return state.waiters.values.map(\.stream)
        }
        for stream in woken { stream.finish() }
    }

    /// Waits until the head is at or past `position`; throws when the task is cancelled or the store has ended.
    package func reach(_ position: Position) async throws {
        if try current() >= position { return }
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let key: UInt64? = try state.withLock { state in
            if let failure = state.failure { throw failure }
            if state.head >= position { return nil }
            state.nextKey += 1
            state.waiters[state.nextKey] = (position, continuation)
            return state.nextKey
        }
        guard let key else { return }
        defer { _ = state.withLock { $0.waiters.removeValue(forKey: key) } }
        for await _ in stream {}
        try Task.checkCancellation()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}
