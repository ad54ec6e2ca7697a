import SillokCore

/// A piece of work of a thread that a cancelled task may interrupt, such as a statement on a connection.
///
/// A late cancel request would end the next statement of the connection. So the end of the work waits for a request
/// that is being sent, and returns whether one was sent.
package final class WorkInterruption: Sendable {
    private enum State {
        case running(cancel: @Sendable () -> Void)
        case sending
        case ended(wasSent: Bool)
    }

    private let state: Lock<State>

    /// - Parameter cancel: sends the request to end the work. It may block.
    package init(_ cancel: @escaping @Sendable () -> Void) { state = Lock(.running(cancel: cancel)) }

    /// Interrupts the work if it is still running. Does not block.
    package func interrupt() {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            guard case .running(let cancel) = state else { return nil }
            state = .sending
            return cancel
        }
        guard let cancel else { return }
        startThread { [state] in
            cancel()
            state.withLock { $0 = .ended(wasSent: true) }
            state.wakeAll()
        }
    }

    /// Ends the work. Returns `true` if a cancel request was sent.
    package func end() -> Bool {
        state.wait { state -> Bool? in
            switch state {
            case .running:
                state = .ended(wasSent: false)
                return false
            case .sending: return nil
            case .ended(let wasSent): return wasSent
            }
        }
    }
}
