/// How the cases of an event enum become types and payloads, and back.
///
/// The name of the case is the type, its values are the members of a JSON object: `deposited(amount: 100)` is of type
/// `deposited` with the payload `{"amount":100}`. A case without values has `{}`; values without a label are `_0`, `_1`.
/// No macro and no registry: the `Codable` that Swift synthesizes for an enum is all it takes. See ``StableEventNames``
/// for names that differ from the code's.
///
/// Dates are RFC 3339 texts in UTC with microseconds, `Data` is base 64, a `Decimal` keeps its digits; numbers that are
/// not finite are refused. A payload with a key twice is damaged: which value counts would depend on the reader.
public struct EventCoding<Event: Codable & Sendable>: Sendable {
    private let storedNames: [String: EventType]
    private let caseNames: [EventType: String]

    /// The coding of an event enum.
    public init() {
        storedNames = (Event.self as? any StableEventNames.Type)?.storedNames ?? [:]
        caseNames = Dictionary(storedNames.map { ($0.value, $0.key) }) { min($0, $1) }
    }

    /// The type and the payload of an event.
    ///
    /// - Throws: ``UnstorableEvent`` if it is not an enum with synthesized `Codable`, holds what JSON cannot, or has a
    ///   stored name that belongs to another case too.
    public func encode(_ event: Event) throws(UnstorableEvent) -> (type: EventType, payload: [UInt8]) {
        let encoder = CaseEncoder()
        let payload: [UInt8]
        do {
            try event.encode(to: encoder)
            payload = try encoder.encoding.finish()
        } catch {
            throw UnstorableEvent(Event.self, error)
        }
        guard let name = encoder.result.name, !encoder.result.isMisused else {
            throw UnstorableEvent(Event.self, UnstorableEvent.notAnEnum)
        }
        let type = storedNames[name] ?? EventType(name)
        guard caseName(of: type) == name else {
            throw UnstorableEvent(Event.self, "\"\(type)\" is the stored name of two cases; give each its own")
        }
        if let error = JSONReader.syntaxError(of: payload) { throw UnstorableEvent(Event.self, "\(error)") }
        return (type, payload)
    }

    /// The event that a recorded one stands for.
    ///
    /// - Throws: ``UnknownEventType`` if the enum has no such case, ``DamagedPayload`` if the payload does not fit it.
    public func decode(_ recorded: RecordedEvent) throws -> Event {
        guard recorded.contentType == .json else {
            throw DamagedPayload(recorded, path: "", "it is \(recorded.contentType), not \(ContentType.json)")
        }
        do {
            let decoding = JSONDecoding(try JSONReader(recorded.payload))
            return try Event(from: CaseDecoder(decoding: decoding, name: caseName(of: recorded.type)))
        } catch let error as JSONSyntaxError {
            throw DamagedPayload(recorded, path: "", error.description)
        } catch is CaseDecoder.NoSuchCase {
            throw UnknownEventType(recorded, in: Event.self)
        } catch is CaseDecoder.NotAnEnum {
            throw UnstorableEvent(Event.self, UnstorableEvent.notAnEnum)
        } catch let error as DecodingError {
            throw DamagedPayload(recorded, error)
        } catch {
            throw DamagedPayload(recorded, path: "", "\(error)")
        }
    }

    /// A recorded event with its payload decoded. The same errors as ``decode(_:)``.
    public func recorded(_ event: RecordedEvent) throws -> Recorded<Event> {
        Recorded(event, payload: try decode(event))
    }

    /// The case whose events are stored under a type; `""` if the name now belongs to none.
    private func caseName(of type: EventType) -> String {
        if let name = caseNames[type] { return name }
        return storedNames[type.text] == nil ? type.text : ""
    }
}

/// An event whose payload is decoded, with where and when it was recorded.
public struct Recorded<Payload: Sendable>: Sendable {
    /// The fact itself.
    public let payload: Payload
    /// Its place in the whole store, from 1.
    public let position: Position
    /// The stream it belongs to; `nil` for an event that is found by its tags alone.
    public let stream: StreamID?
    /// Its place in its stream, from 1; `Revision.none` without a stream.
    public let revision: Revision
    /// When the store recorded it.
    public let recordedAt: Timestamp
    /// The stable name of its kind.
    public let type: EventType
    /// Its identity.
    public let id: EventID
    /// What it is about.
    public let tags: [Tag]
    /// Why and from where.
    public let metadata: Metadata

    /// Joins a decoded payload with the event it comes from.
    public init(_ event: RecordedEvent, payload: Payload) {
        self.payload = payload
        position = event.position
        stream = event.stream
        revision = event.revision
        recordedAt = event.recordedAt
        type = event.type
        id = event.id
        tags = event.tags
        metadata = event.metadata
    }
}

extension Recorded: Equatable where Payload: Equatable {}
