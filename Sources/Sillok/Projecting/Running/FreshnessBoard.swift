import SillokCore
import SillokSQL

/// How far the builds of a projection have come in this process, for those who wait to read.
final class FreshnessBoard: Sendable {
    private struct State {
        var live: ProjectionID?
        var positions: [ProjectionID: [Position?]] = [:]
        var letters: [ProjectionID: [Int]] = [:]
        var isAttached = false
        var isRunning = false
        var failure: ProjectionFailure?
        var signal = HeadSignal()

        /// Up to where all partitions of the live build have come.
        var position: Position {
            if isAttached { return Position(.max) }
            guard let live, let positions = positions[live] else { return .start }
            var least = Position(.max)
            for position in positions {
                guard let position else { return .start }
                least = min(least, position)
            }
            return least
        }
    }

    private let state = Lock(State())

    /// Up to where the live build tells the log.
    var position: Position { state.withLock { $0.position } }

    /// Which build is live.
    var live: ProjectionID? { state.withLock { $0.live } }

    /// Whether the live build has events that it could not project; `true` if that is not known here.
    var hasDeadLetters: Bool {
        state.withLock { state in
            guard let live = state.live, !state.isAttached, let letters = state.letters[live] else { return true }
            return letters.contains { $0 > 0 }
        }
    }

    /// Why the projection does not run; `nil` while it does or when it never failed.
    var failure: ProjectionFailure? { state.withLock { $0.isRunning ? nil : $0.failure } }

    /// Whether the projection runs in this process.
    var isRunning: Bool { state.withLock { $0.isRunning } }

    func begin() {
        state.withLock { state in
            state.isRunning = true
            state.failure = nil
            state.signal = HeadSignal()
        }
    }

    /// What a runner of this process said no longer holds: another process may go on with it.
    func end() {
        state.withLock { state in
            state.isRunning = false
            state.positions = [:]
        }
    }

    func fail(_ failure: ProjectionFailure) {
        let signal = state.withLock { state in
            state.failure = failure
            return state.signal
        }
        signal.fail(failure)
    }

    func attach(_ id: ProjectionID) {
        let signal = state.withLock { state in
            state.live = id
            state.isAttached = true
            return state.signal
        }
        signal.advance(to: Position(.max))
    }

    /// Says which build queries see.
    func setLive(_ id: ProjectionID?) {
        state.withLock { state in
            guard state.live != id else { return }
            state.live = id
            // A build that was promoted or rolled back to may be behind the one before it.
            state.signal = HeadSignal()
        }
    }

    /// Notes where a partition stands after a write.
    func update(_ id: ProjectionID, _ partition: Int, _ standing: Standing, of partitions: Int) {
        let (signal, position) = state.withLock { state in
            var positions = state.positions[id] ?? Array(repeating: nil, count: max(1, partitions))
            if positions.indices.contains(partition) { positions[partition] = standing.row.checkpoint.position }
            state.positions[id] = positions
            var letters = state.letters[id] ?? Array(repeating: 0, count: max(1, partitions))
            if letters.indices.contains(partition) { letters[partition] = standing.letters }
            state.letters[id] = letters
            return (state.signal, state.position)
        }
        signal.advance(to: position)
    }

    /// Returns when the live build may have come to a position.
    func reach(_ position: Position) async throws { try await state.withLock { $0.signal }.reach(position) }
}
