/// The number of attempts of a ``CommandHandler`` before it gives up.
public struct RetryPolicy: Hashable, Sendable {
    /// The maximum number of times that a command is decided while other writers append: 10.
    public var attempts = 10

    /// The maximum number of times that one append is sent, with the same ids, until its outcome is known: 6.
    public var settlingAttempts = 6

    /// The pause before an append of unknown outcome is sent again, doubled each time: 10 milliseconds.
    public var settlingPause = Duration.milliseconds(10)

    /// Creates the default policy.
    public init() {}

    /// Creates the default policy with another number of attempts.
    public init(attempts: Int) { self.attempts = attempts }
}
