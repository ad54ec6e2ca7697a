#if Postgres
import CLibPQ

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
#endif
