import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Sillok
import SillokCore
import SillokReadSide
import SillokSQLite
import SillokService
import SillokTestSupport
import Testing

@testable import SillokServer

@Suite("Watching over HTTP")
struct WatchingTests {
    @Test("a server of a replica shows how far it is behind: in its health, overview, answers and metrics")
    func replica() async throws {
        let lag = Lock(ReplicaLag(events: 12, time: .milliseconds(2500)))
        var tools = StoreTools()
        tools.replica = { lag.withLock { $0 } }
        let web = try await Browserless(tools: tools)
        for path in ["/health/ready", "/v1/overview", "/v1/head"] {
            let answer = try await web.ask(.get, path)
            #expect(answer.headers[.sillokLagEvents] == "12" && answer.headers[.sillokLagSeconds] == "2.5")
            let shown = try answer.json["replica"]?["lagEvents"]?.integer(as: Int64.self)
            let expected: Int64? = path == "/v1/head" ? nil : 12
            #expect(shown == expected, "\(path)")
        }
        let metrics = try await web.ask(.get, "/metrics").text
        #expect(metrics.contains("sillok_replica_lag_events 12\n"))
        #expect(metrics.contains("sillok_replica_lag_seconds 2.5\n"))
        // Without its primary the number is not known.
        lag.withLock { $0 = ReplicaLag(events: nil, time: .seconds(9)) }
        let alone = try await web.ask(.get, "/health/ready")
        #expect(alone.headers[.sillokLagEvents] == nil && alone.headers[.sillokLagSeconds] == "9.0")
        #expect(try alone.json["replica"]?["lagEvents"]?.integer(as: Int64.self) == nil)
        #expect(try await !web.ask(.get, "/metrics").text.contains("\nsillok_replica_lag_events "))
        #expect(try await Browserless().ask(.get, "/health/ready").headers[.sillokLagSeconds] == nil)
    }

    @Test("health, metrics and the overview report the requests")
    func metrics() async throws {
        let web = try await Browserless()
        #expect(try await web.ask(.get, "/health/live").json["status"]?.string == "live")
        #expect(try await web.ask(.get, "/health/ready").json["status"]?.string == "ready")
        for _ in 1...3 { _ = try await web.ask(.post, "/v1/events", #"[{"type":"a"},{"type":"b"}]"#) }
        _ = try await web.ask(.post, "/v1/streams/s-1/events", #"{"type":"a"}"#, headers: [.ifMatch: "\"7\""])
        let text = try await web.ask(.get, "/metrics").text
        for line in [
            "sillok_head_position 6", "sillok_append_seconds_count 4", "sillok_appends_total{outcome=\"stored\"} 3",
            "sillok_appends_total{outcome=\"conflict\"} 1", "sillok_appended_events_total 6",
            "sillok_append_errors_total 0",
            "sillok_http_requests_total{operation=\"appendEvents\",status=\"200\"} 3",
            "sillok_http_requests_total{operation=\"appendToStream\",status=\"412\"} 1", "sillok_subscriptions 0",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
        // Buckets are cumulative and end with all.
        let buckets = text.matches(of: #/sillok_append_seconds_bucket\{le="[^"]+"\} (\d+)/#).compactMap { Int($0.1) }
        #expect(buckets == buckets.sorted() && buckets.last == 4)
        let overview = try await web.ask(.get, "/v1/overview").json
        #expect(overview["append"]?["conflicts"]?.integer() == 1)
    }

    @Test("C2: a server whose store's file was replaced is not ready, and refuses appends with this reason")
    func replaced() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder("m.sqlite"))
        let web = try await Browserless(store)
        #expect(try await web.ask(.post, "/v1/events", #"[{"type":"a"}]"#).status == 200)
        #expect(try await web.ask(.get, "/health/ready").status == 200)
        try FileManager.default.moveItem(atPath: folder("m.sqlite"), toPath: folder("old.sqlite"))
        #expect(try await web.ask(.get, "/health/ready").status == 503)
        let answer = try await web.ask(.post, "/v1/events", #"[{"type":"a"}]"#)
        #expect(answer.status == 503 && answer.text.contains("was replaced or removed"))
        #expect(!answer.text.contains("unknown"))
        await store.close()
    }

    @Test("the pages need nothing from elsewhere and forbid it")
    func pages() async throws {
        let web = try await Browserless()
        let page = try await web.ask(.get, "/")
        let policy = try #require(page.headers[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"))
        #expect(page.headers[.xContentTypeOptions] == "nosniff")
        for (name, bytes) in DashboardAssets.all {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(
                text.firstMatch(of: #/(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\()/#) == nil,
                "\(name)")
            #expect(text.firstMatch(of: #/(src|href)\s*=\s*["']?(https?:)?\/\//#) == nil, "\(name)")
            #expect(text.firstMatch(of: #/ style=| on[a-z]+="/#) == nil, "\(name)")
            let asset = try await web.ask(.get, name == "index.html" ? "/" : "/assets/\(name)")
            #expect(asset.status == 200 && asset.text == text)
            let tag = try #require(asset.headers[.eTag])
            #expect(try await web.ask(.get, "/assets/\(name)", headers: [.ifNoneMatch: tag]).status == 304)
        }
        for bytes in DashboardAssets.all.values {
            for module in String(decoding: bytes, as: UTF8.self).matches(of: #/from "\.\/([\w.]+)"/#) {
                #expect(DashboardAssets.all[String(module.1)] != nil, "\(module.1)")
            }
        }
        #expect(try await web.ask(.get, "/assets/..%2Findex.html").status == 404)
        #expect(
            try JSONReader(Array(try await web.ask(.get, "/openapi.json").text.utf8)).root["openapi"]?.string == "3.1.0"
        )
    }

    @Test("every code that the server answers has a text in each language of the dashboard")
    func codes() throws {
        let problems = Problem.Kind.allCases.map { kind in
            let words = kind.rawValue.split(separator: "-")
            return "problem." + words.prefix(1).joined() + words.dropFirst().map(\.localizedCapitalized).joined()
        }
        let acts = ServerOperation.allCases.map(\.rawValue).filter { name in
            ["start", "create", "revoke", "pause", "resume", "retry", "skip", "replace", "promote", "rollback"]
                .contains { name.hasPrefix($0) }
        }
        let promises = ObjectivePromise.Kind.allCases.map { "promise.\($0.rawValue)" }
        #expect(problems.count > 20 && acts.count > 10 && problems.contains("problem.eventIdConflict"))
        for language in ["en", "ko"] {
            let bytes = try #require(DashboardAssets.all["texts-\(language)-said.js"])
            let text = String(decoding: bytes, as: UTF8.self)
            for key in problems + promises + acts.map({ "did.\($0)" }) {
                #expect(text.contains("\"\(key)\": "), "\(language) has no text for \(key)")
            }
        }
    }

    @Test("long work runs once at a time and reports its end")
    func jobs() async throws {
        let go = Lock(false)
        let tools = StoreTools(verify: { progress in
            progress(WorkProgress(step: "events", done: 1, total: 2))
            while !go.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
            return VerificationReport(events: 2, streams: 1, findings: [.init(position: 2, "is wrong")])
        })
        let web = try await Browserless(tools: tools)
        #expect(try await web.ask(.get, "/v1/verification").problem == "not-found")
        #expect(try await web.ask(.post, "/v1/verification").status == 202)
        #expect(try await web.ask(.post, "/v1/verification").problem == "refused")
        #expect(try await web.ask(.get, "/v1/verification").json["state"]?.string == "running")
        go.withLock { $0 = true }
        var job = try await web.ask(.get, "/v1/verification").json
        while job["state"]?.string == "running" { job = try await web.ask(.get, "/v1/verification").json }
        #expect(job["state"]?.string == "found" && job["findings"]?.elements?.first?.string == "position 2: is wrong")
        #expect(try await web.ask(.post, "/v1/backup").problem == "not-configured")
    }
    @Test("N8: embedded as documented, the interface is read below a path and takes no event")
    func mounted() async throws {
        let (store, router, logger) = (MemoryEventStore(), Router(), Logger(label: "test"))
        let accounts = StreamFold("counter", of: Counter.self) { ["total": $0.total] }
        let interface = try await WebInterface(
            Served(store, folds: [accounts]), gatekeeper: .open(for: Grant([.read, .subscribe])), logger: logger)
        interface.mount(on: router, at: "sillok")
        let responder = router.buildResponder()
        for (method, path, status): (HTTPRequest.Method, String, Int) in [
            (.get, "/sillok", 200), (.get, "/sillok/v1/head", 200), (.get, "/sillok/assets/app.js", 200),
            (.get, "/sillok/no", 404), (.post, "/sillok/v1/events", 403),
        ] {
            let head = HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: path,
                headerFields: [.contentType: "application/json"])
            let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "test"))
            let body = ByteBuffer(string: method == .post ? #"{"type":"t"}"# : "")
            let request = Request(head: head, body: .init(buffer: body))
            let answer = try await responder.respond(to: request, context: BasicRequestContext(source: source))
            #expect(Int(answer.status.code) == status, "\(path)")
        }
        #expect(try await store.head() == 0)
    }
}
