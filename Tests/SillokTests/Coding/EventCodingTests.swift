import Foundation
import Testing

@testable import Sillok

@Suite("Event coding")
struct EventCodingTests {
    enum Event: Codable, Equatable, Sendable {
        case opened
        case deposited(amount: Int)
        case noted(String, Int)
        case moved(from: String?, to: [String: Int])
    }

    func recorded(_ type: EventType, _ payload: String, contentType: ContentType = .json) -> RecordedEvent {
        RecordedEvent(
            position: 7, stream: "account-42", revision: 3, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: type, tags: ["a"], contentType: contentType, text: payload))
    }

    @Test(
        "makes the case the type and its values the payload",
        arguments: [
            (.opened, "opened", "{}"), (.deposited(amount: 100), "deposited", #"{"amount":100}"#),
            (.noted("x", 1), "noted", #"{"_0":"x","_1":1}"#),
            (.moved(from: nil, to: ["b": 1]), "moved", #"{"to":{"b":1}}"#),
        ] as [(Event, EventType, String)])
    func roundTrips(event: Event, type: EventType, payload: String) throws {
        let coding = EventCoding<Event>()
        let encoded = try coding.encode(event)
        #expect(encoded.type == type)
        #expect(String(decoding: encoded.payload, as: UTF8.self) == payload)
        #expect(try coding.decode(recorded(type, payload)) == [event])
        #expect(try JSONDecoder().decode(Event.self, from: Data("{\"\(type)\":\(payload)}".utf8)) == event)
    }

    @Test("keeps the place of an event together with its payload")
    func keepsPlace() throws {
        let event = recorded("deposited", #"{"amount":5}"#)
        let result = try #require(EventCoding<Event>().recorded(event).first)
        #expect(result == Recorded(event, payload: .deposited(amount: 5)))
        #expect(result.position == 7 && result.stream == "account-42" && result.revision == 3)
        #expect(result.type == "deposited" && result.id == event.id && result.tags == ["a"])
        #expect(result.metadata.isEmpty && result.recordedAt == event.recordedAt)
    }

    @Test("names an unknown type and where it is")
    func namesUnknownType() throws {
        let error = #expect(throws: UnknownEventType.self) {
            try EventCoding<Event>().decode(recorded("renamed", "{}"))
        }
        #expect(error?.type == "renamed" && error?.position == 7 && error?.stream == "account-42")
        #expect(
            error?.description.contains("no case for the event type \"renamed\" at position 7 of stream account-42")
                == true)
    }

    @Test(
        "names the damaged part of a payload, and its place",
        arguments: [
            ("deposited", #"{"amount":"x"}"#, "amount", "expected Int, found \"x\""),
            ("deposited", "{}", "", "there is no key \"amount\""),
            ("deposited", #"{"amount":1"#, "", "the JSON ends too early, at byte 11"),
            ("deposited", "[]", "", "expected Dictionary<String, Any>, found an array"),
            ("moved", #"{"to":{"b":null}}"#, "to.b", "expected Int, found null"),
            ("opened", "{} x", "", "more follows after the JSON value, at byte 3"),
        ] as [(EventType, String, String, String)])
    func namesDamage(type: EventType, payload: String, path: String, reason: String) throws {
        let error = #expect(throws: DamagedPayload.self) { try EventCoding<Event>().decode(recorded(type, payload)) }
        #expect(error?.path == path)
        #expect(error?.reason == reason)
        #expect(error?.position == 7 && error?.type == type)
        #expect(error?.description.hasPrefix("The payload of \"\(type)\" at position 7 of stream account-42") == true)
    }

    @Test("refuses a payload that does not say it is JSON")
    func refusesOtherContentType() {
        #expect(throws: DamagedPayload.self) {
            try EventCoding<Event>().decode(recorded("opened", "{}", contentType: .bytes))
        }
    }

    @Test("refuses events that are not enums with synthesized Codable")
    func refusesOtherTypes() {
        struct Plain: Codable { var amount = 1 }
        struct Single: Codable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(1)
            }
            init() {}
            init(from decoder: any Decoder) throws { _ = try decoder.singleValueContainer() }
        }
        enum Raw: String, Codable { case a }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Plain>().encode(Plain()) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Single>().encode(Single()) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Raw>().encode(.a) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<[Int]>().encode([1]) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<[Int]>().decode(recorded("a", "{}")) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Raw>().decode(recorded("a", "{}")) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Plain>().decode(recorded("amount", "{}")) }
    }

    @Test("names the value that cannot be stored")
    func namesUnstorable() {
        enum Measured: Codable { case measured(values: [Double]) }
        let error = #expect(throws: UnstorableEvent.self) {
            try EventCoding<Measured>().encode(.measured(values: [1, .nan]))
        }
        #expect(error?.path == "values.1")
        #expect(error?.reason == "JSON cannot hold this Double")
        #expect(error?.description.hasPrefix("an event of Measured cannot be stored, because of values.1: ") == true)
    }

    @Test("refuses an event whose values write the same key twice, which could not be read again")
    func refusesRepeatedKeys() {
        struct Twice: Codable, Sendable {
            enum Key: CodingKey { case a }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(1, forKey: .a)
                try container.encode(2, forKey: .a)
            }
        }
        enum Odd: Codable { case happened(Twice) }
        #expect(throws: UnstorableEvent.self) { try EventCoding<Odd>().encode(.happened(Twice())) }
    }
}

@Suite("Stable event names")
struct StableEventNamesTests {
    enum Renamed: Codable, Equatable, Sendable, StableEventNames {
        case paidIn(amount: Int)
        case closed
        static let storedNames: [String: EventType] = ["paidIn": "deposited"]
    }

    enum Clashing: Codable, Sendable, StableEventNames {
        case paidIn, deposited
        static let storedNames: [String: EventType] = ["paidIn": "deposited"]
    }

    func recorded(_ type: EventType, _ payload: String) -> RecordedEvent {
        RecordedEvent(
            position: 1, stream: nil, revision: .none, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: type, text: payload))
    }

    @Test("store a case under its stored name and read it back")
    func roundTrip() throws {
        let coding = EventCoding<Renamed>()
        #expect(try coding.encode(.paidIn(amount: 1)).type == "deposited")
        #expect(try coding.encode(.closed).type == "closed")
        #expect(try coding.decode(recorded("deposited", #"{"amount":1}"#)) == [.paidIn(amount: 1)])
        #expect(try coding.decode(recorded("closed", "{}")) == [.closed])
    }

    @Test("leave the name in the code without a meaning in the log")
    func hideTheCodesName() {
        #expect(throws: UnknownEventType.self) {
            try EventCoding<Renamed>().decode(recorded("paidIn", #"{"amount":1}"#))
        }
    }

    @Test("belong to one case only")
    func refuseClashes() throws {
        let coding = EventCoding<Clashing>()
        #expect(throws: UnstorableEvent.self) { try coding.encode(.deposited) }
        #expect(try coding.encode(.paidIn).type == "deposited")
    }
}
