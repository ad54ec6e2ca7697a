import SillokCore
import SillokSystem

/// A gate that the writer closes for a moment to hold back new snapshots of the store's own readers, until none of them
/// reads the write-ahead log. The writer itself does not wait.
package final class SnapshotGate: Sendable {
    private struct State {
        /// The number of open snapshots.
        var count = 0
        /// The time until which new snapshots are held.
        var end: ContinuousClock.Instant?

        var isHolding: Bool { end.map { .now < $0 } ?? false }

        mutating func enter() -> Bool {
            if isHolding { return false }
            count += 1
            return true
        }
    }

    private let state = Lock(State())
    /// The maximum time for which a read is held.
    private static let longest = Duration.milliseconds(20)

    package init() {}

    /// Whether new snapshots are being held.
    package var isHolding: Bool { state.withLock { $0.isHolding } }

    /// Holds new snapshots for a moment, if the store's readers have any open. Others would keep the log anyway.
    package func hold() {
        state.withLock { state in
            if state.count > 0 && !state.isHolding { state.end = .now + Self.longest }
        }
    }

    /// Lets new snapshots begin.
    package func open() { state.withLock { $0.end = nil } }

    /// Runs `body`, which has a snapshot open. Waits first while new snapshots are held. Blocks the thread.
    package func passing<Result>(_ body: () throws -> Result) rethrows -> Result {
        var pause = timespec(tv_sec: 0, tv_nsec: 500_000)
        while !state.withLock({ $0.enter() }) { nanosleep(&pause, nil) }
        defer { state.withLock { $0.count -= 1 } }
        return try body()
    }
}
