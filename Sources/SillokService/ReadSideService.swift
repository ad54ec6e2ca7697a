public import Logging
public import Metrics
public import ServiceLifecycle
import Sillok
import SillokCore
public import SillokProjections
public import SillokReadSide
public import SillokSnapshots

/// A service that runs the projections, publishers and processes of a server, measures them, and ends when the server
/// shuts down.
///
/// ```swift
/// let readSide = ReadSideService(balances, mails, checkouts, monitor: monitor)
/// try await ServiceGroup(services: [readSide], logger: logger).run()
/// ```
public struct ReadSideService: Service {
    private let projections: [any RunnableProjection]
    private let monitor: ObjectiveMonitor?

    /// Creates a service of projections.
    ///
    /// - Parameters:
    ///   - projections: projectors, publishers, and runners of processes.
    ///   - monitor: the monitor of their objectives; with `nil` they have none.
    public init(_ projections: any RunnableProjection..., monitor: ObjectiveMonitor? = nil) {
        self.projections = projections
        self.monitor = monitor
    }

    /// Creates the missing tables of all projections, so that queries find them before the first event.
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
                        for process in projections.compactMap({ $0 as? any MeasuredProcess }) {
                            group.addTask { try await Self.measure(process, monitor) }
                        }
                    }
                    defer { group.cancelAll() }
                    for try await _ in group {}
                }
            } catch is CancellationError {
                // A shutdown is a normal end.
            }
        }
    }

    /// Measures a process every second. A measurement that fails is left out: the runner reports the failure.
    private static func measure(_ process: any MeasuredProcess, _ monitor: ObjectiveMonitor) async throws {
        while true {
            do {
                monitor.record(try await process.measurement())
            } catch {
                if Task.isCancelled { throw CancellationError() }
            }
            try await Task.sleep(for: .seconds(1))
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

extension ObjectiveMonitor {
    /// Creates a monitor that exports its measurements as metrics, and its alarms as log lines and metrics.
    ///
    /// The metrics by projection are `sillok_projection_lag_events`, `sillok_projection_lag_seconds`,
    /// `sillok_dead_letters`, `sillok_rebuild_seconds` and `sillok_projection_stopped` (0 or 1). Those by process are
    /// `sillok_process_instances` (also by state), `sillok_process_oldest_step_seconds`,
    /// `sillok_process_deadline_lateness_seconds`, `sillok_process_failing_steps`, `sillok_process_unknown_outcomes`,
    /// `sillok_process_paused_kinds` and `sillok_process_retries_total`. Alarms are `sillok_alarms_total` by subject.
    /// The monitor exports no metrics of the store: a `WebInterface` does, or `StoreMeasurement.reporter(metrics:)`.
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
            switch measured {
            case .projection(let measurement): measurement.report(to: factory)
            case .process(let measurement): measurement.report(to: factory)
            case .store: break
            }
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
    /// snapshot that failed, was ignored or was withheld is a line at `warning`. Ignored snapshots are logged once for
    /// each decider and reason, because after a release every stream has one. Withheld snapshots are logged once for
    /// each decider.
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
                    a snapshot of \(decider) for \(subject) is due and not written, because this process has not \
                    asked for this boundary before. If each command has a boundary of its own, no snapshot is ever \
                    used: let boundary(of:) contain no key that is new in each command.
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
