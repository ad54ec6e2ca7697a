/// What a commit of a store took: how many appends it carried together, and how long the disk took for it.
public struct CommitMeasurement: Hashable, Sendable {
    /// How many appends were committed together.
    public let appends: Int

    /// How many events they brought.
    public let events: Int

    /// How long it took until all of it was on the disk.
    public let syncTime: Duration

    /// The bytes of the write-ahead log that are not in the store's file yet; `nil` for a store without such a log. It
    /// grows for as long as a reader keeps one snapshot.
    public let logBytes: Int?

    /// A measurement of one commit.
    public init(appends: Int, events: Int, syncTime: Duration, logBytes: Int? = nil) {
        self.logBytes = logBytes
        self.appends = appends
        self.events = events
        self.syncTime = syncTime
    }
}
