/// A stored event of a type that the event enum has no case for.
///
/// Add the case, or map an existing one to the type with ``StableEventNames``. Events are never skipped in silence.
public struct UnknownEventType: Error, Hashable, CustomStringConvertible {
    /// The type in the log.
    public let type: EventType
    /// Where the event is.
    public let position: Position
    /// The stream it belongs to, if any.
    public let stream: StreamID?
    /// The name of the Swift type that has no such case.
    public let event: String

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\(event) has no case for the event type \"\(type)\" at position \(position)\(place(stream)). "
            + "Add the case, or name an existing one in storedNames."
    }

    init(_ recorded: RecordedEvent, _ type: EventType, in event: any Any.Type) {
        self.type = type
        position = recorded.position
        stream = recorded.stream
        self.event = "\(event)"
    }
}

/// A stored event of a version that is newer than the code that reads it: somebody with newer code wrote it.
///
/// Whoever decides or follows the log stops before it; a projection may park it instead (``NewerVersionPolicy``). It is
/// never skipped. Deploy the newer code here too.
public struct NewerEventVersion: Error, Hashable, CustomStringConvertible {
    /// The type in the log.
    public let type: EventType
    /// The version that is stored.
    public let version: Int
    /// The newest one that the code knows.
    public let known: Int
    /// Where the event is.
    public let position: Position
    /// The stream it belongs to, if any.
    public let stream: StreamID?

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\"\(type)\" at position \(position)\(place(stream)) is of version \(version), and this code knows versions up to "
            + "\(known). Run the code that wrote it, or newer."
    }

    init(_ recorded: RecordedEvent, version: Int, known: Int) {
        type = recorded.type
        self.version = version
        self.known = known
        position = recorded.position
        stream = recorded.stream
    }
}

/// A stored event whose payload does not fit its case, or is not JSON at all.
public struct DamagedPayload: Error, Hashable, CustomStringConvertible {
    /// The type of the event.
    public let type: EventType
    /// Where the event is.
    public let position: Position
    /// The stream it belongs to, if any.
    public let stream: StreamID?
    /// The keys that lead to the place in the payload, joined by dots: `lines.2.price`. Empty for the whole payload.
    public let path: String
    /// What is wrong there.
    public let reason: String

    /// What happened and what to do, in a sentence.
    public var description: String {
        let spot = path.isEmpty ? "" : " at \(path)"
        return "the payload of \"\(type)\" at position \(position)\(place(stream)) cannot be read\(spot): \(reason)."
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
            self.init(recorded, path: dotted(context.codingPath), context.debugDescription)
        @unknown default:
            self.init(recorded, path: "", "\(error)")
        }
    }
}

/// An event that cannot be stored: its Swift type or a value in it has no stored form.
public struct UnstorableEvent: Error, Hashable, CustomStringConvertible {
    /// The name of the Swift type.
    public let event: String
    /// The keys that lead to the place, joined by dots; empty for the whole event.
    public let path: String
    /// What is wrong there.
    public let reason: String

    /// What happened and what to do, in a sentence.
    public var description: String {
        "an event of \(event) cannot be stored\(path.isEmpty ? "" : ", because of \(path)"): \(reason)."
    }

    static let notAnEnum = "it must be an enum whose Codable is synthesized; the case gives the type of the event"

    init(_ event: any Any.Type, _ reason: String) {
        self.event = "\(event)"
        path = ""
        self.reason = reason
    }

    init(_ event: any Any.Type, _ error: any Error) {
        self.event = "\(event)"
        if case .invalidValue(_, let context)? = error as? EncodingError {
            path = dotted(context.codingPath)
            reason = context.debugDescription
        } else {
            path = ""
            reason = error is CaseEncoder.NotAnEnum ? Self.notAnEnum : "\(error)"
        }
    }
}

private func place(_ stream: StreamID?) -> String { stream.map { " of stream \($0)" } ?? "" }

private func dotted(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
