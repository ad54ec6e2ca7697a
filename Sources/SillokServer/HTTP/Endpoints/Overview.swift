import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokReadSide
import SillokSQL
import SillokService

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

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
                store: storeID.description, head: head, at: clock.now(), bytes: served.tools.size?(),
                memoryBytes: Self.residentBytes, requests: admission.requests, connections: state.connections,
                shed: state.shed, append: API.Appends(state.append),
                groupMean: Measure(groups.count > 0 ? groups.sum / Double(groups.count) : 0),
                syncMedian: state.syncSeconds.quantile(0.5).map { Measure($0) },
                syncP99: state.syncSeconds.quantile(0.99).map { Measure($0) },
                seconds: history.seconds(Int(seconds)).map { API.Second($0) },
                subscriptions: admission.followers.prefix(100).map { API.Subscription($0, head: head) },
                hasReadModel: served.readSide != nil,
                projections: try await (served.readSide?.status() ?? []).map { API.Projection($0) },
                objectives: try await objectives()))
    }

    /// The resident memory of the process in bytes, if the system reports it.
    static var residentBytes: UInt64? {
        #if os(Linux)
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, 128, file) != nil else { return nil }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = line.split(separator: " ")
        return fields.count > 1 ? UInt64(fields[1]).map { $0 * UInt64(getpagesize()) } : nil
        #else
        return nil
        #endif
    }

    /// Returns all metrics in the text form of Prometheus.
    func metricsText() async throws -> String {
        let statuses = try await served.readSide?.status() ?? []
        sample(try await store.head(), statuses)
        return metrics.registry.text
    }

    /// Sets the gauges of what is read and not counted. `nil`: the status of the projections is not known.
    func sample(_ head: Position, _ statuses: [ProjectionStatus]?) {
        metrics.sample(
            head, subscriptions: admission.followers.map { ($0.id, $0.position) }, statuses, memory: Self.residentBytes)
    }
}
