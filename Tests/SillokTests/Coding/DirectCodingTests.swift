import Sillok
import SillokCore
import SillokTesting
import Testing

/// An event that is coded by hand.
private enum Reading: Codable, Equatable, Sendable, DirectEventCodable {
    struct Place: Codable, Equatable { var x: Int, y: Int }
    case taken(meter: String, value: Int, share: Double, isFinal: Bool, small: UInt8, note: String?)
    case placed(Place, name: String)
    case ended

    func write(to payload: inout PayloadWriter) throws -> EventType {
        switch self {
        case .taken(let meter, let value, let share, let isFinal, let small, let note):
            payload.write("meter", meter)
            payload.write("value", value)
            try payload.write("share", share)
            payload.write("isFinal", isFinal)
            payload.write("small", small)
            if let note { payload.write("note", note) }
            return "taken"
        case .placed(let place, let name):
            try payload.write("_0", coding: place)
            payload.write("name", name)
            return "placed"
        case .ended: return "ended"
        }
    }

    init?(_ type: EventType, from payload: inout PayloadReader) throws {
        switch type {
        case "taken":
            self = .taken(
                meter: try payload.text("meter"), value: try payload.integer("value"),
                share: try payload.number("share"), isFinal: try payload.bool("isFinal"),
                small: try payload.integer("small", as: UInt8.self),
                note: try payload.has("note") ? try payload.text("note") : nil)
        case "placed": self = .placed(try payload.value("_0"), name: try payload.text("name"))
        case "ended": self = .ended
        default: return nil
        }
    }
}

/// The same by Codable.
private enum CodableReading: Codable, Equatable, Sendable {
    struct Place: Codable, Equatable { var x: Int, y: Int }
    case taken(meter: String, value: Int, share: Double, isFinal: Bool, small: UInt8, note: String?)
    case placed(Place, name: String)
    case ended
}

@Suite("direct coding")
struct DirectCodingTests {
    private let direct = EventCoding<Reading>()
    private let codable = EventCoding<CodableReading>()

    private func stored(_ type: EventType, _ payload: [UInt8]) -> RecordedEvent {
        RecordedEvent(
            position: 1, stream: "meter-1", revision: 1, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: type, payload: payload))
    }

    private func described(_ event: some Any) -> String {
        "\(event)".replacing("CodableReading", with: "Reading")
    }

    @Test("what is written is what Codable writes, and each reads the other's")
    func sameBytes() throws {
        let notes: [String?] = [nil, "", "é\"\\\n", "plain", String(repeating: "x", count: 100)]
        for (index, note) in notes.enumerated() {
            let value = [0, -1, .max, .min, 42][index]
            let byHand = Reading.taken(
                meter: note ?? "m", value: value, share: Double(value) / 3, isFinal: index % 2 == 0, small: 255,
                note: note)
            let byCodable = CodableReading.taken(
                meter: note ?? "m", value: value, share: Double(value) / 3, isFinal: index % 2 == 0, small: 255,
                note: note)
            let (one, other) = (try direct.encode(byHand), try codable.encode(byCodable))
            #expect(one.payload == other.payload && one.type == other.type)
            #expect(try direct.decode(stored(one.type, one.payload)) == [byHand])
            #expect(try codable.decode(stored(one.type, one.payload)) == [byCodable])
        }
        let placed = try direct.encode(.placed(.init(x: 1, y: 2), name: "here"))
        #expect(String(decoding: placed.payload, as: UTF8.self) == #"{"_0":{"x":1,"y":2},"name":"here"}"#)
        #expect(try direct.decode(stored("placed", placed.payload)) == [.placed(.init(x: 1, y: 2), name: "here")])
        #expect(try direct.decode(stored("ended", Array("{}".utf8))) == [.ended])
    }

    @Test("reads members in any order, with others between, spaces and escapes, and missing ones")
    func anyOrder() throws {
        for text in [
            #"{"small":5,"isFinal":true,"share":0.5,"value":7,"meter":"a"}"#,
            #"{ "meter" : "a" , "value" : 7.0 , "share":5e-1,"isFinal":true,"small":5,"note":null}"#,
            #"{"meter":"\u0061","value":7,"extra":[{}],"share":0.5,"isFinal":true,"small":5}"#,
        ] {
            let event = try direct.decode(stored("taken", Array(text.utf8)))
            #expect(event == [.taken(meter: "a", value: 7, share: 0.5, isFinal: true, small: 5, note: nil)])
        }
    }

    @Test("takes and refuses what Codable takes and refuses, for damaged payloads of a seed")
    func damaged() throws {
        var random = SeededGenerator(seed: Environment.seed)
        let event = Reading.taken(meter: "aé", value: -70, share: 1.25, isFinal: true, small: 9, note: "n")
        let good = try direct.encode(event).payload
        let bytes = Array("{}[]\",:\\0123456789eE+-. \nntu\u{1}".utf8)
        var refused = 0
        for _ in 0..<4000 {
            var payload = good
            for _ in 0...Int.random(in: 0..<2, using: &random) where !payload.isEmpty {
                let place = Int.random(in: 0..<payload.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: payload.remove(at: place)
                case 1: payload[place] = .random(in: 0...255, using: &random)
                case 2: payload.insert(bytes.randomElement(using: &random) ?? 0, at: place)
                default: payload.removeSubrange(place...)
                }
            }
            let one = Result { try direct.decode(stored("taken", payload)).map(described) }
            let other = Result { try codable.decode(stored("taken", payload)).map(described) }
            switch (one, other) {
            case (.success(let one), .success(let other)): #expect(one == other)
            case (.failure(let one), .failure(let other)):
                #expect(one is DamagedPayload && other is DamagedPayload)
                refused += 1
            default: Issue.record("\(String(decoding: payload, as: UTF8.self)): \(one), \(other)")
            }
        }
        #expect(refused > 1000)
    }

    @Test("unknown types, wrong values and numbers that JSON cannot hold have their errors")
    func errors() throws {
        #expect(throws: UnknownEventType.self) { try direct.decode(stored("other", Array("{}".utf8))) }
        let error = #expect(throws: DamagedPayload.self) {
            try direct.decode(stored("taken", Array(#"{"meter":"a","value":"x"}"#.utf8)))
        }
        #expect(error?.path == "value")
        #expect(throws: UnstorableEvent.self) {
            try direct.encode(.taken(meter: "a", value: 1, share: .nan, isFinal: true, small: 1, note: nil))
        }
    }

    @Test("old versions are upcast before they are read by hand")
    func upcasts() throws {
        enum Versioned: Codable, Equatable, Sendable, DirectEventCodable, EvolvingEvent {
            case paid(cents: Int)
            static let schema = EventSchema(
                versions: ["paid": 2],
                upcasters: [.change("paid", from: 1) { $0.payload.rename("amount", to: "cents") }])
            func write(to payload: inout PayloadWriter) -> EventType {
                if case .paid(let cents) = self { payload.write("cents", cents) }
                return "paid"
            }
            init?(_ type: EventType, from payload: inout PayloadReader) throws {
                guard type == "paid" else { return nil }
                self = .paid(cents: try payload.integer("cents"))
            }
        }
        let coding = EventCoding<Versioned>()
        #expect(try coding.decode(stored("paid", Array(#"{"amount":5}"#.utf8))) == [.paid(cents: 5)])
        #expect(try coding.encode(.paid(cents: 5)).metadata.schemaVersion == 2)
    }
}
