import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Sillok
import SillokAPI
import SillokCore
import SillokProjections
import SillokSQLite
import SillokService
import SillokTesting
import Testing

@testable import SillokServer

@Suite("Metrics of the server")
struct MetricsTests {
    /// The lines of a text of metrics that are no comments, without the values.
    private func series(_ text: String) -> Set<String> {
        Set(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                String($0.prefix(upTo: $0.lastIndex(of: " ") ?? $0.endIndex))
            })
    }

    private func interface(_ store: any EventStore, _ metrics: any MetricsFactory) async throws -> WebInterface {
        try await WebInterface(
            Served(store), gatekeeper: .open, metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func ask(_ path: String, of interface: WebInterface) async -> Response {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: path)
        return await interface.respond(to: Request(head: head, body: .init(buffer: .init())))
    }

    @Test("N9: the metrics system of an application gets the same series as /metrics")
    func application() async throws {
        let (store, registry) = (MemoryEventStore(), MetricsRegistry())
        let interface = try await interface(store, MultiplexMetricsHandler(factories: [registry]))
        try await store.append([EventData(type: "a", text: "1"), EventData(type: "a", text: "2")], to: "s-1")
        #expect(await ask("/v1/head", of: interface).status == .ok)
        let shown = try await interface.metricsText()
        let here = "process_resident_memory_bytes"
        #expect(series(shown).subtracting([here]) == series(registry.text))
        for line in [
            "sillok_appended_events_total 2", "sillok_head_position 2", "sillok_append_seconds_count 1",
            #"sillok_http_requests_total{operation="head",status="200"} 1"#,
        ] {
            #expect(registry.text.contains(line + "\n") && shown.contains(line + "\n"), "\(line)")
        }
    }

    @Test("an application that has no other metrics system shows all of its metrics at /metrics")
    func shared() async throws {
        let registry = MetricsRegistry()
        let interface = try await interface(MemoryEventStore(), registry)
        Metrics.Counter(label: "orders.placed", dimensions: [("shop", "a\"b\\c")], factory: registry).increment()
        registry.makeTimer(label: "checkout", dimensions: []).recordNanoseconds(2_000_000_000)
        let text = try await interface.metricsText()
        for line in [#"orders_placed{shop="a\"b\\c"} 1"#, "checkout_sum 2", "sillok_subscriptions 0"] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test("the number of series is bounded, and one that is destroyed makes room")
    func bounded() {
        let registry = MetricsRegistry(series: 3)
        let counters = (1...5).map { Metrics.Counter(label: "n", dimensions: [("i", "\($0)")], factory: registry) }
        for counter in counters { counter.increment() }
        Gauge(label: "n", factory: registry).record(7)
        #expect(series(registry.text).filter { $0.hasPrefix("n{") }.count == 3)
        #expect(registry.text.hasSuffix("sillok_metrics_refused_total 3\n"))
        counters[0].destroy()
        counters[4].destroy()
        Metrics.Counter(label: "n", dimensions: [("i", "6")], factory: registry).increment()
        #expect(registry.text.contains("n{i=\"6\"} 1\n") && !registry.text.contains("i=\"1\""))
    }

    @Test("names and values of labels are valid for Prometheus, also those of other libraries")
    func escapes() {
        let registry = MetricsRegistry()
        Metrics.Counter(
            label: "2xx", dimensions: [("http:status", "a\r\nb"), ("a.b", "1"), ("a_b", "x\"\u{301}")],
            factory: registry
        ).increment()
        #expect(
            registry.text.contains("_2xx{a_b=\"x\\\"\u{301}\",http_status=\"a\r\\nb\"} 1\n"), "\(registry.text)")
    }

    @Test("the lag of a subscription is no longer shown when it has ended", arguments: [false, true])
    func subscriptions(hasExporter: Bool) {
        let exporter = MultiplexMetricsHandler(factories: [MetricsRegistry()])
        let metrics = ServerMetrics(hasExporter ? exporter : NOOPMetricsHandler.instance)
        metrics.sample(5, subscriptions: [(7, 3)], [], memory: nil)
        #expect(metrics.registry.text.contains("sillok_subscription_lag_events{subscription=\"7\"} 2\n"))
        metrics.sample(5, subscriptions: [], [], memory: nil)
        #expect(!metrics.registry.text.contains("sillok_subscription_lag_events"))
        #expect(metrics.registry.text.contains("sillok_subscriptions 0\n"))
    }

    @Test("the bounds of a histogram follow from its type, and not from its name")
    func bounds() {
        let registry = MetricsRegistry()
        Metrics.Timer(label: "sync", factory: registry).record(duration: .milliseconds(2))
        Metrics.Recorder(label: "retries_in_seconds", factory: registry).record(3)
        for line in [#"sync_bucket{le="0.0032"} 1"#, #"retries_in_seconds_bucket{le="8192"} 1"#] {
            #expect(registry.text.contains(line + "\n"), "\(registry.text)")
        }
    }

    @Test("the gauges of a projection keep their values while its status is not known, and end when it is gone")
    func unknownStatus() async throws {
        let (store, model) = (MemoryEventStore(), FailingModel(try SQLiteReadModel()))
        let projector = Projector(Notes(), from: store, into: model)
        try await projector.catchUp()
        try await store.append([EventData(type: "noted", text: "{}"), EventData(type: "noted", text: "{}")])
        let interface = try await WebInterface(
            Served(store, readSide: projector.readSide), gatekeeper: .open, metrics: MetricsRegistry(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        func shows(_ head: Int) -> Bool {
            let lines = [
                "sillok_head_position \(head)", #"sillok_projection_lag_events{projection="notes"} 2"#,
                #"sillok_projection_stopped{projection="notes"} 0"#, #"sillok_dead_letters{projection="notes"} 0"#,
            ]
            return lines.allSatisfy { interface.metrics.registry.text.contains($0 + "\n") }
        }
        await interface.measureOnce()
        #expect(shows(2))
        model.fails.withLock { $0 = true }
        try await store.append([EventData(type: "noted", text: "{}")])
        await interface.measureOnce()
        #expect(shows(3), "\(interface.metrics.registry.text)")
        interface.sample(3, [])
        #expect(!interface.metrics.registry.text.contains(#"{projection="notes"}"#))
        await model.base.close()
    }

    @Test("the measurements for the charts survive a restart of the server")
    func measurements() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sillok-\(EventID())-metrics").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (clock, tools) = (ManualClock("2026-11-29T10:00:00.5Z"), StoreTools(metricsFile: path))
        let first = try await Browserless(tools: tools, clock: clock.wallClock)
        for _ in 1...30 {
            _ = try await first.ask(.post, "/v1/events", #"[{"type":"a"},{"type":"b"}]"#)
            await first.interface.measureOnce()
            clock.advance(by: .seconds(1))
        }
        await first.interface.saveHistory()
        let again = try await Browserless(tools: tools, clock: clock.wallClock)
        for (range, count) in [("5m", 29), ("1h", 2), ("24h", 0)] {
            let answer = try await again.ask(.get, "/v1/measurements?range=\(range)").decoded(API.Measurements.self)
            #expect(answer.points.count == count)
            #expect(answer.points.allSatisfy { Double($0.events) == $0.seconds.value * 2 })
        }
        #expect(try await again.ask(.get, "/v1/measurements?range=2h").status == 400)
    }

    @Test("the documentation lists every series that has a help text")
    func documentation() throws {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        let page = try String(contentsOf: root.appending(path: "docs/server.md"), encoding: .utf8)
        for name in MetricsRegistry.help.keys { #expect(page.contains("`\(name)`"), "\(name)") }
    }
}

private struct Notes: Projection {
    enum Event: Codable, Sendable { case noted }

    let name = "notes"
    let version = 1
    let source = EventQuery.all
    let schema: [SQL] = []

    func project(_ event: Recorded<Event>) -> [SQL] { [] }
}

/// A read model that can fail.
private final class FailingModel: ReadModel {
    let base: SQLiteReadModel
    let fails = Lock(false)

    init(_ base: SQLiteReadModel) { self.base = base }

    func write(_ write: ReadModelWrite) async throws { try await base.write(write) }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        if fails.withLock({ $0 }) { throw StoreError(.ioFailure, "the disk failed.") }
        return try await base.rows(query, of: projection)
    }
}
