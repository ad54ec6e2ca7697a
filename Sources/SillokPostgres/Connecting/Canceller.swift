#if Postgres
import CLibPQ
import SillokCore

/// Ends the statement that a connection executes. Any thread may use it.
final class Canceller: @unchecked Sendable {
    /// libpq never changes it, and says that any thread may pass it to `PQcancel`.
    private let handle: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let handle = PQgetCancel(connection) else { return nil }
        self.handle = handle
    }

    deinit { PQfreeCancel(handle) }

    /// Sends the request on a connection of its own, and returns when the server has it. Blocks.
    func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { reason in
            _ = PQcancel(handle, reason.baseAddress, 256)
        }
    }
}

/// One piece of work on a connection that a cancelled task may interrupt.
///
/// A request to cancel that arrives late would end the next statement of the connection. So the end of the work waits
/// for a request that is being sent, and says whether one was.
final class Interruption: Sendable {
    private enum State {
        case running(Canceller)
        case sending
        case ended(wasSent: Bool)
    }

    private let state: Lock<State>

    init(_ canceller: Canceller) { state = Lock(.running(canceller)) }

    /// Interrupts the work if it still runs. Does not block.
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

    /// Ends the work; `true` if a request to cancel was sent.
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
