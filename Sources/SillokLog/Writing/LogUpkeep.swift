import SillokCore
import SillokSegments

/// The thread that makes the next segment and writes the places of full ones.
final class LogUpkeep: Sendable {
    private struct State {
        var isWoken = false
        var isClosing = false
        var isStopped = false
    }

    private let state = Lock(State())

    /// Starts the thread.
    init(_ upkeep: SegmentUpkeep) {
        startThread { [state] in
            while state.wait(until: { Self.next(&$0) }) {
                // If there is no space, the append that needs the segment reports it.
                try? upkeep.prepareNextSegment()
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

    /// Makes the next segment.
    func wake() {
        state.withLock { $0.isWoken = true }
        state.wakeAll()
    }

    /// Ends the thread and waits for it.
    func stop() {
        state.withLock { $0.isClosing = true }
        state.wakeAll()
        state.wait { $0.isStopped ? () : nil }
    }
}
