#if Postgres
import CLibPQ
import SillokCore

/// A handle that ends the statement that a connection is executing. Any thread may use it.
final class Canceller: @unchecked Sendable {
    /// libpq never changes the object and allows any thread to pass it to `PQcancel`.
    private let handle: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let handle = PQgetCancel(connection) else { return nil }
        self.handle = handle
    }

    deinit { PQfreeCancel(handle) }

    /// Sends the cancel request on its own connection, and returns when the server has it. Blocks.
    func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { reason in
            _ = PQcancel(handle, reason.baseAddress, 256)
        }
    }
}

/// A piece of work on a connection that a cancelled task may interrupt.
///
/// A late cancel request would end the next statement of the connection. So the end of the work waits for a request
/// that is being sent, and returns whether one was sent.
final class Interruption: Sendable {
    private enum State {
        case running(Canceller)
        case sending
        case ended(wasSent: Bool)
    }

    private let state: Lock<State>

    init(_ canceller: Canceller) { state = Lock(.running(canceller)) }

    /// Interrupts the work if it is still running. Does not block.
    func interrupt() {
        let canceller = state.withLock { state -> Canceller? in
            guard case .running(let canceller) = state else { return nil }
            state = .sending
            return canceller
        }
        guard let canceller else { return }
        startThread { [state] in
            canceller.cancel()
            state.withLock { $0 = .ended(wasSent: true) }
            state.wakeAll()
        }
    }

    /// Ends the work. Returns `true` if a cancel request was sent.
    func end() -> Bool {
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
#endif
