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

/// What an append took and what became of it, as the store saw it.
public struct AppendMeasurement: Sendable {
    /// How many events the request has.
    public let events: Int

    /// How long it took.
    public let time: Duration

    /// Why it stored nothing, or may have; `nil`: the events are stored.
    public let error: AppendError?

    /// A measurement of one append.
    public init(events: Int, time: Duration, error: AppendError?) {
        self.events = events
        self.time = time
        self.error = error
    }
}
