/// A measurement of a snapshot: the decider and the outcome.
public struct SnapshotMeasurement: Hashable, Sendable {
    /// The outcome of reading or writing a snapshot.
    public enum Outcome: Hashable, Sendable {
        /// A replay started from the snapshot.
        case used
        /// A snapshot was written, with this size in bytes.
        case written(bytes: Int)
        /// A snapshot of a stream or of a query was not used, with the reason.
        case ignored(subject: String, reason: String)
        /// A snapshot was due but was not written, because this process had not asked for its boundary before. If this
        /// happens often, each command has its own boundary, and no snapshot would ever be used.
        case withheld(subject: String)
        /// A snapshot could not be read, written or removed, with the reason. No command depends on it.
        case failed(String)
    }

    /// The name of the decider's type.
    public let decider: String

    /// The outcome of reading or writing the snapshot.
    public let outcome: Outcome

    /// Creates a measurement of one snapshot.
    public init(decider: String, _ outcome: Outcome) {
        self.decider = decider
        self.outcome = outcome
    }
}
