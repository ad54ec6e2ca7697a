/// What a copy of a store holds: all that was acknowledged before it was begun, checked from the first event to the last.
public struct BackupReport: Hashable, Sendable {
    /// The position of its last event.
    public let head: Position

    /// How many bytes it takes.
    public let bytes: UInt64

    /// What the check of the copy found; a copy that is not sound is not kept.
    public let verification: VerificationReport

    /// A report with all of its parts.
    public init(head: Position, bytes: UInt64, verification: VerificationReport) {
        self.head = head
        self.bytes = bytes
        self.verification = verification
    }
}
