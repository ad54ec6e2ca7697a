import Hummingbird
import Sillok
import SillokCore
import SillokReadSide
import SillokSQL
import SillokService
import SillokWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension WebInterface {
    /// Returns the overall status, for a page that polls every second.
    func overview(_ call: Call) async throws -> Response {
        let seconds = try call.number("seconds") ?? 120
        guard (1...600).contains(seconds) else { throw Problem(400, .malformed, "\"seconds\" is between 1 and 600") }
        let head = try await store.head()
        let state = metrics.current
        var json = JSONWriter()
        json.beginObject()
        json.field("store", storeID.description)
        json.field("head", head.value)
        json.field("at", clock.now().description)
        if let size = served.tools.size { json.field("bytes", size()) }
        if let memory = Self.residentBytes { json.field("memoryBytes", memory) }
        json.field("requests", admission.requests)
        json.field("connections", state.connections)
        json.field("shed", state.shed)
        write(state.append, &json)
        json.field("groupMean", state.groupSizes.count > 0 ? state.groupSizes.sum / Double(state.groupSizes.count) : 0)
        if let sync = state.syncSeconds.quantile(0.5) { json.field("syncMedian", sync) }
        if let sync = state.syncSeconds.quantile(0.99) { json.field("syncP99", sync) }
        writeHistory(Int(seconds), &json)
        writeFollowers(head, &json)
        json.field("hasReadModel", served.readSide != nil)
        json.key("projections")
        json.beginArray()
        for status in try await served.readSide?.status() ?? [] { json.write(status) }
        json.endArray()
        try await writeObjectives(&json)
        json.endObject()
        return .json(json)
    }

    private func write(_ append: ServerMetrics.Append, _ json: inout JSONWriter) {
        json.key("append")
        json.beginObject()
        json.field("requests", append.requests)
        json.field("events", append.events)
        json.field("conflicts", append.conflicts)
        json.field("refusals", append.refusals)
        json.field("failures", append.failures)
        if let median = append.seconds.quantile(0.5) { json.field("median", median) }
        if let p99 = append.seconds.quantile(0.99) { json.field("p99", p99) }
        json.endObject()
    }

    private func writeHistory(_ seconds: Int, _ json: inout JSONWriter) {
        json.key("seconds")
        json.beginArray()
        for second in history.seconds(seconds) {
            json.beginObject()
            json.field("at", second.at.description)
            json.field("appends", second.appends)
            json.field("events", second.events)
            json.field("reads", second.reads)
            json.field("failures", second.failures)
            if let median = second.median { json.field("median", median) }
            if let p99 = second.p99 { json.field("p99", p99) }
            json.field("lagSeconds", second.lagSeconds)
            json.endObject()
        }
        json.endArray()
    }

    private func writeFollowers(_ head: Position, _ json: inout JSONWriter) {
        json.key("subscriptions")
        json.beginArray()
        for follower in admission.followers.prefix(100) {
            json.beginObject()
            json.field("principal", follower.principal)
            json.field("query", follower.query)
            json.field("since", follower.since.description)
            json.field("position", follower.position.value)
            json.field("behind", head > follower.position ? head.value - follower.position.value : 0)
            json.endObject()
        }
        json.endArray()
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

    /// Sets the gauges of what is read and not counted.
    func sample(_ head: Position, _ statuses: [ProjectionStatus]) {
        metrics.sample(
            head, subscriptions: admission.followers.map { ($0.id, $0.position) }, statuses, memory: Self.residentBytes)
    }
}
