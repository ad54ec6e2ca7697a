package import Metrics
package import SillokCore
package import SillokReadSide

/// The measurements of a server. Each goes to the registry that `/metrics` shows, and to the metrics system of the
/// application.
package final class ServerMetrics: Sendable {
    package struct Append: Sendable {
        package var requests: UInt64 = 0
        package var events: UInt64 = 0
        package var conflicts: UInt64 = 0
        package var refusals: UInt64 = 0
        package var failures: UInt64 = 0
        package var seconds = Histogram.seconds
    }

    /// What the dashboard shows.
    package struct State: Sendable {
        package var append = Append()
        package var eventsRead: UInt64 = 0
        package var shed: UInt64 = 0
        /// Connections that were cut because their reader took nothing.
        package var stalled: UInt64 = 0
        package var groupSizes = Histogram.sizes
        package var syncSeconds = Histogram.seconds
        package var connections = 0
    }

    private struct Known {
        var subscriptions: Set<UInt64> = []
        var projections: Set<ExactText> = []
        var processes: [ProcessMeasurement] = []
    }

    /// What `/metrics` shows.
    package let registry: MetricsRegistry
    package let connections: Meter
    /// Requests that were refused because the server was busy.
    package let shed: Counter
    /// Connections that were cut because their reader took nothing.
    package let stalled: Counter
    /// Counts what a store was asked for.
    package let record: @Sendable (StoreMeasurement) -> Void
    /// Counts a commit of a store.
    package let commit: @Sendable (CommitMeasurement) -> Void
    private let factory: any MetricsFactory
    private let known = Lock(Known())

    /// - Parameter metrics: the metrics system of the application, for one interface only, because the series do not
    ///   name it. If it is a registry, `/metrics` shows all of it.
    package init(_ metrics: any MetricsFactory = MetricsSystem.factory) {
        let own = metrics as? MetricsRegistry
        registry = own ?? MetricsRegistry()
        let isAlone = own != nil || metrics is NOOPMetricsHandler
        factory = isAlone ? registry : MultiplexMetricsHandler(factories: [registry, metrics])
        connections = Meter(label: "sillok_connections", factory: factory)
        shed = Counter(label: "sillok_requests_shed_total", factory: factory)
        stalled = Counter(label: "sillok_stalled_readers_total", factory: factory)
        record = StoreMeasurement.reporter(metrics: factory)
        commit = CommitMeasurement.reporter(metrics: factory)
    }

    package func request(_ operation: String, status: Int, took time: Duration) {
        let dimension = ("operation", operation)
        Timer(label: "sillok_http_request_seconds", dimensions: [dimension], factory: factory)
            .record(duration: time)
        Counter(
            label: "sillok_http_requests_total", dimensions: [dimension, ("status", "\(status)")], factory: factory
        ).increment()
    }

    /// Sets the gauges of what is read and not counted.
    ///
    /// - Parameters:
    ///   - subscriptions: the open subscriptions, and how far each has come.
    ///   - statuses: of the projections; `nil`: not known, so that their gauges keep their values.
    ///   - processes: of the processes, in the same way.
    ///   - replica: of a server of a replica.
    package func sample(
        _ head: Position, subscriptions: [(id: UInt64, position: Position)], _ statuses: [ProjectionStatus]?,
        _ processes: [ProcessMeasurement]? = nil, memory: UInt64?, rebuild: WorkProgress?? = nil,
        replica: ReplicaLag? = nil
    ) {
        func gauge(_ label: String, _ dimensions: [(String, String)] = []) -> Gauge {
            Gauge(label: label, dimensions: dimensions, factory: factory)
        }
        func lag(_ subscription: UInt64) -> Gauge {
            gauge("sillok_subscription_lag_events", [("subscription", "\(subscription)")])
        }
        gauge("sillok_head_position").record(head.value)
        if let rebuild { gauge("sillok_index_missing_events").record(rebuild.map { $0.total - $0.done } ?? 0) }
        if let replica {
            for (label, value) in [
                ("sillok_replica_lag_events", replica.events.map { Double($0) }),
                ("sillok_replica_lag_seconds", replica.time?.seconds),
            ] {
                // A value that is not known is not shown, rather than its last value.
                if let value { gauge(label).record(value) } else { gauge(label).destroy() }
            }
        }
        gauge("sillok_subscriptions").record(subscriptions.count)
        for (id, position) in subscriptions { lag(id).record(head > position ? head.value - position.value : 0) }
        known.withLock { known in
            let open = Set(subscriptions.map(\.id))
            for gone in known.subscriptions.subtracting(open) { lag(gone).destroy() }
            known.subscriptions = open
            if let statuses { ProjectionMeasurement.report(statuses, to: factory, known: &known.projections) }
            if let processes { ProcessMeasurement.report(processes, to: factory, known: &known.processes) }
        }
        // Only here: an application has a metric of its own memory.
        if let memory { Gauge(label: "process_resident_memory_bytes", factory: registry).record(memory) }
    }

    /// The current values.
    package var current: State {
        func count(_ name: String, _ dimensions: [(String, String)] = []) -> UInt64 {
            UInt64(exactly: registry.series(name, dimensions)?.number ?? 0) ?? 0
        }
        func appends(_ outcome: String) -> UInt64 { count("sillok_appends_total", [("outcome", outcome)]) }
        func histogram(_ name: String) -> Histogram? { registry.series(name)?.histogram }
        let seconds = histogram("sillok_append_seconds") ?? .seconds
        return State(
            append: Append(
                requests: seconds.count, events: count("sillok_appended_events_total"), conflicts: appends("conflict"),
                refusals: appends("refused"), failures: appends("failed"), seconds: seconds),
            eventsRead: count("sillok_read_events_total"), shed: count("sillok_requests_shed_total"),
            stalled: count("sillok_stalled_readers_total"),
            groupSizes: histogram("sillok_group_commit_appends") ?? .sizes,
            syncSeconds: histogram("sillok_sync_seconds") ?? .seconds,
            connections: Int(clamping: count("sillok_connections")))
    }
}
