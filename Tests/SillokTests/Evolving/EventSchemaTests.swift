import Sillok
import SillokCore
import Testing

/// The current events of an account, after four years.
enum EvolvedEvent: Codable, Equatable, Sendable, EvolvingEvent {
    case opened(owner: String, by: String, currency: String)
    case deposited(cents: Int, note: String?)
    case withdrawn(cents: Int)
    case closed

    static let schema = EventSchema(
        versions: ["opened": 3, "deposited": 2],
        upcasters: [
            .change("deposited", from: 1) { old in old.payload.rename("amount", to: "cents") },
            .change("opened", from: 1) { old in old.payload["currency"] = "EUR" },
            .change("opened", from: 2) { old in old.payload["by"] = .string(old.recorded.metadata.actor ?? "nobody") },
            .split("moved", from: 1, into: ["withdrawn": 1, "deposited": 1]) { old in
                [
                    .init("withdrawn", ["cents": old.payload["amount"]]),
                    .init("deposited", ["amount": old.payload["amount"], "note": "moved"]),
                ]
            },
            .split("ended", from: 1, into: ["closed": 1]) { _ in [.init("closed", [:])] },
            .drop("pinged", from: 1),
        ])
}

@Suite("schemas of events")
struct EventSchemaTests {
    private let coding = EventCoding<EvolvedEvent>()

    private func stored(
        _ type: EventType, _ payload: String, version: String? = nil, actor: String? = nil
    ) -> RecordedEvent {
        var metadata = Metadata(actor: actor)
        metadata[Metadata.Key.schemaVersion] = version
        return RecordedEvent(
            position: 7, stream: "account-1", revision: 3, recordedAt: Timestamp(microsecondsSince1970: 5),
            data: EventData(type: type, metadata: metadata, text: payload))
    }

    @Test(
        "every version of every type reads as its current meaning",
        arguments: [
            ("deposited", nil, #"{"amount":5}"#, [.deposited(cents: 5, note: nil)]),
            ("deposited", "2", #"{"cents":5,"note":"x"}"#, [.deposited(cents: 5, note: "x")]),
            ("opened", nil, #"{"owner":"Ada"}"#, [.opened(owner: "Ada", by: "clerk", currency: "EUR")]),
            (
                "opened", "2", #"{"owner":"Ada","currency":"KRW"}"#,
                [.opened(owner: "Ada", by: "clerk", currency: "KRW")]
            ),
            (
                "opened", "3", #"{"owner":"Ada","currency":"KRW","by":"Bo"}"#,
                [.opened(owner: "Ada", by: "Bo", currency: "KRW")]
            ),
            ("moved", nil, #"{"amount":9}"#, [.withdrawn(cents: 9), .deposited(cents: 9, note: "moved")]),
            ("ended", nil, "{}", [.closed]), ("pinged", nil, "{}", []), ("closed", "1", "{}", [.closed]),
        ] as [(EventType, String?, String, [EvolvedEvent])])
    func reads(type: EventType, version: String?, payload: String, expected: [EvolvedEvent]) throws {
        let event = stored(type, payload, version: version, actor: "clerk")
        #expect(try coding.decode(event) == expected)
        let recorded = try coding.recorded(event)
        #expect(recorded.map(\.payload) == expected)
        #expect(recorded.allSatisfy { $0.position == 7 && $0.revision == 3 && $0.id == event.id })
        let today = try EvolvedEvent.schema.today(event)
        #expect(try today.flatMap { try coding.decode($0) } == expected, "what is exported reads the same")
        #expect(Set(today.map(\.id)).count == today.count && today.first.map { $0.id == event.id } ?? true)
    }

    @Test("a written event has the version of its type, and none for version 1")
    func writesVersions() throws {
        let deposited = try coding.encode(.deposited(cents: 1, note: nil), metadata: Metadata(actor: "Ada"))
        #expect(deposited.metadata.schemaVersion == 2 && deposited.metadata.actor == "Ada")
        #expect(try coding.encode(.closed).metadata.isEmpty)
        // Metadata of another event does not lend its version.
        #expect(try coding.encode(.closed, metadata: deposited.metadata).metadata.entries.map(\.key) == ["actor"])
    }

    @Test(
        "a newer version is refused, never read as an older one",
        arguments: ["deposited", "closed", "moved"] as [EventType])
    func newer(type: EventType) throws {
        let known = EvolvedEvent.schema.newestVersion(of: type)
        let event = stored(type, "{}", version: "\(known + 1)")
        let error = #expect(throws: NewerEventVersion.self) { try coding.decode(event) }
        #expect(error?.type == type && error?.known == known && error?.version == known + 1 && error?.position == 7)
        #expect(throws: NewerEventVersion.self) { try EvolvedEvent.schema.today(event) }
    }

    @Test("an enum without a schema refuses a second version as well")
    func plain() throws {
        enum Plain: Codable, Sendable { case closed }
        #expect(throws: NewerEventVersion.self) {
            try EventCoding<Plain>().decode(stored("closed", "{}", version: "2"))
        }
        #expect(try EventCoding<Plain>().decode(stored("closed", "{}", version: "1")).count == 1)
    }

    @Test("N2: the schema of several enums reads the types of all of them, and two meanings of a type are a fault")
    func joined() throws {
        enum Other: Codable, Sendable, EvolvingEvent {
            case shipped(to: String)
            static let schema = EventSchema(
                versions: ["shipped": 2],
                upcasters: [.change("shipped", from: 1) { old in old.payload.rename("place", to: "to") }])
        }
        enum Different: Codable, Sendable, EvolvingEvent {
            case shipped(to: String)
            static let schema = EventSchema(
                versions: ["shipped": 3],
                upcasters: [.change("shipped", from: 1) { _ in }, .change("shipped", from: 2) { _ in }])
        }
        enum Reader: Codable, Equatable, Sendable, EvolvingEvent {
            case deposited(cents: Int)
            case shipped(to: String)
            static let schema = EventSchema.of(EvolvedEvent.self, Other.self)
        }
        #expect(Reader.schema.faults.isEmpty)
        let coding = EventCoding<Reader>()
        #expect(try coding.decode(stored("shipped", #"{"place":"Rome"}"#)) == [.shipped(to: "Rome")])
        #expect(try coding.decode(stored("deposited", #"{"amount":5}"#)) == [.deposited(cents: 5)])
        #expect(EventSchema.of(EvolvedEvent.self, EvolvedEvent.self).faults.isEmpty)
        #expect(!EventSchema.of(Other.self, Different.self).faults.isEmpty)
        // A split event also has parts that the reader has no case for.
        let moved = stored("moved", #"{"amount":5}"#)
        #expect(throws: UnknownEventType.self) { try coding.decode(moved) }
        #expect(try coding.recorded(moved, for: .all, ignoringUnknown: true).map(\.payload) == [.deposited(cents: 5)])
    }

    @Test("N2: the error of a reader without the schema names it and says what to do")
    func reader() throws {
        enum Board: Codable, Sendable { case deposited(cents: Int) }
        let event = stored("deposited", #"{"cents":5}"#, version: "2")
        let error = #expect(throws: NewerEventVersion.self) { try EventCoding<Board>().decode(event) }
        #expect(error?.event?.hasSuffix("Board") == true)
        #expect(error?.description.contains("EventSchema.of(Writer.self)") == true)
        let foreign = stored("withdrawn", #"{"cents":5}"#, version: "2")
        #expect(throws: UnknownEventType.self) { try EventCoding<Board>().decode(foreign) }
    }

    @Test("a version that is none is damage", arguments: ["0", "-1", "two", "", "1.0", "99999999999999999999"])
    func badVersion(text: String) throws {
        #expect(throws: DamagedPayload.self) { try coding.decode(stored("closed", "{}", version: text)) }
    }

    @Test(
        "what an upcaster cannot read is damage",
        arguments: [("moved", "[1]"), ("moved", "{"), ("moved", #"{"amount":"x"}"#)] as [(EventType, String)])
    func damaged(type: EventType, payload: String) throws {
        #expect(throws: DamagedPayload.self) { try coding.decode(stored(type, payload)) }
    }

    @Test("an upcaster that fails, or returns an undeclared type, damages only its event")
    func failing() throws {
        struct Odd: Error {}
        enum Event: Codable, Sendable, EvolvingEvent {
            case made
            static let schema = EventSchema(upcasters: [
                .split("failing", from: 1, into: ["made": 1]) { _ in throw Odd() },
                .split("foreign", from: 1, into: ["made": 1]) { _ in [.init("other", [:])] },
            ])
        }
        for type in ["failing", "foreign"] as [EventType] {
            #expect(throws: DamagedPayload.self) { try EventCoding<Event>().decode(stored(type, "{}")) }
        }
        #expect(try EventCoding<Event>().decode(stored("made", "{}")).count == 1)
    }

    @Test("a query by current types finds events stored as older types, and returns only the requested types")
    func queries() throws {
        let query = EventQuery([.init(category: "account", types: ["deposited"], tags: [])])
        #expect(EvolvedEvent.schema.stored(query).items[0].types == ["deposited", "moved"])
        let moved = stored("moved", #"{"amount":9}"#)
        #expect(try coding.decode(moved, for: query) == [.deposited(cents: 9, note: "moved")])
        #expect(EvolvedEvent.schema.stored(.category("account")) == .category("account"))
    }

    @Test("names the faults of a schema, and finds none in a good one")
    func faults() {
        #expect(EvolvedEvent.schema.faults.isEmpty)
        let change: @Sendable (inout OldEvent) throws -> Void = { _ in }
        let nothing: @Sendable (OldEvent) throws -> [Upcaster.Part] = { _ in [] }
        let faulty: [(EventSchema, String)] = [
            (
                EventSchema(versions: ["a": 3], upcasters: [.change("a", from: 1, change)]),
                "no upcaster from version 2 to 3"
            ),
            (EventSchema(versions: ["a": 2]), "no upcaster from version 1 to 2"),
            (EventSchema(versions: ["a": 0]), "begin with 1"),
            (EventSchema(upcasters: [.change("a", from: 1, change)]), "but its version is 1"),
            (EventSchema(upcasters: [.drop("a", from: 2)]), "no upcaster from version 1 to 2"),
            (EventSchema(upcasters: [.drop("a", from: 0)]), "begin with 1"),
            (EventSchema(versions: ["a": 1], upcasters: [.drop("a", from: 1)]), "which an upcaster converts"),
            (EventSchema(upcasters: [.drop("a", from: 1), .drop("a", from: 1)]), "two upcasters from version 1"),
            (
                EventSchema(upcasters: [.split("a", from: 1, into: ["b": 2], nothing)]),
                "version 2 of \"b\", whose newest version is 1"
            ),
            (
                EventSchema(upcasters: [
                    .split("a", from: 1, into: ["b": 1], nothing), .split("b", from: 1, into: ["a": 1], nothing),
                ]), "form a cycle"
            ),
            (EventSchema(versions: ["a": .max]), "the limit is 10000"),
        ]
        for (schema, text) in faulty {
            #expect(schema.faults.contains { $0.contains(text) }, "\(schema.faults) should say \(text)")
        }
    }

    @Test("a gap ends the program when a coding is created, and the message names it")
    func endsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            enum Gap: Codable, Sendable, EvolvingEvent {
                case paid(cents: Int)
                static let schema = EventSchema(versions: ["paid": 3], upcasters: [.change("paid", from: 2) { _ in }])
            }
            _ = EventCoding<Gap>()
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("the schema of Gap cannot be used"))
        #expect(message.contains("\"paid\" has no upcaster from version 1 to 2"))
    }

    @Test("the fingerprint distinguishes versions, steps and editions")
    func fingerprint() {
        let schemas = [
            EventSchema(), EventSchema(edition: 2), EventSchema(upcasters: [.drop("a", from: 1)]),
            EventSchema(versions: ["a": 2], upcasters: [.change("a", from: 1) { _ in }]), EvolvedEvent.schema,
        ]
        #expect(Set(schemas.map(\.fingerprint)).count == schemas.count)
        #expect(EventSchema(upcasters: [.drop("a", from: 1)]).fingerprint == schemas[2].fingerprint)
    }
}

@Suite("JSON values")
struct JSONValueTests {
    @Test(
        "a text comes back as it was",
        arguments: [
            "null", "true", "1.50", "-0", "1e400", "123456789012345678901234567890", #""a\"b""#, "[]",
            #"{"b":1,"a":[{}]}"#,
        ])
    func roundTrip(text: String) { #expect(JSONValue(parsing: text)?.description == text) }

    @Test("objects are equal in any order, and names are bytes")
    func objects() {
        #expect(JSONValue(parsing: #"{"a":1,"b":2}"#) == JSONValue(parsing: #"{"b":2,"a":1}"#))
        #expect(JSONValue(parsing: #"{"a":1,"b":2}"#)?.hashValue == JSONValue(parsing: #"{"b":2,"a":1}"#)?.hashValue)
        var object: JSONObject = ["\u{E9}": 1, "e\u{301}": 2, "gone": nil]
        #expect(object.members.count == 2 && object["\u{E9}"] == 1)
        object.rename("\u{E9}", to: "e\u{301}")
        #expect(object.members.map(\.name.utf8.count) == [3] && object["e\u{301}"] == 1)
        object["e\u{301}"] = nil
        #expect(object == [:])
    }

    @Test("values say what they are")
    func kinds() {
        let value: JSONValue = ["n": 5, "d": 1.5, "s": "x", "b": true, "z": nil, "l": [1, nil]]
        let object = value.object
        #expect(object?["n"]?.integer == 5 && object?["d"]?.number == 1.5 && object?["s"]?.string == "x")
        #expect(object?["b"]?.bool == true && object?["z"] == nil && object?["l"]?.array == [1, .null])
        #expect(object?["s"]?.integer == nil && JSONValue(parsing: "{") == nil)
        #expect(JSONValue.number("no number").description == "null")
    }
}
