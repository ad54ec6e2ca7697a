public import SillokCore

/// What becomes of an event that cannot be projected.
public enum FailurePolicy: Hashable, Sendable {
    /// The projection stops before it.
    case stop

    /// It is tried so many times, with a pause that doubles, and then parked as a dead letter; what follows it in its
    /// sequence is parked behind it, and all others go on. At `capacity` dead letters the projection stops.
    case park(attempts: Int, pause: Duration, capacity: Int)

    /// Three tries, the first pause of 20 milliseconds, at most 10,000 dead letters.
    public static let park = FailurePolicy.park(attempts: 3, pause: .milliseconds(20), capacity: 10_000)
}

/// How a projector runs its projection.
public struct ProjectorOptions: Sendable {
    /// What becomes of an event that cannot be projected.
    public var failures: FailurePolicy

    /// Into how many partitions the sequences are spread, each with a checkpoint of its own. Belongs to the build.
    public var partitions: Int

    /// How long a partition stays with a projector that shows no sign of life, when several processes run the same
    /// projection; `nil`: there is only one.
    public var lease: Duration?

    /// When a new version becomes the live one.
    public var promotion: Promotion

    /// How many events are read and written together, at most.
    public var batch: Int

    /// How long a lost wake-up, or an operator's wish, can wait.
    public var pollInterval: Duration

    /// What measures waiting.
    public var clock: any Clock<Duration>

    /// What tells the time of day for records of what was done.
    public var wallClock: WallClock

    /// Makes the names of those who hold leases.
    public var ids: IDGenerator

    /// How much text of documents a partition keeps in memory, in bytes, beside those of a batch.
    package var documentBytes = 32 << 20

    /// Options that differ from the usual ones where they are given.
    public init(
        failures: FailurePolicy = .park, partitions: Int = 1, lease: Duration? = nil,
        promotion: Promotion = .whenCaughtUp, batch: Int = 1000, pollInterval: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock(), wallClock: WallClock = .system, ids: IDGenerator = .system
    ) {
        self.failures = failures
        self.partitions = max(1, partitions)
        self.lease = lease
        self.promotion = promotion
        self.batch = max(1, batch)
        self.pollInterval = pollInterval
        self.clock = clock
        self.wallClock = wallClock
        self.ids = ids
    }

    /// The options of a projection that takes part in appends: one process and one partition, and nothing is parked.
    var inline: ProjectorOptions {
        var options = self
        options.failures = .stop
        options.partitions = 1
        options.lease = nil
        return options
    }
}
