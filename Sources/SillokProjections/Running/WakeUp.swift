import SillokCore

/// A signal that wakes the runners of this process immediately when a task has a request. Requests of other processes
/// are noticed at the next poll.
final class WakeUp: Sendable {
    private let signal = HeadSignal()
    private let state = Lock(0)

    /// The number of wake-ups so far.
    var count: Int { state.withLock { $0 } }

    /// Wakes all waiting tasks.
    func wake() {
        let count = state.withLock { count in
            count += 1
            return count
        }
        signal.advance(to: Position(UInt64(clamping: count)))
    }

    /// Waits until there were more than `count` wake-ups.
    func wait(beyond count: Int) async throws { try await signal.reach(Position(UInt64(clamping: count + 1))) }

    /// Waits until there were more than `count` wake-ups, or until a maximum time has passed.
    ///
    /// - Returns: whether there was a wake-up.
    @discardableResult
    func wait(beyond count: Int, atMost duration: Duration, _ clock: any Clock<Duration>) async throws -> Bool {
        try await firstResult {
            try await self.wait(beyond: count)
            return true
        } or: {
            try await clock.sleep(for: duration)
            return false
        }
    }
}
