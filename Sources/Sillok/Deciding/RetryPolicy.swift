/// How often a ``CommandHandler`` tries before it gives up.
public struct RetryPolicy: Hashable, Sendable {
    /// How often a command is decided at most, each time on what is new, while others append: 10.
    public var attempts = 10

    /// How often one append is sent at most, with the same ids, until its outcome is known: 6.
    public var settlingAttempts = 6

    /// The pause before an append of unknown outcome is sent again, doubled each time: 10 milliseconds.
    public var settlingPause = Duration.milliseconds(10)

    /// The default policy.
    public init() {}

    /// The default policy, but for how often a command is decided.
    public init(attempts: Int) { self.attempts = attempts }
}
