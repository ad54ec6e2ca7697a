public import SillokCore

/// An event enum that writes and reads its payloads by hand: for events that are replayed by the million.
///
/// ```swift
/// extension Meter.Event: DirectEventCodable {
/// ```
/// What is stored is the same JSON as `Codable` makes: an enum can take to this, or leave it, at any time. Versions and
/// upcasters are as ever. `StableEventNames` has no say: the names are written here.
public protocol DirectEventCodable: Sendable {
    /// Writes the members of the payload, and answers the type.
    func write(to payload: inout PayloadWriter) throws -> EventType

    /// Reads an event of a type; `nil` if there is no such type.
    ///
    /// May be called twice for one payload. Members that are read in the order in which they were written are the fastest.
    init?(_ type: EventType, from payload: inout PayloadReader) throws
}

/// Writes the members of a payload.
public struct PayloadWriter: Sendable {
    var json = JSONWriter()

    /// Writes a text.
    public mutating func write(_ key: StaticString, _ value: String) {
        json.key(key)
        json.string(value)
    }

    /// Writes a whole number.
    public mutating func write(_ key: StaticString, _ value: some FixedWidthInteger) {
        json.key(key)
        json.integer(value)
    }

    /// Writes a truth value.
    public mutating func write(_ key: StaticString, _ value: Bool) {
        json.key(key)
        json.bool(value)
    }

    /// Writes a number.
    ///
    /// - Throws: `EncodingError` if it is not finite.
    public mutating func write(_ key: StaticString, _ value: Double) throws {
        json.key(key)
        guard json.floatingPoint(value) else {
            throw EncodingError.invalidValue(
                value,
                .init(codingPath: [JSONPathKey.named("\(key)")], debugDescription: "JSON cannot hold this number"))
        }
    }

    /// Writes a value of any kind by its `Codable`; nothing for `nil`.
    ///
    /// - Throws: `EncodingError` if JSON cannot hold it.
    public mutating func write(_ key: StaticString, coding value: (some Encodable)?) throws {
        guard let value else { return }
        let text = try PlainCoding.encode(value)
        json.key(key)
        json.raw(text.utf8)
    }
}

/// How an event type that is coded by hand gets into and out of its generic surroundings.
struct DirectCoding<Event: Sendable>: Sendable {
    let encode: @Sendable (Event) throws -> (type: EventType, payload: [UInt8])?
    let decode: @Sendable (EventType, [UInt8]) throws -> Event?

    /// The coding of a type that is coded by hand; `nil` for all others.
    init?(_ type: Event.Type) {
        guard let type = type as? any DirectEventCodable.Type else { return nil }
        self.init(opened: type)
    }

    private init<Direct: DirectEventCodable>(opened type: Direct.Type) {
        encode = { event in
            guard let event = event as? Direct else { return nil }
            var payload = PayloadWriter()
            payload.json.bytes.reserveCapacity(256)
            payload.json.beginObject()
            let type = try event.write(to: &payload)
            payload.json.endObject()
            return (type, payload.json.bytes)
        }
        decode = { type, bytes in
            var payload = PayloadReader(bytes)
            if let event = try? Direct(type, from: &payload), payload.isAtEnd { return event as? Event }
            // Not in the order in which it is read, with more than is read, or damaged: read with an index of it all.
            var indexed = try PayloadReader(indexing: bytes)
            return try Direct(type, from: &indexed) as? Event
        }
    }
}
