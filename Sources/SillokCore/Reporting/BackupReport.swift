/// A report on a copy of a store. The copy has every event that was acknowledged before the backup began, and was
/// verified completely.
public struct BackupReport: Hashable, Sendable {
    /// The position of the last event of the copy.
    public let head: Position

    /// The size of the copy in bytes.
    public let bytes: UInt64

    /// The result of the verification of the copy. A copy that is not sound is deleted.
    public let verification: VerificationReport

    /// Creates a report about a copy.
    public init(head: Position, bytes: UInt64, verification: VerificationReport) {
        self.head = head
        self.bytes = bytes
        self.verification = verification
    }
}
