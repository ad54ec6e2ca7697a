import Hummingbird
import Sillok
import SillokCore
import SillokReadSide
import SillokSQL
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
        let state = metrics.current
        let head = try await store.head()
        var text = PrometheusText()
        text.gauge("sillok_head_position", "The position of the last event.", [([], Double(head.value))])
        text.histogram("sillok_append_seconds", "The time of an append.", [([], state.append.seconds)])
        text.counter(
            "sillok_appends_total", "Appends by what came of them.",
            [
                ([("outcome", "stored")], Double(state.append.seconds.count - state.append.bad)),
                ([("outcome", "conflict")], Double(state.append.conflicts)),
                ([("outcome", "refused")], Double(state.append.refusals)),
                ([("outcome", "failed")], Double(state.append.failures)),
            ])
        text.counter("sillok_appended_events_total", "Events that were appended.", [([], Double(state.append.events))])
        text.counter(
            "sillok_append_errors_total", "Appends that the store could not carry out.",
            [([], Double(state.append.failures))])
        text.counter("sillok_read_events_total", "Events that were read.", [([], Double(state.eventsRead))])
        text.histogram("sillok_group_commit_appends", "Appends that were committed together.", [([], state.groupSizes)])
        text.commits(state)
        let requests = state.requests.sorted { $0.key.rawValue < $1.key.rawValue }
        text.histogram(
            "sillok_http_request_seconds", "The time until a request was answered.",
            requests.map { ([("operation", $0.key.rawValue)], $0.value.seconds) })
        text.counter(
            "sillok_http_requests_total", "Requests by what was answered.",
            requests.flatMap { operation, requests in
                requests.byStatus.sorted { $0.key < $1.key }.map {
                    ([("operation", operation.rawValue), ("status", "\($0.key)")], Double($0.value))
                }
            })
        text.counter("sillok_requests_shed_total", "Requests that were told to come again.", [([], Double(state.shed))])
        text.connections(state)
        let followers = admission.followers
        text.gauge("sillok_subscriptions", "Open subscriptions.", [([], Double(followers.count))])
        text.gauge(
            "sillok_subscription_lag_events", "How many positions a subscription is behind the head.",
            followers.map {
                ([("subscription", "\($0.id)")], Double(head > $0.position ? head.value - $0.position.value : 0))
            })
        try await addProjections(to: &text)
        if let memory = Self.residentBytes {
            text.gauge("process_resident_memory_bytes", "Resident memory.", [([], Double(memory))])
        }
        return text.text
    }

    private func addProjections(to text: inout PrometheusText) async throws {
        let all = try await served.readSide?.status() ?? []
        let live = all.filter { $0.build.state == .live }
        func labels(_ status: ProjectionStatus) -> [(String, String)] { [("projection", status.build.id.name)] }
        text.gauge(
            "sillok_projection_lag_events", "How many positions a live build is behind the log.",
            live.map { (labels($0), Double($0.behind)) })
        text.gauge(
            "sillok_projection_lag_seconds", "The age of the oldest event that a live build has not taken.",
            live.map { (labels($0), $0.lagTime.seconds) })
        text.gauge(
            "sillok_dead_letters", "Events that a live build could not project.",
            live.map { (labels($0), Double($0.deadLetters)) })
        text.gauge(
            "sillok_projection_stopped", "Whether a live build has stopped.",
            live.map { (labels($0), $0.build.failure == nil ? 0 : 1) })
    }
}

extension PrometheusText {
    /// Writes how many connections there are, and how many were cut.
    fileprivate mutating func connections(_ state: ServerMetrics.State) {
        gauge("sillok_connections", "Open connections.", [([], Double(state.connections))])
        counter(
            "sillok_stalled_readers_total", "Connections that were cut because their reader took nothing.",
            [([], Double(state.stalled))])
    }

    /// Writes how long syncs take, and the size of the write-ahead log for a store that has one.
    fileprivate mutating func commits(_ state: ServerMetrics.State) {
        histogram("sillok_sync_seconds", "The time until a commit is on the disk.", [([], state.syncSeconds)])
        guard let bytes = state.logBytes else { return }
        let help =
            "Bytes of the write-ahead log that are not in the store's file yet. They grow while a reader keeps one "
            + "snapshot: a check, a backup, a long query."
        gauge("sillok_store_log_bytes", help, [([], Double(bytes))])
    }
}
