/// What became of a snapshot of a decider.
public struct SnapshotMeasurement: Hashable, Sendable {
    /// What became of it.
    public enum Outcome: Hashable, Sendable {
        /// A state was replayed from it on.
        case used
        /// One was written, with this size.
        case written(bytes: Int)
        /// One of a stream, or of a query, was not used, with the reason.
        case ignored(subject: String, reason: String)
        /// One was due and is not written, because the process asked for the boundary the first time. If that is usual,
        /// the boundary has a key of its own in each command, and no snapshot of it would ever be found.
        case withheld(subject: String)
        /// One could not be read or written, with the reason. No command depends on it.
        case failed(String)
    }

    /// The name of the decider's type.
    public let decider: String

    /// What became of the snapshot.
    public let outcome: Outcome

    /// A measurement of one snapshot.
    public init(decider: String, _ outcome: Outcome) {
        self.decider = decider
        self.outcome = outcome
    }
}
