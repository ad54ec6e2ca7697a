/// The measurements of one commit of a store: how many appends it contained and how long the disk took.
public struct CommitMeasurement: Hashable, Sendable {
    /// The number of appends that were committed together.
    public let appends: Int

    /// The number of events in these appends.
    public let events: Int

    /// The time that the commit took, until all of its data was on the disk.
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

/// A measurement of one append: its number of events, its duration and its error, as the store observed them.
public struct AppendMeasurement: Sendable {
    /// How many events the request has.
    public let events: Int

    /// The time from the call of the store until it returned.
    public let time: Duration

    /// The error of the append: it stored nothing, or its outcome is unknown. `nil` if the events are stored.
    public let error: AppendError?

    /// Creates a measurement of one append.
    public init(events: Int, time: Duration, error: AppendError?) {
        self.events = events
        self.time = time
        self.error = error
    }
}
