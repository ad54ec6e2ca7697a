public import Metrics
import SillokCore

/// A metrics system that keeps its series in memory and shows them in the text form of Prometheus.
///
/// A `WebInterface` keeps its own. An application that has no other metrics system can use one for all of its
/// metrics, so that `/metrics` shows those of other libraries too:
/// ```swift
/// MetricsSystem.bootstrap(MetricsRegistry())
/// ```
/// The number of series is bounded. Further series are not kept, and `sillok_metrics_refused_total` counts each request
/// for one. Timers are histograms of seconds, and recorders are histograms of counts, both with fixed bounds.
public final class MetricsRegistry: MetricsFactory {
    /// The kind of a family of series.
    private enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Family {
        let kind: Kind
        /// The series by the text of their labels.
        var series: [ExactText: Instrument] = [:]
    }

    private struct State {
        var families: [ExactText: Family] = [:]
        var count = 0
        var refused: UInt64 = 0
    }

    private let limit: Int
    private let state = Lock(State())

    /// Creates an empty registry.
    ///
    /// - Parameter series: the maximum number of series.
    public init(series: Int = 5_000) { limit = series }

    /// Returns the instrument of a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(.counter, label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns the instrument of a counter of fractions.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        instrument(.counter, label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns the instrument of a meter, which is a gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(.gauge, label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Returns the instrument of a recorder: a histogram, or a gauge.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        instrument(aggregate ? .histogram : .gauge, label, dimensions, .sizes) ?? NOOPMetricsHandler.instance
    }

    /// Returns the instrument of a timer: a histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(.histogram, label, dimensions, .seconds) ?? NOOPMetricsHandler.instance
    }

    /// Removes a series.
    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    /// Removes a series.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    /// Removes a series.
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    /// Removes a series.
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    /// Removes a series.
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// Returns the series of a label and dimensions; `nil` if it is not kept.
    ///
    /// - Parameter histogram: the bounds of a histogram.
    private func instrument(
        _ kind: Kind, _ label: String, _ dimensions: [(String, String)], _ histogram: Histogram? = nil
    ) -> Instrument? {
        let (name, labels) = (ExactText(Self.name(label)), ExactText(Self.labels(dimensions)))
        return state.withLock { state in
            let known = state.families[name]
            if let series = known?.series[labels], known?.kind == kind { return series }
            guard known == nil || known?.kind == kind, state.count < limit else {
                state.refused += 1
                return nil
            }
            let series = Instrument(name, labels, kind == .histogram ? histogram : nil)
            state.families[name, default: Family(kind: kind)].series[labels] = series
            state.count += 1
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? Instrument else { return }
        state.withLock { state in
            guard state.families[series.name]?.series[series.labels] === series else { return }
            state.families[series.name]?.series[series.labels] = nil
            if state.families[series.name]?.series.isEmpty == true { state.families[series.name] = nil }
            state.count -= 1
        }
    }

    /// Returns a series, if it is kept.
    package func series(_ name: String, _ dimensions: [(String, String)] = []) -> Instrument? {
        state.withLock { $0.families[ExactText(name)]?.series[ExactText(Self.labels(dimensions))] }
    }

    /// All series in the text form of Prometheus, in the order of their names.
    package var text: String {
        let (families, refused) = state.withLock { ($0.families, $0.refused) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = Self.help[name.text] { text += "# HELP \(name.text) \(help)\n" }
            text += "# TYPE \(name.text) \(family.kind.rawValue)\n"
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(to: &text) }
        }
        return text + "# TYPE sillok_metrics_refused_total counter\nsillok_metrics_refused_total \(refused)\n"
    }

    /// A text as a name of Prometheus, which does not begin with a digit. Only names of series may have colons.
    private static func name(_ text: String, mayHaveColons: Bool = true) -> String {
        let bytes = text.utf8.map { isNameByte($0) || (mayHaveColons && $0 == UInt8(ascii: ":")) ? $0 : 0x5F }
        let needsStart = bytes.first.map { (0x30...0x39).contains($0) } ?? true
        return (needsStart ? "_" : "") + String(decoding: bytes, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The labels of a series. If two of them have one name, the last one counts.
    private static func labels(_ dimensions: [(String, String)]) -> String {
        let labels = dimensions.map { (ExactText(name($0, mayHaveColons: false)), escaped($1)) }
        return Dictionary(labels) { $1 }.sorted { $0.key < $1.key }.map { "\($0.key.text)=\"\($0.value)\"" }
            .joined(separator: ",")
    }

    /// Escapes by bytes: a line break may be a part of a character.
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// One series: a number, or a histogram.
package final class Instrument: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler
{
    private struct Value {
        var number = 0.0
        var histogram: Histogram?
    }

    let name: ExactText
    let labels: ExactText
    private let value: Lock<Value>

    init(_ name: ExactText, _ labels: ExactText, _ histogram: Histogram?) {
        (self.name, self.labels, value) = (name, labels, Lock(Value(histogram: histogram)))
    }

    /// The current number.
    package var number: Double { value.withLock { $0.number } }
    /// The current histogram.
    package var histogram: Histogram? { value.withLock { $0.histogram } }

    package func increment(by amount: Int64) { increment(by: Double(amount)) }
    package func increment(by amount: Double) { value.withLock { $0.number += amount } }
    package func decrement(by amount: Double) { increment(by: -amount) }
    package func set(_ value: Int64) { record(Double(value)) }
    package func set(_ value: Double) { record(value) }
    package func record(_ value: Int64) { record(Double(value)) }
    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    package func reset() { value.withLock { $0.number = 0 } }

    package func record(_ new: Double) {
        value.withLock { value in
            if value.histogram == nil { value.number = new } else { value.histogram?.record(new) }
        }
    }

    fileprivate func write(to text: inout String) {
        let value = value.withLock { $0 }
        guard let histogram = value.histogram else { return line("", nil, value.number, &text) }
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            line("_bucket", Self.text(bound), Double(total), &text)
        }
        line("_bucket", "+Inf", Double(histogram.count), &text)
        line("_sum", nil, histogram.sum, &text)
        line("_count", nil, Double(histogram.count), &text)
    }

    private func line(_ suffix: String, _ bound: String?, _ value: Double, _ text: inout String) {
        let all = [labels.text, bound.map { "le=\"\($0)\"" } ?? ""].filter { !$0.isEmpty }.joined(separator: ",")
        text += name.text + suffix + (all.isEmpty ? "" : "{\(all)}") + " \(Self.text(value))\n"
    }

    private static func text(_ value: Double) -> String { Int64(exactly: value).map(String.init) ?? value.description }
}

extension MetricsRegistry {
    /// What the series of Sillok mean. docs/server.md has the same list.
    package static let help = [
        "sillok_head_position": "The position of the last event.",
        "sillok_append_seconds": "The time of an append.",
        "sillok_appends_total": "Appends by outcome.",
        "sillok_appended_events_total": "Events that were appended.",
        "sillok_append_errors_total": "Appends that the store could not execute.",
        "sillok_read_events_total": "Events that were read.",
        "sillok_group_commit_appends": "Appends that were committed together.",
        "sillok_sync_seconds": "The time that a commit took until it was on the disk.",
        "sillok_store_log_bytes":
            "Bytes of the write-ahead log that are not in the store's file yet. They grow while a reader keeps one "
            + "snapshot: a check, a backup, a long query.",
        "sillok_index_missing_events": "Events that are not in the index of a folder yet, while it is rebuilt.",
        "sillok_replica_lag_events": "Events of the primary that this replica does not have.",
        "sillok_replica_lag_seconds": "The time since the primary had nothing that this replica does not have now.",
        "sillok_http_request_seconds": "The time until a request was answered.",
        "sillok_http_requests_total": "Requests by operation and status.",
        "sillok_requests_shed_total": "Requests that were refused because the server was busy.",
        "sillok_connections": "Open connections.",
        "sillok_stalled_readers_total": "Connections that were closed because the client read nothing.",
        "sillok_subscriptions": "Open subscriptions.",
        "sillok_subscription_lag_events": "How many positions a subscription is behind the head.",
        "sillok_projection_lag_events": "How many positions a live build is behind the log.",
        "sillok_projection_lag_seconds": "The age of the oldest event that a live build has not handled.",
        "sillok_dead_letters": "Events that a live build could not project.",
        "sillok_projection_stopped": "Whether a live build has stopped.",
        "sillok_rebuild_seconds": "The time of the last rebuild.",
        "sillok_process_instances": "Instances of a process by state.",
        "sillok_process_oldest_step_seconds": "The age of the oldest input, request or effect that is not done.",
        "sillok_process_deadline_lateness_seconds": "How late the oldest waiting deadline is.",
        "sillok_process_failing_steps": "Steps whose last attempt failed, up to 10,000.",
        "sillok_process_unknown_outcomes": "Effects whose outcome is unknown, up to 10,000.",
        "sillok_process_paused_kinds": "Kinds of effects that are paused because their calls keep failing.",
        "sillok_process_retries_total": "Calls that failed and are made again, counted by the runner.",
        "sillok_alarms_total": "Alarms of objectives, by subject.",
        "sillok_snapshots_total": "Snapshots by decider and outcome.",
        "process_resident_memory_bytes": "Resident memory.",
    ]
}
