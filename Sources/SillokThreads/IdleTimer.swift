import SillokCore

/// A thread that notices when nothing was done for a while, and then calls a function once.
///
/// A log writes a mark then, which proves that its last group was durable. Without it, a bit that flips in that group
/// looks like a torn end.
package final class IdleTimer: Sendable {
    private struct State {
        /// When the call is due; `nil` if nothing was done since the last one.
        var due: ContinuousClock.Instant?
        var isWaiting = false
        var isClosing = false
    }

    private let delay: Duration
    private let state = Lock(State())

    /// - Parameter delay: the time without work after which the call is made.
    package init(after delay: Duration) { self.delay = delay }

    /// Starts the thread, which calls `body` once for each time that there is no work.
    package func start(_ body: @escaping @Sendable () -> Void) {
        startThread { [state] in
            while true {
                let due = state.wait { state -> ContinuousClock.Instant?? in
                    if state.isClosing { return .some(nil) }
                    state.isWaiting = state.due == nil
                    return state.due.map { .some($0) }
                }
                guard let due else { return }
                // Work in the meantime moves the time without a wake-up: the next round waits for the rest.
                let rest = ContinuousClock.now.duration(to: due)
                if rest > .zero {
                    _ = state.wait(for: rest) { $0.isClosing ? () : nil }
                    continue
                }
                let isDue = state.withLock { state in
                    guard state.due == due else { return false }
                    state.due = nil
                    return true
                }
                if isDue { body() }
            }
        }
    }

    /// Notes that something was done.
    package func note() {
        let isWaiting = state.withLock { state in
            state.due = .now + delay
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        if isWaiting { state.wakeAll() }
    }

    /// Ends the thread.
    package func stop() {
        state.withLock { $0.isClosing = true }
        state.wakeAll()
    }
}
