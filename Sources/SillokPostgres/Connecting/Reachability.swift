#if Postgres
import SillokCore

/// The last failure to connect, shared by all sessions of a store.
///
/// Requests wait for their turn while the server is away. If the timeout of a request has passed by then, it fails with
/// this failure and does not try for the same time again.
final class Reachability: Sendable {
    private let last = Lock<(at: ContinuousClock.Instant, failure: PostgresFailure)?>(nil)

    /// Notes the result of an attempt to connect.
    func note(_ failure: PostgresFailure?) {
        let now = ContinuousClock.now
        last.withLock { $0 = failure.map { (now, $0) } }
    }

    /// Returns the last failure, if no attempt has succeeded since and it is later than `time`.
    func failure(since time: ContinuousClock.Instant) -> PostgresFailure? {
        last.withLock { last in last.flatMap { $0.at > time ? $0.failure : nil } }
    }
}
#endif
