public import Metrics
package import SillokCore
public import SillokReadSide

// The metrics of stores, projections and processes: the only place that has their names. The server and an application
// without one report by the same functions.

extension StoreMeasurement {
    /// Returns a function for `MeasuredEventStore` that reports its measurements as metrics.
    ///
    /// Appends are `sillok_append_seconds`, `sillok_appends_total` by outcome (`stored`, `conflict`, `refused`,
    /// `failed`), `sillok_appended_events_total` and `sillok_append_errors_total`. Reads are
    /// `sillok_read_events_total`.
    ///
    /// Do not use it together with a `WebInterface`, which reports the same metrics: each append would count twice.
    /// - Parameter metrics: the metrics system; by default that of the process.
    public static func reporter(metrics: (any MetricsFactory)? = nil) -> @Sendable (StoreMeasurement) -> Void {
        let factory = metrics ?? MetricsSystem.factory
        func counter(_ label: String) -> Counter { Counter(label: label, factory: factory) }
        let time = Timer(label: "sillok_append_seconds", factory: factory)
        let events = counter("sillok_appended_events_total")
        let errors = counter("sillok_append_errors_total")
        let read = counter("sillok_read_events_total")
        let outcomes = AppendOutcome.allCases.map { outcome in
            Counter(label: "sillok_appends_total", dimensions: [("outcome", outcome.name)], factory: factory)
        }
        return { measurement in
            switch measurement {
            case .append(let append):
                let outcome = AppendOutcome(append.error)
                time.record(duration: append.time)
                outcomes[outcome.rawValue].increment()
                switch outcome {
                case .stored: events.increment(by: append.events)
                case .failed: errors.increment()
                case .conflict, .refused: break
                }
            case .read(0, _): break
            case .read(let events, _): read.increment(by: events)
            }
        }
    }
}

/// What became of an append, as a label of a metric.
private enum AppendOutcome: Int, CaseIterable {
    case stored, conflict, refused, failed

    init(_ error: AppendError?) {
        switch error {
        case nil: self = .stored
        case .conflict, .knownID, .tracking: self = .conflict
        case .invalid, .refused: self = .refused
        case .failed(let failure): self = failure.code.isRefusal ? .refused : .failed
        }
    }

    var name: String {
        switch self {
        case .stored: "stored"
        case .conflict: "conflict"
        case .refused: "refused"
        case .failed: "failed"
        }
    }
}

extension StoreError.Code {
    /// Whether an append with this failure counts as refused: its sender is at fault, not the store.
    fileprivate var isRefusal: Bool {
        switch self {
        case .refused: true
        case .locked, .readOnly, .notFound, .unsupportedFormat, .full, .ioFailure, .corrupt, .invalidQuery, .cancelled,
            .closed, .unavailable, .accessDenied, .storeChanged, .tooExpensive, .overloaded, .fileReplaced:
            false
        }
    }
}

extension CommitMeasurement {
    /// Returns a function for the commits of a store that reports them as metrics: `sillok_group_commit_appends`,
    /// `sillok_sync_seconds`, and `sillok_store_log_bytes` for a store with a write-ahead log.
    package static func reporter(metrics factory: any MetricsFactory) -> @Sendable (CommitMeasurement) -> Void {
        let appends = Recorder(label: "sillok_group_commit_appends", factory: factory)
        let time = Timer(label: "sillok_sync_seconds", factory: factory)
        return { commit in
            appends.record(commit.appends)
            time.record(duration: commit.syncTime)
            if let bytes = commit.logBytes { Gauge(label: "sillok_store_log_bytes", factory: factory).record(bytes) }
        }
    }
}

extension ProjectionMeasurement {
    /// The gauges that a measurement sets, and their values.
    private var values: [(label: String, value: Double)] {
        switch self {
        case .lag(_, let events, let time):
            [("sillok_projection_lag_events", Double(events)), ("sillok_projection_lag_seconds", time.seconds)]
        case .deadLetters(_, let count): [("sillok_dead_letters", Double(count))]
        case .rebuild(_, let time): [("sillok_rebuild_seconds", time.seconds)]
        case .failure(_, let reason): [("sillok_projection_stopped", reason == nil ? 0 : 1)]
        }
    }

    func report(to factory: any MetricsFactory) {
        let dimensions = [("projection", projection)]
        for (label, value) in values { Gauge(label: label, dimensions: dimensions, factory: factory).record(value) }
    }

    /// Reports all live projections. Removes the gauges of those that are no longer live, which are in `known`.
    package static func report(
        _ statuses: [ProjectionStatus], to factory: any MetricsFactory, known: inout Set<ExactText>
    ) {
        var live: Set<ExactText> = []
        for measurement in statuses.flatMap(\.measurements) {
            measurement.report(to: factory)
            live.insert(ExactText(measurement.projection))
        }
        for name in known.subtracting(live) {
            let gone: [ProjectionMeasurement] = [
                .lag(projection: name.text, events: 0, time: .zero), .deadLetters(projection: name.text, count: 0),
                .failure(projection: name.text, nil),
            ]
            for (label, _) in gone.flatMap(\.values) {
                Gauge(label: label, dimensions: [("projection", name.text)], factory: factory).destroy()
            }
        }
        known = live
    }
}

extension ProcessMeasurement {
    /// A gauge that a measurement sets.
    private struct Figure {
        let label: String
        let dimensions: [(String, String)]
        let value: Double
    }

    /// The gauges that a measurement sets.
    private var figures: [Figure] {
        let process = [("process", process)]
        var figures = instances.map { state, count in
            Figure(
                label: "sillok_process_instances", dimensions: process + [("state", state)], value: Double(count))
        }
        for (label, value) in [
            ("sillok_process_oldest_step_seconds", oldestStep.seconds),
            ("sillok_process_deadline_lateness_seconds", lateness.seconds),
            ("sillok_process_failing_steps", Double(failing)), ("sillok_process_unknown_outcomes", Double(unknown)),
            ("sillok_process_paused_kinds", Double(pausedKinds.count)),
        ] { figures.append(Figure(label: label, dimensions: process, value: value)) }
        return figures
    }

    func report(to factory: any MetricsFactory) {
        for figure in figures {
            Gauge(label: figure.label, dimensions: figure.dimensions, factory: factory).record(figure.value)
        }
        guard retries > 0 else { return }
        Counter(label: "sillok_process_retries_total", dimensions: [("process", process)], factory: factory)
            .increment(by: retries)
    }

    /// Reports all processes. Removes the gauges of those that are gone; `known` has the measurements before.
    package static func report(
        _ measurements: [ProcessMeasurement], to factory: any MetricsFactory, known: inout [ProcessMeasurement]
    ) {
        for measurement in measurements { measurement.report(to: factory) }
        let names = Set(measurements.map { ExactText($0.process) })
        for gone in known where !names.contains(ExactText(gone.process)) {
            for figure in gone.figures {
                Gauge(label: figure.label, dimensions: figure.dimensions, factory: factory).destroy()
            }
        }
        known = measurements
    }
}
