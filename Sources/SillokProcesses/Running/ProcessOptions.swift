public import SillokCore

/// The options with which a runner runs a process.
public struct ProcessOptions: Sendable {
    /// The number of partitions that share the instances. It is fixed for a build of the index.
    public var partitions: Int

    /// How long a partition stays with a runner that no longer renews its lease, if several processes run the same
    /// process manager. `nil` means that only one process runs it.
    public var lease: Duration?

    /// The longest delay that a lost wake-up, or a jump of the store's clock, can cause.
    public var pollInterval: Duration

    /// The number of rows of one kind that are worked on together.
    public var page = 256

    /// The number of instances that are worked on at once.
    public var concurrency = 64

    /// The number of hops at which an event is not handled and its instance is parked. A hop is a step of a process, or
    /// a webhook between systems, that led to the event. So two processes that answer each other stop.
    public var hopLimit = 100

    /// Events up to here are applied to the state of their instances, and lead to no steps except `.complete`. Use it
    /// if a process is introduced on an old log and needs the state of what is still open.
    public var reactsAfter = Position.start

    /// The number of instances that are kept in memory, so that only their new records are read.
    public var cachedInstances = 1000

    /// The longest pause before work that failed because of a store is tried again.
    public var longestPause = Duration.seconds(30)

    /// The clock that measures waits. Due times are decided by the store's time only.
    public var clock: any Clock<Duration>

    /// The generator of ids: of lease holders and of operators' acts.
    public var ids: IDGenerator

    /// Makes the source of random numbers for pauses.
    public var random: @Sendable () -> any RandomNumberGenerator & Sendable = { SystemRandomNumberGenerator() }

    /// Creates the default options, except for those that are given.
    public init(
        partitions: Int = 1, lease: Duration? = nil, pollInterval: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock(), ids: IDGenerator = .system
    ) {
        self.partitions = max(1, partitions)
        self.lease = lease
        self.pollInterval = pollInterval
        self.clock = clock
        self.ids = ids
    }
}
