import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokProcessOperations
import SillokReadSide
import SillokSQL
import SillokService

extension WebInterface {
    /// Returns the overall status, for a page that polls every second.
    func overview(_ call: Call) async throws -> Answer<API.Overview> {
        let seconds = try call.number("seconds") ?? 120
        guard (1...600).contains(seconds) else { throw Problem(400, .malformed, "\"seconds\" is between 1 and 600") }
        let head = try await store.head()
        let state = metrics.current
        let groups = state.groupSizes
        return Answer(
            API.Overview(
                store: storeID.description, kind: served.tools.kind,
                replica: served.tools.replica.map { API.Replica($0()) }, head: head, at: clock.now(),
                bytes: served.tools.size?(), memoryBytes: ProcessMemory.residentBytes, requests: admission.requests,
                connections: state.connections, shed: state.shed, append: API.Appends(state.append),
                groupMean: Measure(groups.count > 0 ? groups.sum / Double(groups.count) : 0),
                syncMedian: state.syncSeconds.quantile(0.5).map { Measure($0) },
                syncP99: state.syncSeconds.quantile(0.99).map { Measure($0) },
                seconds: history.seconds(Int(seconds), until: clock.now()).map { API.Second($0) },
                subscriptions: admission.followers.prefix(100).map { API.Subscription($0, head: head) },
                hasReadModel: served.readSide != nil,
                projections: try await (served.readSide?.status() ?? []).map { API.Projection($0) },
                objectives: try await objectives(),
                processes: try await (served.processes?.measurements() ?? []).map { API.ProcessFigures($0) }))
    }

    /// Returns the values of a time range, for charts.
    func measurements(_ call: Call) async throws -> Answer<API.Measurements> {
        guard let window = MetricsHistory.Window(rawValue: try call.text("range") ?? "5m") else {
            throw Problem(400, .malformed, "\"range\" is 5m, 1h or 24h")
        }
        let now = clock.now()
        return Answer(
            API.Measurements(
                at: now, rangeSeconds: window.seconds, stepSeconds: window.step,
                points: history.points(window, until: now).map { API.Second($0) }))
    }

    /// Returns all metrics in the text form of Prometheus.
    func metricsText() async throws -> String {
        let statuses = try await served.readSide?.status() ?? []
        sample(try await store.head(), statuses, try await served.processes?.measurements() ?? [])
        return metrics.registry.text
    }

    /// Sets the gauges of what is read and not counted. `nil`: the projections or the processes are not known.
    func sample(_ head: Position, _ statuses: [ProjectionStatus]?, _ processes: [ProcessMeasurement]? = nil) {
        metrics.sample(
            head, subscriptions: admission.followers.map { ($0.id, $0.position) }, statuses, processes,
            memory: ProcessMemory.residentBytes, rebuild: served.tools.indexRebuild.map { $0() },
            replica: served.tools.replica?())
    }
}
