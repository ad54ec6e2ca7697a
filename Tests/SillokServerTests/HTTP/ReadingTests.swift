import HTTPTypes
import Hummingbird
import Sillok
import SillokCloudEvents
import SillokCore
import SillokWire
import Testing

@testable import SillokServer

@Suite("Reading over HTTP")
struct ReadingTests {
    private func filled(_ count: Int) async throws -> Browserless {
        let web = try await Browserless()
        for number in 1...count {
            try await web.note("s-\(number % 3)", number.isMultiple(of: 2) ? "even" : "odd", "\(number)")
        }
        return web
    }

    @Test("pages follow one another without a hole")
    func pages() async throws {
        let web = try await filled(25)
        var (seen, after): ([Int], Int) = ([], 0)
        while true {
            let page = try await web.ask(.get, "/v1/events?limit=7&type=even&after=\(after)").json
            seen += try #require(page["events"]?.elements).compactMap { $0["position"]?.integer(as: Int.self) }
            after = try #require(page["through"]?.integer(as: Int.self))
            if page["isEnd"].map({ String(decoding: $0.raw, as: UTF8.self) }) == "true" { break }
        }
        #expect(seen == Array(stride(from: 2, through: 24, by: 2)))
        let query =
            #"{"query":{"items":[{"stream":"s-1","types":["odd"]},{"stream":"s-2","types":["even"]}]},"direction":"backward","limit":3}"#
        let found = try await web.ask(.post, "/v1/query", query).json["events"]?.elements
        #expect(found?.compactMap { $0["position"]?.integer(as: Int.self) } == [25, 20, 19])
        #expect(try await web.ask(.get, "/v1/streams/s-1/events?after=2&limit=2").json["events"]?.elements?.count == 2)
        #expect(
            try await web.ask(.get, "/v1/streams/s-1/events?after=2").json["events"]?.elements?.first?["revision"]?
                .integer() == 3)
    }

    @Test("lines are what an export has, however many there are")
    func lines() async throws {
        let web = try await filled(1300)
        let lines = try await web.ask(.get, "/v1/events", headers: [.accept: "application/x-ndjson"])
        var writer = CloudEventWriter(store: try await web.store.storeID())
        for try await page in web.store.pages(.all) { for event in page.events { writer.write(event) } }
        #expect(lines.text == String(decoding: writer.take(), as: UTF8.self))
        let some = try await web.ask(.get, "/v1/events?limit=300", headers: [.accept: "application/x-ndjson"])
        #expect(some.text.split(separator: "\n").count == 300)
        let asked = try await web.ask(
            .post, "/v1/query", #"{"limit":300}"#, headers: [.accept: "application/x-ndjson"])
        #expect(asked.text.split(separator: "\n").count == 300)
    }

    @Test("immutable answers may be cached")
    func caching() async throws {
        let web = try await filled(3)
        let event = try #require(try await web.store.read(.all).events.last)
        for path in ["/v1/events/\(event.id)", "/v1/positions/3"] {
            let first = try await web.ask(.get, path)
            #expect(first.headers[.cacheControl]?.contains("immutable") == true)
            let tag = try #require(first.headers[.eTag])
            #expect(try await web.ask(.get, path, headers: [.ifNoneMatch: tag]).status == 304)
            let head = try await web.ask(.head, path)
            #expect(head.status == 200 && head.text.isEmpty && head.headers[.eTag] == tag)
        }
        let facts = try await web.ask(.get, "/v1/streams/s-0")
        let tag = try #require(facts.headers[.eTag])
        #expect(try await web.ask(.get, "/v1/streams/s-0", headers: [.ifNoneMatch: tag]).status == 304)
        try await web.note("s-0")
        #expect(try await web.ask(.get, "/v1/streams/s-0", headers: [.ifNoneMatch: tag]).status == 200)
        for missing in [
            "/v1/events/\(EventID())", "/v1/positions/99", "/v1/streams/none", "/v1/events/x", "/v1/tracking/x",
        ] {
            #expect(try await web.ask(.get, missing).problem == "not-found", "\(missing)")
        }
    }

    @Test("a read waits for a write that it must see, and reports when it does not come")
    func consistency() async throws {
        let web = try await filled(3)
        let four: HTTPFields = [.sillokAtLeast: "4", .prefer: "wait=20"]
        async let late = web.ask(.get, "/v1/events?limit=1&direction=backward", headers: four)
        try await web.note("s-9", "late")
        #expect(try await late.text.contains("late"))
        let never = try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "99", .prefer: "wait=0"])
        #expect(never.problem == "behind" && never.headers[.retryAfter] == "1")
        #expect(try never.json["head"]?.integer() == 4)
        #expect(try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "x"]).status == 400)
        #expect(try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "4", .prefer: "wait=9"]).status == 200)
        #expect(try await web.ask(.get, "/v1/head", headers: [.sillokAtLeast: "4", .prefer: "wait=99"]).status == 200)
    }

    @Test("streams are listed, searched and grouped")
    func streams() async throws {
        let web = try await Browserless()
        for name in ["b-1", "a-10", "a-2", "plain", "a", "c-x-1", "\u{10FFFE}-1"] { try await web.note(StreamID(name)) }
        let all = try await web.ask(.get, "/v1/streams").json
        #expect(all["streams"]?.elements?.count == 7)
        let found = try await web.ask(.get, "/v1/streams?search=1&limit=2").json
        #expect(found["streams"]?.elements?.compactMap { $0["stream"]?.string } == ["a-10", "b-1"])
        let rest = try await web.ask(.get, "/v1/streams?search=1&limit=2&after=b-1").json
        #expect(rest["streams"]?.elements?.first?["stream"]?.string == "c-x-1")
        let categories = try await web.ask(.get, "/v1/categories").json["categories"]?.elements?.compactMap(\.string)
        #expect(categories == ["a", "b", "c", "plain", "\u{10FFFE}"])
    }

    @Test("causes and effects are a tree around an event")
    func relations() async throws {
        let web = try await Browserless()
        var ids: [EventID] = []
        for (number, cause) in [nil, 0, 1, 1, nil, 2].enumerated() {
            let event = EventData(
                type: "e\(number)", metadata: Metadata(causationID: cause.map { ids[$0].description }), text: "{}")
            ids.append(event.id)
            try await web.store.append([event], to: "s-1")
        }
        let found = try await web.ask(.get, "/v1/events/\(ids[1])/relations").json
        #expect(found["causes"]?.elements?.compactMap { $0["type"]?.string } == ["e0"])
        #expect(found["effects"]?.elements?.compactMap { $0["type"]?.string } == ["e2", "e3", "e5"])
    }

    @Test("the state of a stream as of a revision or a time")
    func state() async throws {
        let fold = StreamFold("counter", of: Counter.self) { ["total": $0.total] }
        let web = try await Browserless(folds: [fold])
        let counters = CommandHandler<Counter>("counter", in: web.store)
        for number in 1...4 { _ = try await counters.execute(.add(number), on: "1") }
        #expect(
            try await web.ask(.get, "/v1/streams/counter-1").json["hasState"].map {
                String(decoding: $0.raw, as: UTF8.self)
            } == "true")
        for (revision, total) in [(1, 1), (3, 6), (4, 10)] {
            let state = try await web.ask(.get, "/v1/streams/counter-1/state?revision=\(revision)").json
            #expect(state["state"]?["total"]?.integer() == total)
        }
        #expect(try await web.ask(.get, "/v1/streams/counter-1/state").json["state"]?["total"]?.integer() == 10)
        let early = try await web.ask(.get, "/v1/streams/counter-1/state?time=2020-01-01T00:00:00Z")
        #expect(early.problem == "not-found")
        #expect(try await web.ask(.get, "/v1/streams/counter-1/state?time=soon").status == 400)
        #expect(try await web.ask(.get, "/v1/streams/other-1/state").status == 404)
    }

    @Test("faults of a request are named, and nothing is ignored silently")
    func wrongRequests() async throws {
        let web = try await filled(3)
        for (path, status) in [
            ("/v1/events?limit=0", 400), ("/v1/events?limit=1001", 400), ("/v1/events?limit=x", 400),
            ("/v1/events?after=-1", 400), ("/v1/events?afer=1", 400), ("/v1/events?after=1&after=2", 400),
            ("/v1/events?direction=up", 400), ("/v1/events?type=%00", 422), ("/v1/events?stream=", 422),
            ("/v1/events?type=%FF", 400), ("/v1/streams/%ZZ", 400), ("/v1/overview?seconds=0", 400),
            ("/v1/positions/99999999999999999999", 404),
        ] { #expect(try await web.ask(.get, path).status == status, "\(path)") }
    }
}

/// Adds numbers.
struct Counter: Decider {
    enum Command: Sendable { case add(Int) }
    enum Event: Codable, Equatable, Sendable { case added(Int) }
    private(set) var total = 0

    func decide(_ command: Command) throws(Never) -> [Event] {
        switch command {
        case .add(let number): [.added(number)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .added(let number): total += number
        }
    }
}
