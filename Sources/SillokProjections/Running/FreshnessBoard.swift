import SillokCore
import SillokProjectionMachine
import SillokSQL

/// The progress of the builds of a projection in this process, for readers that wait for it.
final class FreshnessBoard: Sendable {
    private struct State {
        var live: ProjectionID?
        var positions: [ProjectionID: [Position?]] = [:]
        var letters: [ProjectionID: [Int?]] = [:]
        /// Builds that are attached to every append.
        var attached: Set<ProjectionID> = []
        var isRunning = false
        var failure: ProjectionFailure?
        var signal = HeadSignal()

        /// The position that all partitions of the live build have reached; `nil` if it is not known here.
        var position: Position? {
            guard let live else { return nil }
            if attached.contains(live) { return Position(.max) }
            guard let positions = positions[live] else { return nil }
            var least = Position(.max)
            for position in positions {
                guard let position else { return nil }
                least = min(least, position)
            }
            return least
        }
    }

    private let state = Lock(State())

    /// A position up to which the live build contains the log; it may contain more.
    var position: Position { state.withLock { $0.position ?? .start } }

    /// Whether the whole live build runs in this process, so that its position is known here.
    var knowsPosition: Bool { state.withLock { $0.position != nil } }

    /// The live build.
    var live: ProjectionID? { state.withLock { $0.live } }

    /// The partitions of the live build that run in this process.
    var held: [Int] {
        state.withLock { state in
            let positions = state.live.flatMap { state.positions[$0] } ?? []
            return positions.indices.filter { positions[$0] != nil }
        }
    }

    /// Whether this process runs a partition of any build.
    var holdsPartitions: Bool { state.withLock { $0.positions.values.contains { $0.contains { $0 != nil } } } }

    /// Whether the live build has dead letters; `true` if that is not known here.
    var hasDeadLetters: Bool {
        state.withLock { state in
            guard let live = state.live else { return true }
            if state.attached.contains(live) { return false }
            guard let letters = state.letters[live] else { return true }
            return letters.contains { $0 != 0 }
        }
    }

    /// The failure for which the projection does not run; `nil` while it runs or if it never failed.
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

    /// Clears the progress of the runners of this process, because another process may continue the work.
    func end() {
        state.withLock { $0.isRunning = false }
        forgetPartitions()
    }

    /// Clears the progress of the runners of this process.
    func forgetPartitions() {
        state.withLock { state in
            state.positions = [:]
            state.letters = [:]
        }
    }

    func fail(_ failure: ProjectionFailure) {
        let signal = state.withLock { state in
            state.failure = failure
            return state.signal
        }
        signal.fail(failure)
    }

    /// Returns whether a build is attached to every append.
    func isAttached(_ id: ProjectionID) -> Bool { state.withLock { $0.attached.contains(id) } }

    /// Notes that a build is attached to every append from now on.
    func attach(_ id: ProjectionID) {
        let (signal, position) = state.withLock { state in
            state.attached.insert(id)
            return (state.signal, state.position ?? .start)
        }
        signal.advance(to: position)
    }

    /// Sets the build that queries see.
    func setLive(_ id: ProjectionID?) {
        let (signal, position) = state.withLock { state in
            if state.live != id {
                state.live = id
                // The new live build may be behind the previous one, after a promotion or a rollback.
                state.signal = HeadSignal()
            }
            return (state.signal, state.position ?? .start)
        }
        signal.advance(to: position)
    }

    /// Notes the progress of a partition.
    func update(_ id: ProjectionID, _ partition: Int, _ progress: PartitionState, of partitions: Int) {
        let (signal, position) = state.withLock { state in
            var positions = state.positions[id] ?? Array(repeating: nil, count: max(1, partitions))
            if positions.indices.contains(partition) { positions[partition] = progress.checkpoint.position }
            state.positions[id] = positions
            var letters = state.letters[id] ?? Array(repeating: nil, count: max(1, partitions))
            if letters.indices.contains(partition) { letters[partition] = progress.deadLetters }
            state.letters[id] = letters
            return (state.signal, state.position ?? .start)
        }
        signal.advance(to: position)
    }

    /// Notes that another process runs a partition.
    func forget(_ id: ProjectionID, _ partition: Int) {
        state.withLock { state in
            guard state.positions[id]?.indices.contains(partition) == true else { return }
            state.positions[id]?[partition] = nil
            state.letters[id]?[partition] = nil
        }
    }

    /// Waits until the live build may have reached a position.
    func reach(_ position: Position) async throws { try await state.withLock { $0.signal }.reach(position) }
}
