import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import Testing

@testable import SillokServer

/// INP-3/4 over HTTP: every input gets an answer with a type, and accepted input reads back byte for byte.
@Suite("Hostile input over HTTP")
struct HostileInputTests {
    static let names = [
        "", "\u{0}", "a\u{0}b", "a\r\nSet-Cookie: x", "..", "../../etc/passwd", "/", "a/b", "%2F", "%00", "?", "#",
        "&a=b",
        "\u{202E}evil", "é", "e\u{301}", "\u{FEFF}", "<script>alert(1)</script>", "'; DROP TABLE events; --", "🦆", " ",
        "\t",
        String(repeating: "n", count: 512), String(repeating: "n", count: 513), String(repeating: "é", count: 5000),
        "-", "--", "\\", "\"", "{}", "*", "account-*",
    ]

    @Test("names are refused with a type or read back byte for byte", arguments: names)
    func everyName(_ name: String) async throws {
        let web = try await Browserless()
        let text = String(decoding: JSONWriter.escaped(name), as: UTF8.self)
        let short = String(name.prefix(60))
        let encoded = name.utf8.map { "%" + String($0, radix: 16).leftPadded }.joined()
        let body =
            #"{"type":"noted","subject":\#(text),"tags":[\#(text)],"metadata":{\#(text):\#(text)},"data":\#(text)}"#
        let appended = try await web.ask(.post, "/v1/events", body)
        let isTaken = appended.status == 200
        #expect(isTaken || [400, 422].contains(appended.status), "\(short): \(appended.text)")
        let read = try await web.ask(.get, "/v1/events?stream=\(encoded)")
        if isTaken {
            let event = try #require(try read.json["events"]?.elements?.first, "\(short)")
            #expect(event["subject"]?.string?.utf8.elementsEqual(name.utf8) == true, "\(short)")
            #expect(event["data"]?.raw.elementsEqual(JSONWriter.escaped(name)) == true, "\(short)")
            #expect(event["metadata"]?.members?.first?.key.utf8.elementsEqual(name.utf8) == true, "\(short)")
            let facts = try await web.ask(.get, "/v1/streams/\(encoded)")
            #expect(try facts.json["stream"]?.string?.utf8.elementsEqual(name.utf8) == true, "\(short)")
        } else {
            #expect([200, 422].contains(read.status), "\(short)")
            #expect(try await web.store.head() == 0)
        }
        for path in [
            "/v1/streams/\(encoded)", "/v1/streams/\(encoded)/events", "/v1/tracking/\(encoded)",
            "/v1/projections/\(encoded)",
        ] {
            #expect(try await web.ask(.get, path).status < 500, "\(short) \(path)")
        }
    }

    @Test("bodies that are no JSON, too deep, too long or too many end in a typed refusal")
    func bodies() async throws {
        let web = try await Browserless()
        let deep = String(repeating: "[", count: 1_000_000) + String(repeating: "]", count: 1_000_000)
        let limit = "\"" + String(repeating: "x", count: (1 << 20) - 2) + "\""
        let over = "\"" + String(repeating: "x", count: (1 << 20) - 1) + "\""
        let many = "[" + Array(repeating: "{\"type\":\"a\"}", count: 1001).joined(separator: ",") + "]"
        func event(_ data: String) -> [UInt8] { Array("{\"type\":\"a\",\"data\":\(data)}".utf8) }
        let cases: [(String, [UInt8], String?)] = [
            ("deep", event(deep), "malformed"), ("deep alone", Array(deep.utf8), "malformed"),
            ("empty", [], "malformed"), ("UTF-8", [0x22, 0xFF, 0x22], "malformed"),
            ("half a surrogate", Array("{\"type\":\"\\uD800\"}".utf8), "malformed"), ("the limit", event(limit), nil),
            ("one more", event(over), "too-large"), ("64 MB", [UInt8](repeating: 0x20, count: 64 << 20), "too-large"),
            ("1,001 events", Array(many.utf8), "invalid"),
        ]
        for (name, bytes, problem) in cases {
            let answer = try await web.ask(.post, "/v1/events", bytes: bytes)
            #expect(answer.problem == problem, "\(name): \(answer.status) \(answer.text.prefix(200))")
            #expect(problem != nil || answer.status == 200, "\(name)")
        }
        #expect(try await web.store.head() == 1)
        let event = try await web.ask(.get, "/v1/positions/1")
        #expect(try event.json["data"]?.raw.count == 1 << 20)
    }

    @Test("W10: waiting reads of one key leave places for another, and those beyond its share are refused")
    func waitingReads() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let waiting = try await keyring.create("waiting", .everything, by: "ada").secret
        let other = try await keyring.create("other", .everything, by: "ada").secret
        var limits = ServerLimits()
        limits.requests = 8
        let web = try await Browserless(keyring: keyring, limits: limits)
        let headers: HTTPFields = [.sillokAtLeast: "1", .prefer: "wait=30"]
        try await withThrowingTaskGroup(of: Browserless.Answer.self) { group in
            for _ in 0..<12 {
                group.addTask { try await web.ask(.get, "/v1/head", key: waiting, headers: headers) }
            }
            for _ in 0..<8 {
                let answer = try #require(try await group.next())
                #expect(answer.problem == "overloaded" && answer.headers[.retryAfter] == "1")
                #expect(try answer.json["limit"]?.string == "requests")
                #expect(answer.text.contains("(waiting) has 4 of 8 requests under way"), "\(answer.text)")
            }
            #expect(web.interface.admission.requests == 4)
            #expect(try await web.ask(.get, "/v1/head", key: other).status == 200)
            try await web.note("s-1")
            for try await answer in group { #expect(answer.status == 200) }
        }
        #expect(web.interface.admission.requests == 0)
    }

    @Test("W10: a long answer keeps its place until it is written, or given up")
    func longAnswers() async throws {
        var limits = ServerLimits()
        limits.requests = 2
        let web = try await Browserless(limits: limits)
        try await web.note("s-1")
        let lines: HTTPFields = [.accept: "application/x-ndjson"]
        var response: Response? = await web.response(.get, "/v1/events", headers: lines)
        #expect(response?.status == .ok && web.interface.admission.requests == 1)
        #expect(try await web.ask(.get, "/v1/events", headers: lines).problem == "overloaded")
        try await response?.body.write(Collector())
        #expect(web.interface.admission.requests == 0)
        response = await web.response(.get, "/v1/events", headers: lines)
        #expect(web.interface.admission.requests == 1)
        response = nil
        #expect(web.interface.admission.requests == 0)
    }

    @Test("requests over the limit get an answer that asks to retry")
    func overload() async throws {
        var limits = ServerLimits()
        limits.requests = 0
        let web = try await Browserless(limits: limits)
        let answer = try await web.ask(.get, "/v1/head")
        #expect(answer.problem == "overloaded" && answer.headers[.retryAfter] == "1")
        #expect(try answer.json["limit"]?.string == "requests")
        #expect(answer.text.contains("anybody has 0 of 0 requests"))
        #expect(try await web.ask(.get, "/health/live").status == 200)
    }
}

extension String {
    fileprivate var leftPadded: String { utf8.count == 1 ? "0" + self : self }
}
