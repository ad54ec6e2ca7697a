public import Logging
public import Metrics
public import ServiceLifecycle
import Sillok
import SillokCore
public import SillokProjections
public import SillokReadSide
public import SillokSnapshots

/// A service that runs the projections of a server, measures them, and ends when the server shuts down.
///
/// ```swift
/// let readSide = ReadSideService(balances, orders, monitor: monitor)
/// try await ServiceGroup(services: [readSide], logger: logger).run()
/// ```
public struct ReadSideService: Service {
    private let projections: [any RunnableProjection]
    private let monitor: ObjectiveMonitor?

    /// Creates a service of projections.
    ///
    /// - Parameters:
    ///   - projections: the projectors.
    ///   - monitor: the monitor of their objectives; with `nil` they have none.
    public init(_ projections: any RunnableProjection..., monitor: ObjectiveMonitor? = nil) {
        self.projections = projections
        self.monitor = monitor
    }

    /// Creates the tables of all projections that are missing, so that queries find them before the first event.
    ///
    /// Call it before the service group starts: services of a group start at the same time, and one that queries a read
    /// model may be the first.
    /// - Throws: the error of the first projection that cannot be prepared.
    public func prepare() async throws {
        for projection in projections { try await projection.prepare() }
    }

    /// Runs all projections until the server shuts down; ends with the error of the first that cannot continue.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for projection in projections { group.addTask { try await projection.run() } }
                    if let monitor {
                        for side in sides { group.addTask { try await side.measure(with: monitor) } }
                    }
                    defer { group.cancelAll() }
                    for try await _ in group {}
                }
            } catch is CancellationError {
                // A shutdown is a normal end.
            }
        }
    }

    /// One for each read model, which measures all projections in it.
    private var sides: [ReadSide] {
        var known: Set<AnyHashable> = []
        return projections.map(\.readSide).filter { side in
            let model = side.readModel
            if let model = model as? any Hashable { return known.insert(AnyHashable(model)).inserted }
            guard type(of: model) is AnyClass else { return true }
            return known.insert(ObjectIdentifier(model as AnyObject)).inserted
        }
    }
}

/// A projector of any read model.
public protocol RunnableProjection: Sendable {
    /// The operations on the projections of its read model.
    var readSide: ReadSide { get }

    /// Creates the missing tables.
    func prepare() async throws

    /// Runs until the task is cancelled.
    func run() async throws
}

extension Projector: RunnableProjection {}

extension ObjectiveMonitor {
    /// Creates a monitor that exports its measurements as metrics, and its alarms as log lines and metrics.
    ///
    /// The metrics by projection are `sillok_projection_lag_events`, `sillok_projection_lag_seconds`,
    /// `sillok_dead_letters`, `sillok_rebuild_seconds` and `sillok_projection_stopped` (0 or 1). Alarms are
    /// `sillok_alarms_total` by subject. The monitor exports no metrics of the store: a `WebInterface` does, or
    /// `StoreMeasurement.reporter(metrics:)`.
    /// - Parameters:
    ///   - objectives: the objectives.
    ///   - logger: where alarms are written: at `error` when raised, at `notice` when they are over.
    ///   - metrics: the metrics system; by default that of the process.
    ///   - onAlarm: also called with every alarm; must not block.
    public convenience init(
        _ objectives: [Objective], logger: Logger, metrics: (any MetricsFactory)? = nil,
        onAlarm: @escaping @Sendable (Alarm) -> Void = { _ in }
    ) {
        let factory = metrics ?? MetricsSystem.factory
        let onMeasurement: @Sendable (Measured) -> Void = { measured in
            if case .projection(let measurement) = measured { measurement.report(to: factory) }
        }
        self.init(objectives, onMeasurement: onMeasurement) { alarm in
            logger.log(level: alarm.isRaised ? .error : .notice, "\(alarm)")
            if alarm.isRaised {
                Counter(label: "sillok_alarms_total", dimensions: [("subject", alarm.subject)], factory: factory)
                    .increment()
            }
            onAlarm(alarm)
        }
    }
}

extension SnapshotMeasurement {
    /// Returns a function for `Snapshots` that exports measurements to a log and a metrics system.
    ///
    /// `sillok_snapshots_total` counts by decider and outcome (`used`, `written`, `ignored`, `withheld`, `failed`). A
    /// snapshot that was not used, or not written, is a line at `warning`. Those of other code are one line for each
    /// decider and reason, because after a release there is one of every stream. Those that were withheld are one line
    /// for each decider.
    public static func reporter(
        logger: Logger, metrics: (any MetricsFactory)? = nil
    ) -> @Sendable (SnapshotMeasurement) -> Void {
        let factory = metrics ?? MetricsSystem.factory
        let said = Lock<Set<ExactText>>([])
        @Sendable func isNew(_ text: String) -> Bool {
            said.withLock { $0.count < 1000 && $0.insert(ExactText(text)).inserted }
        }
        return { measurement in
            let decider = measurement.decider
            Counter(
                label: "sillok_snapshots_total",
                dimensions: [("decider", decider), ("outcome", measurement.outcome.name)], factory: factory
            ).increment()
            switch measurement.outcome {
            case .used, .written: return
            case .failed(let reason): logger.warning("a snapshot of \(decider) failed: \(reason)")
            case .withheld(let subject):
                guard isNew(decider) else { return }
                logger.warning(
                    """
                    a snapshot of \(decider) for \(subject) is due and not written, because nothing asked for this \
                    boundary before. If each command has a boundary of its own, no snapshot is ever used: let \
                    boundary(of:) contain no key that is new in each command.
                    """)
            case .ignored(let subject, let reason):
                if isNew("\(decider)\n\(reason)") {
                    logger.warning("a snapshot of \(decider) for \(subject) is not used: \(reason)")
                }
            }
        }
    }
}

extension SnapshotMeasurement.Outcome {
    fileprivate var name: String {
        switch self {
        case .used: "used"
        case .written: "written"
        case .ignored: "ignored"
        case .withheld: "withheld"
        case .failed: "failed"
        }
    }
}
