import NIOCore
import SillokCore
import SillokGRPC
import SillokWire

/// The calls of a client. Each is repeated until it is answered or its timeout has passed.
final class Caller: Sendable {
    private let connections: Connections
    private let options: RemoteEventStore.Options
    private let clock: any Clock<Duration>
    private let random: Lock<any RandomNumberGenerator & Sendable>

    init(
        connections: Connections, options: RemoteEventStore.Options, clock: any Clock<Duration>,
        random: any RandomNumberGenerator & Sendable
    ) {
        self.connections = connections
        self.options = options
        self.clock = clock
        self.random = Lock(random)
    }

    func close() async { await connections.close() }

    /// Calls the server until it answers.
    ///
    /// Every method may be repeated: appends carry their ids. An append is not cancelled while it is under way, for
    /// then its fate would not be known.
    /// - Parameter isWait: whether the answer may take long, because the server waits for events.
    func ask<Request: Remote.Request>(
        _ request: Request, isAppend: Bool = false, isWait: Bool = false
    ) async throws -> Request.Answer.Value {
        let message = request.framed()
        var attempts = Attempts(clock: clock, timeout: options.timeout, pause: options.pause)
        var mayHaveHappened = false
        while true {
            let failure: CallFailure
            do {
                let (path, time) = (Connector.path(Request.method), options.attempt)
                let answer = try await connections.with(isWait ? .waits : .calls) { connection in
                    try await connection.call(path, message, time, isCancellable: !isAppend)
                }
                return try value(of: answer, to: Request.self)
            } catch let error as CallFailure {
                failure = error
            } catch let error as TransportFailure {
                failure = CallFailure(error).withDetails
            }
            mayHaveHappened = mayHaveHappened || (isAppend && failure.mayHaveHappened)
            guard failure.isWorthAnotherTry, !(Task.isCancelled && isAppend),
                try await pause(before: &attempts, failure.retryAfter, isAppend: isAppend)
            else { throw failure.storeError(connections.address, mayHaveHappened: mayHaveHappened) }
        }
    }

    /// Returns the value of an answer.
    ///
    /// - Throws: `CallFailure` if the answer is a failure of the store or cannot be read; the rejection errors of the
    ///   store.
    private func value<Request: Remote.Request>(
        of message: ByteBuffer, to request: Request.Type
    ) throws -> Request.Answer.Value {
        let refusal: AppendError
        do throws(ProtobufError) {
            let answer = try Remote.Answer<Request.Answer>(reading: message)
            guard let failure = answer.failure else { return try answer.value() }
            refusal = try failure.error()
        } catch {
            // The server has answered, so the store may have stored the events.
            throw CallFailure(.malformed(error), mayHaveHappened: true)
        }
        switch refusal {
        case .failed(let failure): throw CallFailure(.store(failure), mayHaveHappened: failure.outcome == .unknown)
        // A read throws these errors without the case; an append makes an `AppendError` of them again.
        case .invalid, .conflict, .knownID, .tracking, .refused: throw refusal.underlyingError
        }
    }

    /// Waits before another attempt. Returns `false` if the timeout has passed, or would pass before the server accepts
    /// a retry.
    private func pause(
        before attempts: inout Attempts, _ retryAfter: Duration?, isAppend: Bool
    ) async throws -> Bool {
        let share = random.withLock { Double.random(in: 0.5...1, using: &$0) }
        guard let pause = attempts.next(share, retryAfter) else { return false }
        do {
            try await clock.sleep(for: pause)
        } catch {
            if isAppend { return false }
            throw error
        }
        return true
    }
}

/// The number of attempts of a call, and the pause before the next one.
private struct Attempts {
    private let spent: () -> Duration
    private let timeout: Duration
    private var pause: Duration

    init(clock: any Clock<Duration>, timeout: Duration, pause: Duration) {
        self.timeout = timeout
        self.pause = pause
        spent = clock.stopwatch()
    }

    /// Returns the next pause, which is longer each time and at least what the server requested. Returns `nil` after
    /// the timeout.
    ///
    /// - Parameter share: from 0.5 to 1. It spreads the retries of many clients.
    mutating func next(_ share: Double, _ retryAfter: Duration?) -> Duration? {
        let spent = spent()
        guard spent < timeout else { return nil }
        defer { pause = min(pause * 2, .seconds(1)) }
        guard let retryAfter else { return pause * share }
        guard retryAfter < timeout - spent else { return nil }
        return max(pause * share, retryAfter * (0.5 + share))
    }
}

extension StoreError.Code {
    /// Whether the same server, or the one that takes its place, may carry out a repeat within a minute.
    fileprivate var isWorthAnotherTry: Bool {
        switch self {
        case .closed, .unavailable, .overloaded, .fileReplaced: true
        case .locked, .readOnly, .notFound, .unsupportedFormat, .full, .ioFailure, .corrupt, .refused, .invalidQuery,
            .cancelled, .accessDenied, .storeChanged, .tooExpensive:
            false
        }
    }
}

/// Why an attempt failed, and whether the server may have executed it.
struct CallFailure: Error {
    enum Reason {
        /// No connection could be opened.
        case unreachable(any Error)
        /// The connection broke before the answer.
        case lost
        /// The client was closed.
        case closed
        /// The server answered with a status.
        case status(GRPCStatus)
        /// The server's store failed.
        case store(StoreError)
        /// The server serves another store than before.
        case otherStore(expected: StoreID, found: StoreID)
        /// The answer cannot be read.
        case malformed(any Error)
    }

    let reason: Reason
    let mayHaveHappened: Bool

    init(_ reason: Reason, mayHaveHappened: Bool) {
        self.reason = reason
        self.mayHaveHappened = mayHaveHappened
    }

    init(_ failure: TransportFailure) {
        switch failure.reason {
        case .lost: self.init(.lost, mayHaveHappened: failure.mayHaveHappened)
        case .status(let status): self.init(.status(status), mayHaveHappened: failure.mayHaveHappened)
        case .malformed(let cause): self.init(.malformed(cause), mayHaveHappened: failure.mayHaveHappened)
        }
    }

    /// The pause that the server requested before another attempt.
    var retryAfter: Duration? {
        switch reason {
        case .store(let error): error.retryAfter
        case .status(let status): status.retryAfter
        case .unreachable, .lost, .closed, .otherStore, .malformed: nil
        }
    }

    /// Returns the same failure with the details that the store reported in the status.
    var withDetails: CallFailure {
        guard case .status(let status) = reason, let details = status.details,
            let answer = try? Remote.Answer<Remote.AppendResponse>(reading: ByteBuffer(bytes: details)),
            case .failed(let error)? = try? answer.failure?.error()
        else { return self }
        return CallFailure(.store(error), mayHaveHappened: error.outcome == .unknown)
    }

    /// Whether another attempt may succeed.
    var isWorthAnotherTry: Bool {
        switch reason {
        case .unreachable, .lost: true
        case .store(let error): error.code.isWorthAnotherTry
        case .closed, .otherStore, .malformed: false
        case .status(let status):
            switch status.code {
            case .unavailable, .deadlineExceeded, .cancelled, .resourceExhausted, .aborted, .unknown: true
            default: false
            }
        }
    }

    /// Returns the failure as a `StoreError`.
    func storeError(_ address: ServerAddress, mayHaveHappened: Bool) -> StoreError {
        let outcome: StoreError.Outcome = mayHaveHappened ? .unknown : .definite
        func error(_ code: StoreError.Code, _ message: String) -> StoreError {
            StoreError(code, message, outcome: outcome, cause: self, retryAfter: retryAfter)
        }
        switch reason {
        case .unreachable(let cause):
            return error(
                .unavailable, "no server answers at \(address): \(cause). Check the address, and that the server runs.")
        case .lost: return error(.unavailable, "the connection to \(address) broke before the answer came.")
        case .closed: return error(.closed, "the remote store was closed.")
        case .store(let cause):
            return error(cause.code, isWorthAnotherTry ? "the server at \(address): \(cause.message)" : cause.message)
        case .otherStore(let expected, let found):
            return error(
                .storeChanged,
                "the server at \(address) now serves store \(found), not store \(expected). Connect to the server of "
                    + "the expected store.")
        case .malformed(let cause):
            return error(.unsupportedFormat, "the answer of \(address) cannot be read: \(cause).")
        case .status(let status):
            switch status.code {
            case .unauthenticated, .permissionDenied:
                return error(.accessDenied, "the server at \(address) denies access: \(status).")
            case .unimplemented:
                return error(.unsupportedFormat, "the server at \(address) is not a server of Sillok: \(status).")
            default: return error(.unavailable, "the server at \(address) failed: \(status).")
            }
        }
    }
}
