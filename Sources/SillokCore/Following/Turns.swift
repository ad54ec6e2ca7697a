/// Lets one task at a time do something for a key, in the order in which they came.
///
/// Otherwise commands on one stream would race inside one process, lose, read again and decide again.
package final class Turns<Key: Hashable & Sendable>: Sendable {
    private struct Place {
        let ticket: UInt64
        let wake: AsyncStream<Void>.Continuation
    }

    private struct State {
        /// For each key the tasks that run or wait, in order.
        var queues: [Key: [Place]] = [:]
        var lastTicket: UInt64 = 0
    }

    private let state = Lock(State())

    package init() {}

    /// Runs `body` after all earlier callers for the key have finished.
    ///
    /// - Throws: `CancellationError` if the task is cancelled while it waits, and what `body` throws.
    package func wait<Result>(for key: Key, _ body: () async throws -> Result) async throws -> Result {
        let (wakeUps, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (ticket, isFirst) = state.withLock { state in
            state.lastTicket += 1
            state.queues[key, default: []].append(Place(ticket: state.lastTicket, wake: wake))
            return (state.lastTicket, state.queues[key]?.count == 1)
        }
        defer { leave(key, ticket) }
        if !isFirst {
            for await _ in wakeUps { break }
            try Task.checkCancellation()
        }
        return try await body()
    }

    private func leave(_ key: Key, _ ticket: UInt64) {
        state.withLock { state in
            state.queues[key]?.removeAll { $0.ticket == ticket }
            guard let next = state.queues[key]?.first else {
                state.queues[key] = nil
                return
            }
            next.wake.yield()
        }
    }
}
