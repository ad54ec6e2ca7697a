import Hummingbird
import Sillok
import SillokAPI
import SillokCore
import SillokReadSide
import SillokSQL

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
        text.requests(state)
        text.counter("sillok_requests_shed_total", "Requests that were told to come again.", [([], Double(state.shed))])
        text.connections(state)
        let followers = admission.followers
        text.gauge("sillok_subscriptions", "Open subscriptions.", [([], Double(followers.count))])
        text.gauge(
            "sillok_subscription_lag_events", "How many positions a subscription is behind the head.",
            followers.map {
                ([("subscription", "\($0.id)")], Double($0.lag(behind: head)))
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
    /// Writes the times and the statuses of requests by their operations.
    fileprivate mutating func requests(_ state: ServerMetrics.State) {
        let requests = state.requests.sorted { $0.key.rawValue < $1.key.rawValue }
        histogram(
            "sillok_http_request_seconds", "The time until a request was answered.",
            requests.map { ([("operation", $0.key.rawValue)], $0.value.seconds) })
        counter(
            "sillok_http_requests_total", "Requests by what was answered.",
            requests.flatMap { operation, requests in
                requests.byStatus.sorted { $0.key < $1.key }.map {
                    ([("operation", operation.rawValue), ("status", "\($0.key)")], Double($0.value))
                }
            })
    }

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
