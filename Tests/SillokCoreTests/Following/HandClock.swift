import SillokCore

/// A clock that a test moves.
final class HandClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration = .zero
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let state = Lock((now: Instant(), sleepers: [(deadline: Instant, wake: AsyncStream<Void>.Continuation)]()))
    private let (slept, sleeper) = AsyncStream<Void>.makeStream()

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let (waking, wake) = AsyncStream<Void>.makeStream()
        state.withLock { $0.sleepers.append((deadline, wake)) }
        sleeper.yield()
        for await _ in waking {}
        try Task.checkCancellation()
    }

    func waitForSleeper() async { for await _ in slept { return } }

    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.deadline <= state.now }.map(\.wake)
            state.sleepers.removeAll { $0.deadline <= state.now }
            return due
        }
        for wake in due { wake.finish() }
    }
}
