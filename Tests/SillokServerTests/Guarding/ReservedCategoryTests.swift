import HTTPTypes
import Sillok
import SillokCore
import Testing

@testable import SillokServer

/// Only the runners of Sillok write what a process, a webhook or a schedule has done.
@Suite("Reserved categories")
struct ReservedCategoryTests {
    static let streams: [StreamID] = [
        "process:checkout-42", "webhook:endpoint-1", "schedule:mail-7", "process:checkout", "process:-1",
    ]

    private func step(_ stream: StreamID?, recordedAt: Timestamp? = nil) -> AppendRequest.Entry {
        .init(stream: stream, event: EventData(type: "requestAccepted", text: "{}"), recordedAt: recordedAt)
    }

    private func grant(_ scopes: Set<Scope>, on resources: String...) -> Grant {
        Grant(scopes, on: resources.map { ResourcePattern($0) })
    }

    @Test("forged step: a grant on everything is not enough, one that names the category is", arguments: streams)
    func grants(stream: StreamID) {
        let forged = AppendRequest([step("order-1"), step(stream)])
        #expect(Grant.everything.refusal(of: forged)?.contains("\(stream) is reserved for the runners") == true)
        for help in ["sillok keys create", "--resource '\(stream.category)-*'", "SILLOK_TOKEN", "--auth keys"] {
            #expect(Grant.everything.refusal(of: forged)?.contains(help) == true, "\(help)")
        }
        #expect(ServerOperation.appendEvents.refusal(of: .anybody, on: .append(forged))?.contains("reserved") == true)
        #expect(!grant([.append], on: "*", "p*", "w*", "s*", "process-*").reaches(forged))
        #expect(grant([.append], on: "*", "\(stream.category)-*").reaches(forged))
        #expect(grant([.append], on: "order-*", "process:*", "webhook:*", "schedule:*").reaches(forged))
        #expect(!grant([.append], on: "process:*", "webhook:*", "schedule:*").reaches(forged))
        #expect(Grant.everything.reaches(.stream(stream)) && Grant.everything.reaches(stream))
        // A condition on such a stream writes nothing.
        #expect(Grant.everything.reaches(AppendRequest([step("order-1")], if: .revision(3, of: stream))))
    }

    @Test("reserved: a copy of a log, with its recorded times, needs the scope import")
    func copies() {
        let copied = AppendRequest([step("process:checkout-42", recordedAt: "2026-01-01T00:00:00Z")])
        #expect(Grant.everything.reaches(copied))
        #expect(grant([.append, .import], on: "*").reaches(copied))
        #expect(
            !grant([.append], on: "*").reaches(copied) && !grant([.append, .import], on: "order-*").reaches(copied))
        let mixed = AppendRequest(copied.entries + [step("process:checkout-42")])
        #expect(!Grant.everything.reaches(mixed))
    }

    @Test("reserved: the tracking by which a runner reads the time needs a grant on its category, and no more")
    func tracking() {
        func reading(_ source: TrackingSource) -> AppendRequest {
            AppendRequest([], tracking: Tracking(source: source, position: 1))
        }
        let runner = grant([.append], on: "process:checkout-*")
        #expect(runner.reaches(reading("process:checkout-clock")))
        #expect(!runner.reaches(reading("process:payment-clock")) && !runner.reaches(reading("shop")))
        #expect(!Grant.everything.reaches(reading("process:checkout-clock")))
        #expect(Grant.everything.reaches(reading("shop")))
        #expect(!grant([.append], on: "shop").reaches(reading("shop")))
    }

    @Test("forged step: refused over HTTP in every form, with and without keys, and nothing is stored")
    func http() async throws {
        let keyring = Keyring(log: MemoryEventStore())
        let (_, ordinary) = try await keyring.create("a", Grant([.append]), by: "test")
        let (_, runner) = try await keyring.create(
            "b", grant([.append], on: "process:checkout-*"), by: "test")
        for (web, key) in [(try await Browserless(), nil), (try await Browserless(keyring: keyring), ordinary)] {
            for (path, body, headers) in try Self.forms {
                let answer = try await web.ask(.post, path, body, key: key, headers: headers)
                #expect(answer.status == 403 && answer.text.contains("reserved for the runners"), "\(path) \(body)")
            }
            #expect(try await web.store.head() == 0)
        }
        let web = try await Browserless(keyring: keyring)
        for (path, body, headers) in try Self.forms.dropFirst() {
            #expect(try await web.ask(.post, path, body, key: runner, headers: headers).status == 200, "\(path)")
        }
    }

    private static var forms: [(path: String, body: String, headers: HTTPFields)] {
        get throws {
            let event = #"{"type":"requestAccepted","subject":"process:checkout-42","data":{}}"#
            let standard =
                #"{"specversion":"1.0","id":"1","source":"/s","type":"done","subject":"process:checkout-42"}"#
            func name(_ text: String) throws -> HTTPField.Name { try #require(HTTPField.Name(text)) }
            let binary: HTTPFields = [
                try name("ce-specversion"): "1.0", try name("ce-type"): "t", try name("ce-source"): "/s",
                try name("ce-id"): "2", try name("ce-subject"): "process:checkout-42",
            ]
            return [
                ("/v1/events", #"[{"type":"a","subject":"order-1"},\#(event)]"#, [:]), ("/v1/events", event, [:]),
                ("/v1/events", #"{"events":[\#(event)]}"#, [:]),
                ("/v1/streams/process%3Acheckout-42/events", #"{"type":"requestAccepted","data":{}}"#, [:]),
                ("/v1/events", standard, [.contentType: "application/cloudevents+json"]),
                ("/v1/events", "[\(standard)]", [.contentType: "application/cloudevents-batch+json"]),
                ("/v1/events", "{}", binary),
            ]
        }
    }
}
