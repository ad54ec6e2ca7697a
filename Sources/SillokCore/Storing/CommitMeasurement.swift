/// The measurements of one commit of a store: how many appends it contained and how long the disk took.
public struct CommitMeasurement: Hashable, Sendable {
    /// The number of appends that were committed together.
    public let appends: Int

    /// The number of events in these appends.
    public let events: Int

    /// The time until all of it was on the disk.
    public let syncTime: Duration

    /// The bytes of the write-ahead log that are not in the store's file yet; `nil` for a store without such a log. The
    /// log grows while a reader keeps one snapshot open.
    public let logBytes: Int?

    /// Creates the measurement of one commit.
    public init(appends: Int, events: Int, syncTime: Duration, logBytes: Int? = nil) {
        self.logBytes = logBytes
        self.appends = appends
        self.events = events
        self.syncTime = syncTime
    }
}
