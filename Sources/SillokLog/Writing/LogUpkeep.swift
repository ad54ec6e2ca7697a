import SillokCore
import SillokSegments

/// The thread that makes the next segment and writes the places of full ones.
final class LogUpkeep: Sendable {
    private struct State {
        var isWoken = false
        var isClosing = false
        var isStopped = false
        /// When the last attempt to make the next segment failed; `nil` if it succeeded.
        var failedAt: Timestamp?
    }

    private let state = Lock(State())
    private let clock: WallClock
    /// The time between two attempts to make a segment: each one may fill what is left of the disk.
    private static let pause: Int64 = 1_000_000

    /// Starts the thread.
    init(_ upkeep: SegmentUpkeep, _ clock: WallClock) {
        self.clock = clock
        startThread { [state] in
            while state.wait(until: { Self.next(&$0) }) {
                do {
                    try upkeep.prepareNextSegment()
                    state.withLock { $0.failedAt = nil }
                } catch {
                    // If there is no space, the append that needs the segment reports it.
                    let now = clock.now()
                    state.withLock { ($0.failedAt, $0.isWoken) = (now, false) }
                }
                try? upkeep.settlePlaces()
            }
            state.withLock { $0.isStopped = true }
            state.wakeAll()
        }
    }

    private static func next(_ state: inout State) -> Bool? {
        if state.isClosing { return false }
        guard state.isWoken else { return nil }
        state.isWoken = false
        return true
    }

    /// Makes the next segment. After a failure it does nothing for a second.
    func wake() {
        let now = clock.now()
        let isWoken = state.withLock { state in
            if let failed = state.failedAt, (0..<Self.pause).contains(now.microseconds(since: failed)) { return false }
            state.isWoken = true
            return true
        }
        if isWoken { state.wakeAll() }
    }

    /// Ends the thread and waits for it.
    func stop() {
        state.withLock { $0.isClosing = true }
        state.wakeAll()
        state.wait { $0.isStopped ? () : nil }
    }
}
