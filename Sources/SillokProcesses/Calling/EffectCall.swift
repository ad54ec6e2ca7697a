import SillokCore
public import SillokProcessMachine

/// The call that executes an effect of a process, and how it is made.
///
/// The call is made at least once, always with the same idempotency key. A call that ends with ``EffectFailed`` was not
/// executed. After any other error, and after the timeout, it may have been executed: it is made again, because the
/// other side knows the key. When the attempts or the lifetime of the key are used up, the outcome is unknown; then
/// only a look-up or an operator settles it. A kind whose calls keep failing is paused: see `PausedKind`.
public struct EffectCall: Sendable {
    /// How a kind of effect is called. The calls of one kind should have the same policy.
    public struct Policy: Hashable, Sendable {
        /// The maximum number of calls of this kind at once, over all runners. A runner that holds half of the
        /// partitions makes at most half of these calls at once, but at least one.
        public var limit = 8
        /// How long one call may take.
        public var timeout = Duration.seconds(30)
        /// The number of calls before the outcome is unknown.
        public var attempts = 10
        /// The pause after the first call that failed. It doubles with each call, and is shortened at random.
        public var pause = Duration.seconds(1)
        /// The longest pause.
        public var longestPause = Duration.seconds(300)
        /// The number of calls of this kind that fail one after the other, over all instances, before the kind is
        /// paused. Then its effects wait and use up no attempts, and one call is tried from time to time.
        public var failuresBeforePause = 20
        /// The time until a call of a paused kind is tried. It doubles with each try, up to ``longestPause``.
        public var firstPauseOfKind = Duration.seconds(5)
        /// How long the other side remembers an idempotency key, from the first call.
        public var keyLifetime = Duration.seconds(24 * 3600)

        /// Creates the default policy.
        public init() {}

        var kindRules: KindHealth.Rules {
            .init(failures: failuresBeforePause, firstPause: firstPauseOfKind, longestPause: longestPause)
        }
    }

    let policy: Policy
    let call: @Sendable (EffectAttempt) async throws -> String
    let lookUp: (@Sendable (EffectAttempt) async throws -> EffectResult?)?

    /// Creates a call.
    ///
    /// - Parameters:
    ///   - policy: how it is made.
    ///   - lookUp: asks the other side what became of a call; `nil` as its result means that it does not know yet.
    ///   - call: makes the call. What it returns is recorded, up to 16 KiB: return nothing secret.
    public init(
        policy: Policy = Policy(), lookUp: (@Sendable (EffectAttempt) async throws -> EffectResult?)? = nil,
        _ call: @escaping @Sendable (EffectAttempt) async throws -> String
    ) {
        self.policy = policy
        self.lookUp = lookUp
        self.call = call
    }
}

/// One call of an effect.
public struct EffectAttempt: Hashable, Sendable {
    /// The key under which the other side recognizes the effect: the same in all attempts.
    public let idempotencyKey: String

    /// The key of the instance.
    public let instance: String

    /// The number of the attempt, from 1. It starts again if the index is rebuilt, or an operator retries the effect.
    public let number: Int
}

/// The other side refused an effect: it was not executed, and will not be.
public struct EffectFailed: Error, Hashable, CustomStringConvertible {
    /// Why.
    public let reason: String

    /// Creates a failure.
    public init(_ reason: String) { self.reason = reason }

    /// Why.
    public var description: String { reason }
}

/// A call did not end in time.
struct EffectTimedOut: Error, CustomStringConvertible {
    let timeout: Duration
    var description: String { "the call did not end within \(timeout)" }
}

/// Returns what `body` returns, or throws ``EffectTimedOut`` after a time, also if `body` ignores its cancellation.
func withTimeout<Value: Sendable>(
    _ timeout: Duration, _ clock: any Clock<Duration>, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (results, continuation) = AsyncStream<Result<Value, any Error>>.makeStream()
    let work = Task {
        do { continuation.yield(.success(try await body())) } catch { continuation.yield(.failure(error)) }
    }
    let alarm = Task {
        try await clock.sleep(for: timeout)
        continuation.yield(.failure(EffectTimedOut(timeout: timeout)))
    }
    defer {
        work.cancel()
        alarm.cancel()
    }
    for await result in results { return try result.get() }
    throw CancellationError()
}
