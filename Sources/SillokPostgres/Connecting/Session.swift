#if Postgres
import SillokCore
import SillokSystem
import SillokThreads

/// A connection that is opened on first use and reopened after it breaks. Belongs to one thread.
final class Session {
    let address: ServerAddress
    private let purpose: ServerAddress.Purpose
    private let timeout: Duration
    private let reachability: Reachability
    private let isClosed: @Sendable () -> Bool
    private let limitsAnswers: Bool
    private var connection: Connection?

    /// The start time of a request and the cancellation flag of its task.
    struct Caller {
        let asked: ContinuousClock.Instant
        let cancellation: Cancellation?

        init(asked: ContinuousClock.Instant = .now, _ cancellation: Cancellation? = nil) {
            self.asked = cancellation?.asked ?? asked
            self.cancellation = cancellation
        }
    }

    /// - Parameters:
    ///   - timeout: how long after its start a request may search for a server.
    ///   - reachability: shared by the sessions of a store.
    ///   - limitsAnswers: whether a server counts as lost when it is silent for a third of the timeout, at most 15 and
    ///     at least 5 seconds, so that there is time to ask another one.
    ///   - isClosed: returns whether the store is closed; then nothing is retried.
    init(
        _ address: ServerAddress, for purpose: ServerAddress.Purpose, timeout: Duration,
        reachability: Reachability = Reachability(), limitsAnswers: Bool = false,
        isClosed: @escaping @Sendable () -> Bool = { false }
    ) {
        self.address = address
        self.purpose = purpose
        self.timeout = timeout
        self.reachability = reachability
        self.limitsAnswers = limitsAnswers
        self.isClosed = isClosed
    }

    /// Returns how long a server may be silent. Late attempts get less time, so that the call ends soon after its
    /// timeout.
    private func answerTimeout(for caller: Caller) -> Duration? {
        let left = timeout - caller.asked.duration(to: .now)
        return limitsAnswers ? max(.seconds(5), min(.seconds(15), timeout / 3, left)) : nil
    }

    /// Runs `body` with a connection, and retries with a new one while the failures are transient.
    ///
    /// `body` may run several times, so it must be safe to repeat.
    ///
    /// - Parameters:
    ///   - caller: the request that `body` works for. Its timeout counts from its start, not from its turn.
    ///   - state: a SQLSTATE after which there is no retry.
    /// - Throws: errors of `body`, `PostgresFailure`, or `CancellationError` if the task of the caller is cancelled.
    func retrying<Result>(
        for caller: Caller = Caller(), except state: String? = nil, _ body: (Connection) throws -> Result
    ) throws -> Result {
        var pause: UInt32 = 10_000
        while true {
            try caller.cancellation?.check()
            do {
                return try interrupted(by: caller.cancellation, try connect(for: caller), body)
            } catch let failure as PostgresFailure {
                if failure.isConnectionLost || failure.isTransient { connection = nil }
                guard failure.isTransient || failure.isOfPreparedStatement, failure.state != state,
                    hasTime(since: caller.asked), !isClosed()
                else { throw failure }
                try wait(pause, caller)
                pause = min(pause * 2, 200_000)
            }
        }
    }

    func disconnect() { connection = nil }

    /// Returns whether a request that started at a time may still search for a server.
    func hasTime(since asked: ContinuousClock.Instant) -> Bool { asked.duration(to: .now) < timeout }

    private func connect(for caller: Caller) throws -> Connection {
        let answerTimeout = answerTimeout(for: caller)
        if let connection {
            connection.answerTimeout = answerTimeout
            return connection
        }
        if !hasTime(since: caller.asked), let failure = reachability.failure(since: caller.asked) { throw failure }
        do throws(PostgresFailure) {
            let made = try Connection(address, for: purpose, answerTimeout: answerTimeout)
            reachability.note(nil)
            connection = made
            return made
        } catch {
            reachability.note(error)
            throw error
        }
    }

    /// Runs `body`. Cancelling the task of the caller ends the statement that the server executes.
    private func interrupted<Result>(
        by cancellation: Cancellation?, _ current: Connection, _ body: (Connection) throws -> Result
    ) throws -> Result {
        guard let cancellation, let canceller = current.canceller() else { return try body(current) }
        let interruption = WorkInterruption(canceller.cancel)
        cancellation.whenCancelled { interruption.interrupt() }
        let result = Swift.Result { try body(current) }
        // A cancel request to a server that does not answer does not end either. It cannot end a later statement.
        if case .failure(let failure as PostgresFailure) = result, failure.isConnectionLost { throw failure }
        guard interruption.end() else { return try result.get() }
        // Unless the cancel request has ended its statement, the server may still apply it to a later one.
        if case .failure(let failure as PostgresFailure) = result, failure.state == PostgresFailure.queryCancelled {
            throw CancellationError()
        }
        connection = nil
        return try result.get()
    }

    /// Waits in short sleeps, so that it notices a cancelled task and a closed store.
    private func wait(_ microseconds: UInt32, _ caller: Caller) throws {
        let end = ContinuousClock.now + .microseconds(Int64(microseconds))
        while ContinuousClock.now < end, !isClosed() {
            try caller.cancellation?.check()
            usleep(min(microseconds, 10_000))
        }
    }
}

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
