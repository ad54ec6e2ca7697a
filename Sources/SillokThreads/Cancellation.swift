import SillokCore

/// A flag that carries the cancellation of a task to the thread that works for it.
///
/// A thread of our own has no task, so it cannot read `Task.isCancelled`. The caller's cancellation handler sets this
/// flag. The work checks it, as a budget of steps does every few hundred steps.
package final class Cancellation: Sendable {
    private struct State {
        var isCancelled = false
        var handlers: [@Sendable () -> Void] = []
    }

    /// When the request was made. Its timeout counts from here, not from its turn.
    package let asked = ContinuousClock.now

    private let state = Lock(State())

    package init() {}

    /// Whether ``cancel()`` was called.
    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Sets the flag and calls the handlers. Later calls do nothing.
    package func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Calls `handler` once: when the flag is set, or at once if it is set already.
    package func whenCancelled(_ handler: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.handlers.append(handler) }
            return state.isCancelled
        }
        if isCancelled { handler() }
    }

    /// Throws `CancellationError` if the flag is set.
    package func check() throws(CancellationError) {
        if isCancelled { throw CancellationError() }
    }
}
