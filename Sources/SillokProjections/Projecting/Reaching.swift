import SillokCore
import SillokSQL

extension Projector {
    /// Waits until the live build has reached a position, in whichever process it runs.
    func reach(_ position: Position, _ duration: Duration) async throws {
        let clock = options.clock
        try await reach(position, duration, clock)
    }

    private func reach<C: Clock>(_ position: Position, _ duration: Duration, _ clock: C) async throws
    where C.Duration == Duration {
        let start = clock.now
        var stopped: (failure: ProjectionFailure, since: C.Instant)?
        while true {
            if let failure = board.failure { throw failure }
            if board.position >= position { return }
            var known = board.position
            let left = duration - start.duration(to: clock.now)
            let isElsewhere = !board.isRunning || !board.knowsPosition
            if isElsewhere {
                let (stored, failure) = try await storedPosition()
                known = stored
                if known >= position { return }
                // A fixed projection may be about to run again, so a failure counts only if it stays.
                stopped = failure.map { ($0, stopped?.since ?? clock.now) }
                if let stopped, left <= .zero || stopped.since.duration(to: clock.now) > options.pollInterval {
                    throw stopped.failure
                }
            }
            guard left > .zero else {
                throw StaleModel(projection: board.live ?? id, position: known, wanted: position)
            }
            try await wait(for: position, min(left, .milliseconds(isElsewhere ? 20 : 250)), clock)
        }
    }

    private var id: ProjectionID { ProjectionID(name, version: version) }

    /// Returns the stored position of the live build and the failure that stopped it, in any process.
    private func storedPosition() async throws -> (Position, ProjectionFailure?) {
        guard let live = try await ledger.live(name) else { return (.start, nil) }
        board.setLive(live.id)
        let partitions = try await ledger.partitions(of: live.id)
        let position = partitions.map(\.checkpoint.position).min() ?? .start
        let failure = live.failure.map { failure in
            ProjectionFailure(projection: live.id, event: nil, cause: StoppedElsewhere(description: failure))
        }
        return (position, failure)
    }

    private func wait<C: Clock>(for position: Position, _ duration: Duration, _ clock: C) async throws
    where C.Duration == Duration {
        try await firstResult { [board] in
            try await board.reach(position)
        } or: {
            try await clock.sleep(for: duration)
        }
    }
}
