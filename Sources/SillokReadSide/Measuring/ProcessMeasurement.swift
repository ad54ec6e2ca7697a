/// A measurement of one process: of its instances, and of the work that waits.
public struct ProcessMeasurement: Hashable, Sendable {
    /// The name of the process.
    public let process: String
    /// The number of instances by state: `running` for those that work or wait, `compensating`, `parked`, `completed`.
    public let instances: [String: Int]
    /// The age of the oldest input, request or effect that is not done, without those of parked instances; zero if
    /// there is none.
    public let oldestStep: Duration
    /// The longer of two times: how late the oldest waiting deadline is, and how late a deadline fired since the
    /// previous measurement.
    public let lateness: Duration
    /// The number of steps whose last attempt failed, counted up to 10,000.
    public let failing: Int
    /// The number of effects whose outcome is unknown, counted up to 10,000.
    public let unknown: Int
    /// The number of calls that failed since the previous measurement and are retried. Only the runner of the process
    /// counts them; it is 0 in any other measurement.
    public let retries: Int
    /// The kinds of effects that are paused, each with the error of its last call.
    public let pausedKinds: [String: String]

    /// The number of instances that have not ended, without those that are parked.
    public var inFlight: Int { (instances["running"] ?? 0) + (instances["compensating"] ?? 0) }

    /// The name of the process in objectives and alarms: the category of its streams, `process:checkout`. The
    /// projection that is the index of the process has another name: `process_checkout`.
    public var subject: String { "process:\(process)" }

    /// Creates a measurement.
    public init(
        process: String, instances: [String: Int], oldestStep: Duration, lateness: Duration, failing: Int,
        unknown: Int, retries: Int = 0, pausedKinds: [String: String] = [:]
    ) {
        self.process = process
        self.instances = instances
        self.oldestStep = oldestStep
        self.lateness = lateness
        self.failing = failing
        self.unknown = unknown
        self.retries = retries
        self.pausedKinds = pausedKinds
    }
}

/// The runner of a process, which can be measured.
public protocol MeasuredProcess: Sendable {
    /// Measures the process now. Two calls should be about a second apart.
    func measurement() async throws -> ProcessMeasurement
}
