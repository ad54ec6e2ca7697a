import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokConformance
import SillokCore
import Testing

@testable import SillokServer

@Suite("Following over HTTP", .timeLimit(.minutes(10)))
struct SubscribingTests {
    @Test("events come in order and once, those that are and those that come, in few writes")
    func order() async throws {
        let web = try await Browserless()
        for number in 1...1000 { try await web.note("s-1", "past", "\(number)") }
        let response = await web.response(.get, "/v1/subscribe")
        #expect(response.headers[.contentType] == "text/event-stream")
        let collector = Collector()
        let reading = Task { try await response.body.write(collector) }
        for number in 1001...1200 { try await web.note("s-1", "new", "\(number)") }
        while !collector.text.contains("id: 1200@") { try await Task.sleep(for: .milliseconds(2)) }
        let ids = collector.text.matches(of: #/id: (\d+)@\S+\ndata:/#).compactMap { Int($0.1) }
        #expect(ids == Array(1...1200))
        #expect(collector.writes.withLock { $0 } < 300)
        #expect(web.interface.admission.followers.count == 1)
        web.interface.end()
        try await reading.value
        #expect(collector.text.hasSuffix("event: end\ndata: the server is shutting down\n\n"))
        #expect(web.interface.admission.followers.isEmpty)
    }

    @Test("a client that reconnects continues after the last id, also over other events", arguments: [0, 3, 10])
    func resuming(last: Int) async throws {
        let web = try await Browserless()
        for number in 1...10 { try await web.note("s-1", number <= 5 ? "wanted" : "other", "\(number)") }
        let response = await web.response(.get, "/v1/subscribe?type=wanted", headers: [.lastEventID: "\(last)"])
        let collector = Collector()
        let reading = Task { try await response.body.write(collector) }
        // What does not match has been passed before the next one comes.
        while last < 10 && !collector.text.contains(#/id: 10@\S+\nevent: progress/#) {
            try await Task.sleep(for: .milliseconds(2))
        }
        try await web.note("s-1", "wanted", "11")
        while !collector.text.contains("id: 11@") { try await Task.sleep(for: .milliseconds(2)) }
        web.interface.end()
        try await reading.value
        let ids = collector.text.matches(of: #/id: (\d+)@\S+\ndata:/#).compactMap { Int($0.1) }
        #expect(ids == Array(1...5).filter { $0 > last } + [11])
        let marks = collector.text.matches(of: #/id: (\d+)@\S+\nevent: progress/#).compactMap { Int($0.1) }
        #expect(last == 10 || marks == [10])
    }

    @Test("W4: idle subscriptions read nothing while others append")
    func idle() async throws {
        let store = CountingStore(MemoryEventStore())
        let web = try await Browserless(store)
        try await web.note("busy-1")
        var readings: [Task<Void, any Error>] = []
        var collectors: [Collector] = []
        for path in (0..<20).map({ "stream=idle-\($0)" }) + ["stream=busy-1"] {
            let response = await web.response(.get, "/v1/subscribe?after=head&\(path)")
            let collector = Collector()
            collectors.append(collector)
            readings.append(Task { try await response.body.write(collector) })
        }
        while store.waits(where: { _ in true }) < 21 { try await Task.sleep(for: .milliseconds(2)) }
        for number in 2...101 {
            try await web.note("busy-1")
            while !collectors[20].text.contains("id: \(number)@") { try await Task.sleep(for: .milliseconds(1)) }
        }
        let reads = store.reads { $0.items.first?.stream?.category == "idle" }
        #expect(reads <= 80, "\(reads) reads of 20 idle subscriptions")
        try await web.note("idle-7")
        while !collectors[7].text.contains("id: 102@") { try await Task.sleep(for: .milliseconds(2)) }
        web.interface.end()
        for reading in readings { try await reading.value }
    }

    @Test("a position beyond the head belongs to another store, and too many subscriptions are refused")
    func refusals() async throws {
        var limits = ServerLimits()
        limits.subscriptions = 2
        let web = try await Browserless(limits: limits)
        try await web.note("s-1")
        let beyond = try await web.ask(.get, "/v1/subscribe?after=2")
        #expect(beyond.problem == "store-changed")
        var held = [await web.response(.get, "/v1/subscribe"), await web.response(.get, "/v1/subscribe")]
        #expect(held.allSatisfy { $0.status == .ok })
        let third = try await web.ask(.get, "/v1/subscribe")
        #expect(third.problem == "too-many" && third.headers[.retryAfter] != nil)
        held.removeLast()
        #expect(await web.response(.head, "/v1/subscribe").status == .ok)
        #expect(web.interface.admission.followers.count == 1)
        #expect(try await web.ask(.get, "/v1/subscribe?after=x").status == 400)
    }

    @Test("H1: a token of another history is refused, and ends a running subscription")
    func tokens() async throws {
        let web = try await Browserless()
        for number in 1...3 { try await web.note("s-1", "noted", "\(number)") }
        let head = try await web.ask(.get, "/v1/head")
        let token = try #require(head.headers[.sillokToken])
        #expect(try head.json["token"]?.string == token && token.hasPrefix("3@"))
        let foreign = "3@\(EventID())"
        for (given, status) in [(token, 200), ("3", 200), (foreign, 409), ("4@\(EventID())", 409), ("x@y", 400)] {
            let response = await web.response(.head, "/v1/subscribe", headers: [.lastEventID: given])
            #expect(Int(response.status.code) == status, "\(given)")
            #expect(try await web.ask(.get, "/v1/events?after=\(given)").status == status, "\(given)")
            let wanted: HTTPFields = [.sillokAtLeast: given, .prefer: "wait=0"]
            let answer = try await web.ask(.get, "/v1/streams/s-1", headers: wanted)
            #expect(answer.status == (given.hasPrefix("4") ? 412 : status), "\(given)")
            if status == 409 && given.hasPrefix("3") { #expect(answer.problem == "store-changed") }
        }
        let append = #"{"events":[{"type":"b"}],"condition":{"unchanged":[{"query":{},"since":"\#(foreign)"}]}}"#
        #expect(try await web.ask(.post, "/v1/events", append).problem == "store-changed")
        let receipt = try await web.ask(.post, "/v1/events", append.replacing(foreign, with: token))
        let given = try receipt.json["token"]?.string
        #expect(receipt.status == 200 && receipt.headers[.sillokToken] == given)
        let page = try await web.ask(.get, "/v1/events?type=none")
        #expect(try page.json["token"]?.string == receipt.headers[.sillokToken])
    }

    @Test("a reader that takes nothing costs one page, for any number of appends")
    func stalled() async throws {
        let web = try await Browserless()
        let response = await web.response(.get, "/v1/subscribe")
        let writer = CountingWriter()
        let reading = Task { try await response.body.write(writer) }
        let payload = "\"" + String(repeating: "x", count: 10_000) + "\""
        for _ in 1...40 {
            let events = (1...100).map { _ in EventData(type: "big", text: payload) }
            try await web.store.append(events, to: "s-1")
        }
        while writer.bytes.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(2)) }
        try await Task.sleep(for: .milliseconds(50))
        // Eight events at first, for their size is not known yet; then about 128 KiB at a time.
        #expect(writer.bytes.withLock { $0 } < 1 << 20)
        reading.cancel()
        _ = try? await reading.value
        #expect(web.interface.admission.followers.isEmpty)
    }
}

/// Takes the first writes and then nothing more.
private final class CountingWriter: ResponseBodyWriter, Sendable {
    let bytes = Lock(0)

    func write(_ buffer: ByteBuffer) async throws {
        let all = bytes.withLock { bytes in
            bytes += buffer.readableBytes
            return bytes
        }
        if all > 100 { try await Task.sleep(for: .seconds(3600)) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
