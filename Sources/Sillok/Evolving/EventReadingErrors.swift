/// A stored event has a newer version than the code that reads it: newer code wrote it.
///
/// Command handlers and subscriptions stop before it; a projection may park it instead (`NewerVersionPolicy`). It is
/// never skipped. Deploy the newer code here too.
public struct NewerEventVersion: Error, Hashable, CustomStringConvertible {
    /// The type in the log.
    public let type: EventType
    /// The stored version of the event.
    public let version: Int
    /// The newest version that the code can read.
    public let known: Int
    /// The position of the event.
    public let position: Position
    /// The stream of the event, if it has one.
    public let stream: StreamID?
    /// The name of the event enum that could not read the event; `nil` if a schema was used without an enum.
    public internal(set) var event: String?

    /// What happened and what to do, in a few lines.
    public var description: String {
        let reader = event ?? "this schema"
        return
            "\"\(type)\" at position \(position)\(stream.place) is of version \(version), and \(reader) reads versions "
            + "up to \(known). If another enum of the program writes this version, \(reader) needs its schema: static let "
            + "schema = EventSchema.of(Writer.self). Otherwise deploy the code that wrote the event, or newer."
    }

    init(_ recorded: RecordedEvent, version: Int, known: Int) {
        type = recorded.type
        self.version = version
        self.known = known
        position = recorded.position
        stream = recorded.stream
    }
}

/// A stored event has a payload that does not fit its case, or is not JSON.
public struct DamagedPayload: Error, Hashable, CustomStringConvertible {
    /// The type of the event.
    public let type: EventType
    /// The position of the event.
    public let position: Position
    /// The stream of the event, if it has one.
    public let stream: StreamID?
    /// The keys that lead to the damaged value, joined by dots: `lines.2.price`. Empty for the whole payload.
    public let path: String
    /// What is wrong with the value.
    public let reason: String

    /// What happened and what to do next, in a sentence.
    public var description: String {
        let spot = path.isEmpty ? "" : " at \(path)"
        return "The payload of \"\(type)\" at position \(position)\(stream.place) cannot be read\(spot): \(reason). "
            + "Correct the code that reads it, or add an upcaster."
    }

    init(_ recorded: RecordedEvent, path: String, _ reason: String) {
        type = recorded.type
        position = recorded.position
        stream = recorded.stream
        self.path = path
        self.reason = reason
    }

    init(_ recorded: RecordedEvent, _ error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            self.init(recorded, path: context.codingPath.dotted, context.debugDescription)
        @unknown default:
            self.init(recorded, path: "", "\(error)")
        }
    }
}

extension RecordedEvent {
    /// The version of the schema that the payload follows.
    ///
    /// - Throws: ``DamagedPayload`` if the metadata has a value that is not a version.
    package var schemaVersion: Int {
        get throws {
            if metadata.isEmpty { return 1 }
            guard let text = metadata[Metadata.Key.schemaVersion] else { return 1 }
            guard let version = Int(text), version >= 1 else {
                throw DamagedPayload(self, path: "", "its version is \"\(text)\", which is not a whole number from 1")
            }
            return version
        }
    }
}

extension StreamID? {
    /// The stream as the end of a clause, or the empty string.
    var place: String { map { " of stream \($0)" } ?? "" }
}

extension [any CodingKey] {
    /// The keys, joined by dots.
    var dotted: String { map(\.stringValue).joined(separator: ".") }
}
