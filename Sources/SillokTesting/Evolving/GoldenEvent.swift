import Sillok
import SillokCore
import SillokHistory

/// One payload of a golden file, and how it was read at each time.
struct GoldenEvent {
    /// An event that was read out of it.
    struct Reading: Equatable {
        let type: EventType
        let version: Int
        let payload: JSONObject

        var kind: String { "\(type) \(version)" }
    }

    let type: EventType
    let version: Int
    var payload: JSONObject
    /// What upcasters could fill in from: recorded with the payload, the same for ever.
    var metadata = Metadata(actor: "golden actor", correlationID: "golden correlation")
    /// For each set of versions that the code has had, what came out.
    private(set) var readings: [[Reading]] = []

    init(type: EventType, version: Int, payload: JSONObject) {
        (self.type, self.version, self.payload) = (type, version, payload)
    }

    var place: String { "\"\(type)\" version \(version)" }

    /// The name of the file that has it; a type may have any characters, a file name has not.
    var fileName: String {
        let safe = type.text.utf8.map { byte -> String in
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isPlain || byte == 0x2D || byte == 0x5F
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\(safe.joined()).v\(version).json"
    }

    /// The event as a store would give it.
    var recorded: RecordedEvent {
        var metadata = metadata
        metadata.schemaVersion = version > 1 ? version : nil
        return RecordedEvent(
            position: 1, stream: "golden-1", revision: 1,
            recordedAt: Timestamp(microsecondsSince1970: 1_609_459_200_000_000),
            data: EventData(
                id: EventID(high: 0x7000, low: 1 << 63), type: type, metadata: metadata,
                payload: Array(JSONValue.object(payload).description.utf8)))
    }

    /// Whether this is of the type and version of a sample and has all of its fields.
    func shows(_ sample: GoldenEvent) -> Bool {
        type == sample.type && version == sample.version && paths.isSuperset(of: sample.paths)
    }

    private var paths: Set<ExactText> {
        var shape = PayloadShape()
        shape.learn(payload)
        return Set(shape.fields.lazy.filter { $0.value.value != .null }.map { ExactText($0.key) })
    }

    /// How today's code reads it: each event as it would be written again.
    func reading<Event>(_ coding: EventCoding<Event>) throws -> [Reading] {
        try coding.decode(recorded).map { event in
            let data = try coding.encode(event)
            guard let payload = JSONValue(parsing: String(decoding: data.payload, as: UTF8.self))?.object else {
                throw GoldenFilesFailure("\(event) has no object as its payload")
            }
            return Reading(type: data.type, version: data.metadata.schemaVersion ?? 1, payload: payload)
        }
    }

    /// The differences from the value that was recorded for the current versions.
    func findings<Event>(_ coding: EventCoding<Event>) -> [String] {
        let now: [Reading]
        do {
            now = try reading(coding)
        } catch {
            return ["\(place) cannot be read any more: \(error)"]
        }
        guard let golden = readings.first(where: { $0.map(\.kind) == now.map(\.kind) }) else {
            let kinds = now.isEmpty ? "nothing" : now.map(\.kind).joined(separator: ", ")
            return [
                "\(place) is read as \(kinds) now, which was never recorded. If that is intended, "
                    + "run the test once with "
                    + "SILLOK_RECORD=1"
            ]
        }
        return zip(golden, now).flatMap { was, now in
            differences(.object(was.payload), .object(now.payload), at: "").map { difference in
                "\(place) is read differently as \(now.kind): \(difference)"
            }
        }
    }

    /// Why an enum that has a case for it cannot read it; nothing if it can, or has none.
    func findings<Reader: Codable & Sendable>(readBy reader: Reader.Type) -> [String] {
        let coding = EventCoding<Reader>()
        guard coding.hasCase(for: type) else { return [] }
        do {
            _ = try coding.recorded(recorded, for: .all, ignoringUnknown: true)
            return []
        } catch let error as NewerEventVersion {
            return [
                "\(place) cannot be read by \(reader), which reads versions up to \(error.known). Give it the schema "
                    + "of the enum that writes it: static let schema = EventSchema.of(Writer.self)"
            ]
        } catch {
            return ["\(place) cannot be read by \(reader): \(error)"]
        }
    }

    /// Keeps how it is read today, if it has not been read with these versions before.
    mutating func recordReading<Event>(_ coding: EventCoding<Event>) throws {
        guard let now = try? reading(coding), !readings.contains(where: { $0.map(\.kind) == now.map(\.kind) }) else {
            return
        }
        readings.append(now)
    }
}

/// Where two values differ, as sentences.
func differences(_ was: JSONValue, _ now: JSONValue, at path: String) -> [String] {
    if was == now { return [] }
    switch (was, now) {
    case (.object(let was), .object(let now)):
        let names = was.members.map(\.name) + now.members.map(\.name).filter { was[$0] == nil }
        return names.flatMap { name -> [String] in
            let inner = path.isEmpty ? name : "\(path).\(name)"
            switch (was[name], now[name]) {
            case (let was?, let now?): return differences(was, now, at: inner)
            case (let was?, nil): return ["it drops \(inner), which is \(was)"]
            case (nil, let now?): return ["it has \(inner) now, which is \(now)"]
            case (nil, nil): return []
            }
        }
    case (.array(let was), .array(let now)) where was.count == now.count:
        return zip(was, now).enumerated().flatMap { differences($1.0, $1.1, at: "\(path).\($0)") }
    default: return ["\(path) is \(now) and was \(was)"]
    }
}

// As a file.
extension GoldenEvent {
    /// The text of a file of payloads of one type and version.
    static func text(of events: [GoldenEvent]) -> String {
        guard let first = events.first else { return "" }
        let samples = events.map { event in
            JSONValue.object([
                "payload": .object(event.payload),
                "metadata": .object(JSONObject(event.metadata.entries.map { ($0.key, .string($0.value)) })),
                "readings": .array(event.readings.map { .array($0.map(\.json)) }),
            ])
        }
        let file: JSONObject = [
            "type": .string(first.type.text), "version": .number(first.version), "samples": .array(samples),
        ]
        return JSONValue.object(file).indented() + "\n"
    }

    /// The payloads of a file; `nil` if it is none.
    static func events(in text: String) -> [GoldenEvent]? {
        guard let file = JSONValue(parsing: text)?.object, let type = file["type"]?.string,
            let version = file["version"]?.integer.flatMap({ Int(exactly: $0) }), let samples = file["samples"]?.array
        else { return nil }
        var events: [GoldenEvent] = []
        for sample in samples {
            guard let payload = sample.object?["payload"]?.object else { return nil }
            var event = GoldenEvent(type: EventType(type), version: version, payload: payload)
            event.metadata = Metadata()
            for member in sample.object?["metadata"]?.object?.members ?? [] {
                event.metadata[member.name] = member.value.string
            }
            for reading in sample.object?["readings"]?.array ?? [] {
                let parts = (reading.array ?? []).map { Reading($0) }
                guard !parts.contains(where: { $0 == nil }) else { return nil }
                event.readings.append(parts.compactMap { $0 })
            }
            events.append(event)
        }
        return events
    }
}

extension GoldenEvent.Reading {
    fileprivate init?(_ value: JSONValue) {
        guard let object = value.object, let type = object["type"]?.string,
            let version = object["version"]?.integer.flatMap({ Int(exactly: $0) }),
            let payload = object["payload"]?.object
        else { return nil }
        self.init(type: EventType(type), version: version, payload: payload)
    }

    fileprivate var json: JSONValue {
        .object(["type": .string(type.text), "version": .number(version), "payload": .object(payload)])
    }
}
