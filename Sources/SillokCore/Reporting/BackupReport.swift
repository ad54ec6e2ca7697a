/// The contents of a copy of a store: everything acknowledged before the copy began, completely verified.
public struct BackupReport: Hashable, Sendable {
    /// The position of the last event of the copy.
    public let head: Position

    /// The size of the copy in bytes.
    public let bytes: UInt64

    /// What the verification of the copy found. A copy that is not sound is deleted.
    public let verification: VerificationReport

    /// Creates a report about a copy.
    public init(head: Position, bytes: UInt64, verification: VerificationReport) {
        self.head = head
        self.bytes = bytes
        self.verification = verification
    }
}
