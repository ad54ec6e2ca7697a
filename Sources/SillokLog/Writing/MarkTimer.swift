import SillokCore

/// The thread that notices when no group was committed for a while, and then has a mark written.
///
/// The mark proves that the last group was durable. Without it, a bit that flips in that group looks like a torn end.
final class MarkTimer: Sendable {
    private struct State {
        /// When the mark is due; `nil` if no group was committed since the last one.
        var due: ContinuousClock.Instant?
        var isWaiting = false
        var isClosing = false
    }

    private let delay: Duration
    private let state = Lock(State())

    /// - Parameter delay: the time without a commit after which the mark is written.
    init(after delay: Duration) { self.delay = delay }

    /// Starts the thread, which calls `write` once for each time that the log becomes idle.
    func start(_ write: @escaping @Sendable () -> Void) {
        startThread { [state] in
            while true {
                let due = state.wait { state -> ContinuousClock.Instant?? in
                    if state.isClosing { return .some(nil) }
                    state.isWaiting = state.due == nil
                    return state.due.map { .some($0) }
                }
                guard let due else { return }
                // A commit in the meantime moves the time without a wake-up: the next round waits for the rest.
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
                if isDue { write() }
            }
        }
    }

    /// Notes that a group was committed.
    func note() {
        let isWaiting = state.withLock { state in
            state.due = .now + delay
            defer { state.isWaiting = false }
            return state.isWaiting
        }
        if isWaiting { state.wakeAll() }
    }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.isClosing = true }
        state.wakeAll()
    }
}
