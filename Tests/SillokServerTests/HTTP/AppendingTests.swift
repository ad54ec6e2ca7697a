import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import SillokSQL
import SillokService
import Testing

@testable import SillokServer

@Suite("Appending over HTTP")
struct AppendingTests {
    @Test("an event, a list and a request are appended, and the receipt has their place")
    func forms() async throws {
        let web = try await Browserless()
        let one = try await web.ask(.post, "/v1/events", #"{"type":"noted","subject":"note-1","data":{"n":1.50}}"#)
        #expect(one.status == 200 && one.headers[.sillokPosition] == "1")
        #expect(try one.json["revisions"]?["note-1"]?.integer() == 1)
        let list = try await web.ask(.post, "/v1/events", #"[{"type":"a"},{"type":"b","subject":"note-1"}]"#)
        #expect(try list.json["position"]?.integer() == 3)
        let stream = try await web.ask(.post, "/v1/streams/note%2D1/events", #"{"events":[{"type":"c","data":null}]}"#)
        #expect(try stream.json["revisions"]?["note-1"]?.integer() == 3)
        #expect(stream.headers[.eTag] == "\"3\"")
        let read = try await web.ask(.get, "/v1/events?stream=note-1")
        let events = try #require(try read.json["events"]?.elements)
        #expect(events.map { $0["type"]?.string } == ["noted", "b", "c"])
        #expect(events[0]["data"].map { String(decoding: $0.raw, as: UTF8.self) } == #"{"n":1.50}"#)
    }

    @Test("attributes of the sender become metadata; what the store gives is refused")
    func attributes() async throws {
        let web = try await Browserless()
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let body =
            #"{"specversion":"1.0","type":"noted","source":"urn:me","time":"2026-01-01T00:00:00Z","actor":"ada","tags":["x:1"]}"#
        let name = try #require(HTTPField.Name("traceparent"))
        #expect(try await web.ask(.post, "/v1/events", body, headers: [name: trace]).status == 200)
        let event = try #require(try await web.store.read(.tags("x:1")).events.first)
        #expect(event.metadata["source"] == "urn:me" && event.metadata["time"] == "2026-01-01T00:00:00Z")
        #expect(event.metadata.actor == "ada" && event.metadata.traceparent == trace)
        for (bad, problem) in [
            (#"{"type":"a","position":1}"#, "malformed"), (#"{"type":"a","specversion":"0.3"}"#, "malformed"),
            (#"{"type":"a","extra":1.5}"#, "malformed"), (#"{"data":1}"#, "malformed"), (#"{"type":""}"#, "invalid"),
            ("[]", "invalid"), (#"{"events":[]}"#, "invalid"), (#"{"events":1}"#, "malformed"), ("1", "malformed"),
            (#"{"events":[{"type":"a"}],"conditions":{}}"#, "malformed"), (#"{"type":"a","type":"b"}"#, "malformed"),
            (#"{"type":"a","id":"7"}"#, "malformed"), (#"{"type":"a","data":1,"data_base64":"AA=="}"#, "malformed"),
        ] { #expect(try await web.ask(.post, "/v1/events", bad).problem == problem, "\(bad)") }
        #expect(try await web.store.head() == 1)
    }

    @Test("a key makes an append without ids happen once; other contents under it are a conflict")
    func idempotency() async throws {
        let web = try await Browserless()
        let headers: HTTPFields = [.idempotencyKey: "order-7"]
        let body = #"[{"type":"a","data":1},{"type":"b","data":2}]"#
        let first = try await web.ask(.post, "/v1/events", body, headers: headers)
        let second = try await web.ask(.post, "/v1/events", body, headers: headers)
        #expect(first.text == second.text && first.status == 200)
        #expect(
            try await web.ask(.post, "/v1/events", #"{"type":"a","data":9}"#, headers: headers).problem
                == "event-id-conflict")
        #expect(try await web.ask(.post, "/v1/events", body, headers: [.idempotencyKey: "order-8"]).status == 200)
        #expect(try await web.store.head() == 4)
    }

    @Test("conditions hold or say what broke them")
    func conditions() async throws {
        let web = try await Browserless()
        let new: HTTPFields = [.ifNoneMatch: "*"]
        #expect(try await web.ask(.post, "/v1/streams/a-1/events", #"{"type":"a"}"#, headers: new).status == 200)
        let again = try await web.ask(.post, "/v1/streams/a-1/events", #"{"type":"a"}"#, headers: new)
        #expect(again.status == 412 && again.problem == "precondition-failed")
        #expect(try again.json["streams"]?["a-1"]?["actual"]?.integer() == 1)
        #expect(
            try await web.ask(.post, "/v1/streams/a-1/events", #"{"type":"a"}"#, headers: [.ifMatch: "\"1\""]).status
                == 200)
        #expect(
            try await web.ask(.post, "/v1/streams/a-1/events", #"{"type":"a"}"#, headers: [.ifMatch: "1"]).status == 400
        )
        let unchanged = """
            {"events":[{"type":"b","tags":["c:7"]}],"condition":{"unchanged":[{"query":{"items":[{"tags":["c:7"]}]},"since":0}]}}
            """
        #expect(try await web.ask(.post, "/v1/events", unchanged).status == 200)
        let conflict = try await web.ask(.post, "/v1/events", unchanged)
        #expect(conflict.status == 409 && conflict.problem == "conflict")
        #expect(try conflict.json["positions"]?.elements?.compactMap { $0.integer(as: Int.self) } == [3])
        let tracked = #"{"events":[{"type":"t"}],"tracking":{"source":"billing","position":4}}"#
        #expect(try await web.ask(.post, "/v1/events", tracked).status == 200)
        #expect(try await web.ask(.post, "/v1/events", tracked).problem == "tracking-conflict")
        #expect(try await web.ask(.get, "/v1/tracking/billing").json["position"]?.integer() == 4)
    }

    @Test("what an inline projection of the application refuses is the sender's to mend, and is counted as refused")
    func inlineRefusal() async throws {
        let web = try await Browserless(Refusing(base: MemoryEventStore()))
        let answer = try await web.ask(.post, "/v1/events", #"{"type":"poison","subject":"person-1"}"#)
        #expect(answer.status == 422 && answer.problem == "refused")
        let detail = try answer.json["detail"]?.string
        #expect(detail?.contains("people v1 is inline and cannot project poison of person-1") == true)
        let counted = web.interface.metrics.current.append
        #expect(counted.refusals == 1 && counted.failures == 0)
    }
}

extension AppendingTests {
    @Test(
        "W6: overload, a query that is too expensive and a replaced file are problems of their own",
        arguments: [
            (StoreError(.overloaded, "wait", retryAfter: .milliseconds(2100)), 503, "overloaded", "3"),
            (StoreError(.overloaded, "wait"), 503, "overloaded", "1"),
            (StoreError(.tooExpensive, "too much"), 422, "too-expensive", nil),
            (StoreError(.fileReplaced, "gone"), 503, "unavailable", "1"),
        ])
    func storeErrors(_ error: StoreError, _ status: Int, _ kind: String, _ retryAfter: String?) async throws {
        let web = try await Browserless(Refusing(base: MemoryEventStore(), failure: error))
        let answer = try await web.ask(.post, "/v1/events", #"{"type":"a"}"#)
        #expect(answer.status == status && answer.problem == kind)
        #expect(answer.headers[.retryAfter] == retryAfter)
    }
}

/// A store with an inline projection that can project no event.
private struct Refusing: ForwardingEventStore {
    struct Poison: Error {}

    let base: any EventStore
    var failure: StoreError?

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        if let failure { throw .failed(failure) }
        let event = RecordedEvent(
            position: 1, stream: request.entries[0].stream, revision: 1,
            recordedAt: Timestamp(microsecondsSince1970: 0), tracking: nil, data: request.entries[0].event)
        throw .refused(InlineProjectionFailed(projection: "people v1", event: event, cause: Poison()))
    }
}
