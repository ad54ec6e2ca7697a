/// What a copy of a store contains, checked from the first event to the last: everything that was acknowledged before
/// the copy was begun.
public struct BackupReport: Hashable, Sendable {
    /// The position of its last event.
    public let head: Position

    /// How many bytes it takes.
    public let bytes: UInt64

    /// What the check of the copy found; a copy that is not sound is not kept.
    public let verification: VerificationReport

    /// A report on a copy.
    public init(head: Position, bytes: UInt64, verification: VerificationReport) {
        self.head = head
        self.bytes = bytes
        self.verification = verification
    }
}
