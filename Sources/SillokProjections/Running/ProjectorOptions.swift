public import SillokCore

/// The treatment of an event that cannot be projected.
public enum FailurePolicy: Hashable, Sendable {
    /// The projection stops before the event.
    case stop

    /// The event is parked as a dead letter at its first failure. It is retried with a pause that doubles, up to
    /// `attempts` attempts in all. Then it waits for an operator. Later events of its sequence are parked behind it;
    /// all other sequences continue. At `capacity` dead letters the projection stops.
    case park(attempts: Int, pause: Duration, capacity: Int)

    /// Three attempts with a first pause of 20 milliseconds, and at most 10,000 dead letters.
    public static let park = FailurePolicy.park(attempts: 3, pause: .milliseconds(20), capacity: 10_000)
}

/// The options with which a projector runs its projection.
public struct ProjectorOptions: Sendable {
    /// The treatment of an event that cannot be projected.
    public var failures: FailurePolicy

    /// The number of partitions that share the sequences, each with its own checkpoint. It is fixed for a build.
    public var partitions: Int

    /// The time after which another process may take over a partition whose projector no longer renews its lease. Set
    /// it if several processes run the same projection. `nil` means that only one process runs it.
    ///
    /// Processes share the partitions: at each poll one that holds fewer takes one from another that holds at least two
    /// more.
    public var lease: Duration?

    /// When a new version becomes the live one.
    public var promotion: Promotion

    /// The maximum number of events that are read and written together.
    public var batch: Int

    /// The longest delay that a lost wake-up can cause, also for a request of an operator.
    public var pollInterval: Duration

    /// The clock that measures waits.
    public var clock: any Clock<Duration>

    /// The clock for the times of recorded acts and failures.
    public var wallClock: WallClock

    /// The generator of the names of lease holders.
    public var ids: IDGenerator

    /// The bytes of document text that a partition keeps in memory, in addition to those of a batch.
    package var documentBytes = 32 << 20

    /// Creates the default options, except for those that are given.
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

    /// The options of a projection that is attached to appends: one process, one partition, and nothing is parked.
    var inline: ProjectorOptions {
        var options = self
        options.failures = .stop
        options.partitions = 1
        options.lease = nil
        return options
    }
}
