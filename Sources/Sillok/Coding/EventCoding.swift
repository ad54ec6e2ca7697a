/// The encoder and decoder of an event enum: each case has an event type and a JSON payload.
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

    /// The types that the enum has cases for; `nil` if they cannot be listed, because its `Codable` is written by hand.
    package let types: [EventType]?

    private let storedNames: [String: EventType]
    private let caseNames: [EventType: String]

    /// Creates the coding of an event enum.
    ///
    /// Ends the program if the enum's ``EventSchema`` has a ``SchemaFault``, because the code could not read all stored
    /// events.
    public init() {
        let storedNames = (Event.self as? any StableEventNames.Type)?.storedNames ?? [:]
        self.storedNames = storedNames
        types = CaseKeys.names(of: Event.self)?.map { storedNames[$0] ?? EventType($0) }
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
        _ event: Event, id: EventID = EventID(), tags: [EventTag] = [], metadata: Metadata = Metadata()
    ) throws(UnstorableEvent) -> EventData {
        data(try payload(of: event), id: id, tags: tags, metadata: metadata)
    }

    /// The event that is appended, and the event that every reader decodes: the one that a state in memory must take.
    ///
    /// Storing changes some values, such as a date with a fraction of a microsecond. The payload is decoded again
    /// unless the encoder knows that all of its values are kept.
    package func stored(
        _ event: Event, id: EventID, tags: [EventTag], metadata: Metadata
    ) throws(UnstorableEvent) -> (data: EventData, event: Event) {
        let encoded = try payload(of: event)
        let data = data(encoded, id: id, tags: tags, metadata: metadata)
        if encoded.isExact { return (data, event) }
        do {
            return (data, try Event(from: CaseDecoder(encoded.bytes, name: encoded.name)))
        } catch {
            throw UnstorableEvent(Event.self, decoding: error)
        }
    }

    /// A payload, and what it is of.
    private struct Payload {
        let name: String
        let type: EventType
        let bytes: [UInt8]
        /// Whether it is known to be decoded as an equal event.
        let isExact: Bool
    }

    private func data(_ payload: Payload, id: EventID, tags: [EventTag], metadata: Metadata) -> EventData {
        var metadata = metadata
        let version = schema.newestVersion(of: payload.type)
        if version > 1 || !metadata.isEmpty { metadata.schemaVersion = version > 1 ? version : nil }
        return EventData(id: id, type: payload.type, tags: tags, metadata: metadata, payload: payload.bytes)
    }

    private func payload(of event: Event) throws(UnstorableEvent) -> Payload {
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
        return Payload(name: name, type: type, bytes: payload, isExact: encoder.isExact)
    }

    /// Returns a recorded event in its current form: one event, or those that its upcasters make of it.
    ///
    /// - Parameters:
    ///   - recorded: the stored event.
    ///   - query: the events that are wanted. Events of other types that upcasters make are left out. Read the store
    ///     with the query of ``EventSchema/stored(_:)``, which also finds older types.
    /// - Throws: ``UnknownEventType`` if the enum has no such case, ``NewerEventVersion`` if the version is newer than
    ///   the code, ``DamagedPayload`` if the payload does not fit or an upcaster fails, ``UnstorableEvent``.
    public func decode(_ recorded: RecordedEvent, for query: EventQuery = .all) throws -> [Event] {
        var events: [Event] = []
        try forEach(of: recorded, for: query) { event, _ in events.append(event) }
        return events
    }

    /// Returns the same events as ``decode(_:for:)``, each with where and when it was recorded.
    public func recorded(_ event: RecordedEvent, for query: EventQuery = .all) throws -> [Recorded<Event>] {
        try recorded(event, for: query, ignoringUnknown: false)
    }

    /// The same; of an event that upcasters split, the parts that the enum has no case for are left out if
    /// `isIgnoring`.
    package func recorded(
        _ event: RecordedEvent, for query: EventQuery, ignoringUnknown isIgnoring: Bool
    ) throws -> [Recorded<Event>] {
        var events: [Recorded<Event>] = []
        try forEach(of: event, for: query, ignoringUnknown: isIgnoring) { payload, type in
            events.append(Recorded(event, type: type, payload: payload))
        }
        return events
    }

    /// The one place where a stored event becomes events of the code: all of them, or an error and none.
    ///
    /// - Parameter isIgnoring: whether the parts of a split event that the enum has no case for are left out. An event
    ///   that is itself of such a type is an error all the same.
    @inline(__always)
    package func forEach(
        of recorded: RecordedEvent, for query: EventQuery = .all, ignoringUnknown isIgnoring: Bool = false,
        _ body: (Event, EventType) throws -> Void
    ) throws {
        let version = try recorded.schemaVersion
        if schema.isCurrent(recorded.type, version) {
            return try body(event(recorded.type, recorded.payload, of: recorded), recorded.type)
        }
        if schema.steps[recorded.type] == nil, !hasCase(for: recorded.type) {
            throw UnknownEventType(recorded, recorded.type, in: Event.self)
        }
        let parts = try upcast(recorded, version)
            .filter { query.matches(stream: recorded.stream, type: $0.type, tags: recorded.tags) }
            .filter { !isIgnoring || hasCase(for: $0.type) }
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

    /// The stored events that a boundary means: where it names no types, those that the enum has cases for.
    ///
    /// What other deciders record under the same tags is no part of the boundary. A type that the boundary names and
    /// the enum has no case for stays in it, and ends in an ``UnknownEventType``.
    ///
    /// - Parameters:
    ///   - boundary: the query.
    ///   - limits: those of the store.
    ///   - isNarrowed: whether an item that names no types means those of the enum; by default every item does.
    package func storedBoundary(
        _ boundary: EventQuery, _ limits: Limits, where isNarrowed: (EventQuery.Item) -> Bool = { _ in true }
    ) -> EventQuery {
        guard let types else { return schema.stored(boundary) }
        let known = schema.stored(EventQuery([.init(types: types)])).items.flatMap(\.types)
        let size = max(1, limits.queryItems)
        let parts = stride(from: 0, to: known.count, by: size).map { Array(known[$0..<min($0 + size, known.count)]) }
        let narrowed = boundary.items.flatMap { item -> [EventQuery.Item] in
            guard item.types.isEmpty, isNarrowed(item) else { return schema.stored(EventQuery([item])).items }
            return parts.map { .init(stream: item.stream, category: item.category, types: $0, tags: item.tags) }
        }
        return EventQuery(narrowed)
    }

    private func upcast(_ recorded: RecordedEvent, _ version: Int) throws -> [Upcaster.Part] {
        do {
            return try schema.upcast(recorded, version)
        } catch var error as NewerEventVersion {
            error.event = readableName(Event.self)
            throw error
        }
    }

    /// Whether the enum has a case for a type.
    package func hasCase(for type: EventType) -> Bool {
        if let types { return types.contains(type) }
        do {
            _ = try Event(from: CaseDecoder(Array("{}".utf8), name: caseName(of: type)))
        } catch is CaseDecoder.NoSuchCase {
            return false
        } catch {}
        return true
    }

    /// A text that differs when stored events may be read differently.
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
    public let tags: [EventTag]
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
