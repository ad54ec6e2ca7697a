import SillokCore

/// Wakes runners at once when somebody in this process wants something of them; others are heard when they look.
final class Wish: Sendable {
    private let signal = HeadSignal()
    private let state = Lock(0)

    /// How many wishes there were.
    var count: Int { state.withLock { $0 } }

    /// Wakes those who wait.
    func wake() {
        let count = state.withLock { count in
            count += 1
            return count
        }
        signal.advance(to: Position(UInt64(clamping: count)))
    }

    /// Returns when there are more wishes than `count`, or when the time is over.
    func wait(beyond count: Int, _ duration: Duration, _ clock: any Clock<Duration>) async throws {
        let signal = signal
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await signal.reach(Position(UInt64(clamping: count + 1))) }
            group.addTask { try await clock.sleep(for: duration) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
