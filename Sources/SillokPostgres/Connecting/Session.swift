#if Postgres
import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A connection that is made when it is needed, and made anew when it breaks. Belongs to one thread.
final class Session {
    let address: ServerAddress
    private let purpose: ServerAddress.Purpose
    private let patience: Duration
    private let isClosed: @Sendable () -> Bool
    private var connection: Connection?

    /// - Parameters:
    ///   - patience: for how long a server is looked for when there is none.
    ///   - isClosed: whether nobody waits any more.
    init(
        _ address: ServerAddress, for purpose: ServerAddress.Purpose, patience: Duration,
        isClosed: @escaping @Sendable () -> Bool = { false }
    ) {
        self.address = address
        self.purpose = purpose
        self.patience = patience
        self.isClosed = isClosed
    }

    /// Runs `body` with a connection; again with a new one for as long as it fails in a way that may pass.
    ///
    /// `body` may so be run several times: it must be safe to repeat.
    ///
    /// - Parameter state: a SQLSTATE after which it is not tried again.
    func retrying<Result>(except state: String? = nil, _ body: (Connection) throws -> Result) throws -> Result {
        let start = ContinuousClock.now
        var pause: UInt32 = 10_000
        while true {
            do {
                let current = try connection ?? Connection(address, for: purpose)
                connection = current
                return try body(current)
            } catch let failure as PostgresFailure {
                if failure.isConnectionLost || failure.isTransient { connection = nil }
                guard failure.isTransient || failure.isOfPreparedStatement, failure.state != state,
                    start.duration(to: .now) < patience, !isClosed()
                else { throw failure }
                usleep(pause)
                pause = min(pause * 2, 200_000)
            }
        }
    }

    /// Lets go of the connection.
    func disconnect() { connection = nil }
}
#endif
