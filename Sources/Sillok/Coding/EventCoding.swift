/// The encoding of the cases of an event enum as types and payloads, and the decoding.
///
/// The name of the case is the type, and its values are the members of a JSON object: `deposited(amount: 100)` has the
/// type `deposited` and the payload `{"amount":100}`. A case without values has `{}`; values without a label are `_0`,
/// `_1`. No macro and no registry is needed, only the `Codable` conformance that Swift synthesizes for an enum. See
/// ``StableEventNames`` for stored names that differ from the code's.
///
/// Dates are RFC 3339 texts in UTC with microseconds, `Data` is base 64, and a `Decimal` keeps its digits. Encoding
/// rejects numbers that are not finite. A payload that has a key twice is damaged, because readers could differ in
/// which value they use.
///
/// Older versions of events are upcast here and nowhere else, see ``EventSchema``. So one stored event may become
/// several events, or none.
public struct EventCoding<Event: Codable & Sendable>: Sendable {
    /// The versions of the types and the upcasters for older ones.
    public let schema: EventSchema

    private let storedNames: [String: EventType]
    private let caseNames: [EventType: String]

    /// Creates the coding of an event enum.
    ///
    /// Ends the program if the enum's ``EventSchema`` has a ``SchemaFault``, because the code could not read all stored
    /// events.
    public init() {
        storedNames = (Event.self as? any StableEventNames.Type)?.storedNames ?? [:]
        caseNames = Dictionary(storedNames.map { ($0.value, $0.key) }) { min($0, $1) }
        schema = EventSchema.of(Event.self)
        if !schema.faults.isEmpty { stop(SchemaFault(event: "\(Event.self)", reasons: schema.faults).description) }
    }

    /// Returns the event to append: its type, its payload, and the version of its type in its metadata.
    ///
    /// - Parameters:
    ///   - event: the event to encode.
    ///   - id: its identity.
    ///   - tags: what it is about.
    ///   - metadata: why it happened and where it came from.
    /// - Throws: ``UnstorableEvent`` if it is not an enum with synthesized `Codable`, has a value without a JSON
    ///   form, or has a stored name that also belongs to another case.
    public func encode(
        _ event: Event, id: EventID = EventID(), tags: [Tag] = [], metadata: Metadata = Metadata()
    ) throws(UnstorableEvent) -> EventData {
        let (type, payload) = try typeAndPayload(event)
        var metadata = metadata
        let version = schema.newestVersion(of: type)
        if version > 1 || !metadata.isEmpty { metadata.schemaVersion = version > 1 ? version : nil }
        return EventData(id: id, type: type, tags: tags, metadata: metadata, payload: payload)
    }

    private func typeAndPayload(_ event: Event) throws(UnstorableEvent) -> (type: EventType, payload: [UInt8]) {
        let encoder = CaseEncoder()
        let payload: [UInt8]
        do {
            try event.encode(to: encoder)
            payload = try encoder.finish()
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

    /// Returns a recorded event in its current form: one event, or the events that the upcasters of its version make of
    /// it.
    ///
    /// - Parameters:
    ///   - recorded: the stored event.
    ///   - query: the events that are wanted. Events of other types that upcasters make are left out. To find all
    ///     wanted events, read the store with ``EventSchema/stored(_:)`` of the query.
    /// - Throws: ``UnknownEventType`` if the enum has no such case, ``NewerEventVersion`` if the version is newer than
    ///   the code, ``DamagedPayload`` if the payload does not fit or an upcaster fails.
    public func decode(_ recorded: RecordedEvent, for query: EventQuery = .all) throws -> [Event] {
        var events: [Event] = []
        try forEach(of: recorded, for: query) { event, _ in events.append(event) }
        return events
    }

    /// Returns the same events as ``decode(_:for:)``, each with where and when it was recorded.
    public func recorded(_ event: RecordedEvent, for query: EventQuery = .all) throws -> [Recorded<Event>] {
        var events: [Recorded<Event>] = []
        try forEach(of: event, for: query) { payload, type in
            events.append(Recorded(event, type: type, payload: payload))
        }
        return events
    }

    /// Turns a stored event into events of the code, here only. Returns all of them, or throws and returns none.
    @inline(__always)
    package func forEach(
        of recorded: RecordedEvent, for query: EventQuery = .all, _ body: (Event, EventType) throws -> Void
    ) throws {
        let version = try recorded.schemaVersion
        if schema.isCurrent(recorded.type, version) {
            return try body(event(recorded.type, recorded.payload, of: recorded), recorded.type)
        }
        let parts = try schema.upcast(recorded, version)
            .filter { query.matches(stream: recorded.stream, type: $0.type, tags: recorded.tags) }
            .map { (type: $0.type, event: try event($0.type, JSONValue.object($0.payload).bytes, of: recorded)) }
        for part in parts { try body(part.event, part.type) }
    }

    private func event(_ type: EventType, _ payload: [UInt8], of recorded: RecordedEvent) throws -> Event {
        guard recorded.contentType == .json else {
            throw DamagedPayload(recorded, path: "", "it is \(recorded.contentType), not \(ContentType.json)")
        }
        do {
            return try Event(from: CaseDecoder(payload, name: caseName(of: type)))
        } catch let error as JSONSyntaxError {
            throw DamagedPayload(recorded, path: "", error.description)
        } catch let error as UnknownEventType {
            throw error
        } catch is CaseDecoder.NoSuchCase {
            throw UnknownEventType(recorded, type, in: Event.self)
        } catch is CaseDecoder.NotAnEnum {
            throw UnstorableEvent(Event.self, UnstorableEvent.notAnEnum)
        } catch let error as DecodingError {
            throw DamagedPayload(recorded, error)
        } catch {
            throw DamagedPayload(recorded, path: "", "\(error)")
        }
    }

    /// A text that changes when stored events may be read differently.
    package var fingerprint: String {
        storedNames.map { "\($0.key) \($0.value)" }.sorted().joined(separator: "\n") + " " + schema.fingerprint
    }

    /// Returns the case whose events are stored under a type; `""` if the name now belongs to no case.
    private func caseName(of type: EventType) -> String {
        if let name = caseNames[type] { return name }
        return storedNames[type.text] == nil ? type.text : ""
    }
}

/// A decoded event, with where and when it was recorded.
public struct Recorded<Payload: Sendable>: Sendable {
    /// The decoded event.
    public let payload: Payload
    /// The event's place in the whole store, from 1.
    public let position: Position
    /// The event's stream; `nil` for an event that is found by its tags only.
    public let stream: StreamID?
    /// The event's place in its stream, from 1; `Revision.none` without a stream.
    public let revision: Revision
    /// When the store recorded the event.
    public let recordedAt: Timestamp
    /// The stable name of the kind of event; for an upcast event, the current one.
    public let type: EventType
    /// The identity of the event; the same for all events that upcasters made of one.
    public let id: EventID
    /// What the event is about.
    public let tags: [Tag]
    /// Why the event happened and where it came from.
    public let metadata: Metadata

    /// Creates a decoded event from its payload and the stored event.
    ///
    /// - Parameters:
    ///   - event: the stored event.
    ///   - type: the current type, if it differs from the stored one.
    ///   - payload: the decoded event.
    public init(_ event: RecordedEvent, type: EventType? = nil, payload: Payload) {
        self.payload = payload
        position = event.position
        stream = event.stream
        revision = event.revision
        recordedAt = event.recordedAt
        self.type = type ?? event.type
        id = event.id
        tags = event.tags
        metadata = event.metadata
    }
}

extension Recorded: Equatable where Payload: Equatable {}
