import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Lets the writer keep new snapshots of the store's own readers back for a moment, so that there is an instant at
/// which none of them reads the write-ahead log. The writer waits for nothing meanwhile.
final class SnapshotGate: Sendable {
    private struct State {
        /// Snapshots that are open.
        var count = 0
        /// Until when new ones are held.
        var end: ContinuousClock.Instant?

        var isHolding: Bool { end.map { .now < $0 } ?? false }

        mutating func enter() -> Bool {
            if isHolding { return false }
            count += 1
            return true
        }
    }

    private let state = Lock(State())
    /// How long a read is held at most.
    private static let longest = Duration.milliseconds(20)

    /// Whether new snapshots are held at this moment.
    var isHolding: Bool { state.withLock { $0.isHolding } }

    /// Holds new snapshots for a moment, if readers of the store have any open: others would keep the log anyway.
    func hold() {
        state.withLock { state in
            if state.count > 0 && !state.isHolding { state.end = .now + Self.longest }
        }
    }

    /// Lets snapshots begin again.
    func open() { state.withLock { $0.end = nil } }

    /// Runs `body`, which has a snapshot open; waits before it while new ones are held. Blocks the thread.
    func passing<Result>(_ body: () throws -> Result) rethrows -> Result {
        var pause = timespec(tv_sec: 0, tv_nsec: 500_000)
        while !state.withLock({ $0.enter() }) { nanosleep(&pause, nil) }
        defer { state.withLock { $0.count -= 1 } }
        return try body()
    }
}
