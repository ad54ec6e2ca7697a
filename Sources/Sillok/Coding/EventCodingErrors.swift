/// A stored event has a type for which the event enum has no case.
///
/// Add the case, map an existing one to the type with ``StableEventNames``, or add an ``Upcaster`` that converts or
/// drops its events. No reader skips an event silently.
public struct UnknownEventType: Error, Hashable, CustomStringConvertible {
    /// The type in the log.
    public let type: EventType
    /// The position of the event.
    public let position: Position
    /// The stream of the event, if it has one.
    public let stream: StreamID?
    /// The name of the Swift type that has no such case.
    public let event: String
    /// The name of the decider whose state was being replayed; `nil` if no decider was involved.
    public internal(set) var decider: String?

    /// What happened and what to do, in a few lines.
    public var description: String {
        let fault = "\(event) has no case for the event type \"\(type)\" at position \(position)\(stream.place)."
        let remedy = "Add the case, name an existing one in storedNames, or drop the type by an upcaster."
        guard let decider else { return "\(fault) \(remedy)" }
        let boundary = "If another decider records this type, list only the types of this decider in boundary(of:)."
        return "The state of the decider \(decider) cannot be replayed: \(fault) Nothing was stored. \(remedy)"
            + (stream == nil ? " \(boundary)" : "")
    }

    init(_ recorded: RecordedEvent, _ type: EventType, in event: any Any.Type) {
        self.type = type
        position = recorded.position
        stream = recorded.stream
        self.event = readableName(event)
    }
}

/// An event cannot be stored, because its Swift type or one of its values has no stored form.
public struct UnstorableEvent: Error, Hashable, CustomStringConvertible {
    /// The name of the Swift type of the event.
    public let event: String
    /// The keys that lead to the value, joined by dots; empty for the whole event.
    public let path: String
    /// Why it cannot be stored.
    public let reason: String

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "an event of \(event) cannot be stored\(path.isEmpty ? "" : ", because of \(path)"): \(reason)."
    }

    static let notAnEnum = "it must be an enum whose Codable is synthesized; the case gives the type of the event"

    init(_ event: any Any.Type, _ reason: String) {
        self.event = "\(event)"
        path = ""
        self.reason = reason
    }

    /// An event whose payload, as it would be stored, cannot be decoded.
    init(_ event: any Any.Type, decoding error: any Error) {
        self.event = "\(event)"
        let (path, reason): (String, String) =
            switch error as? DecodingError {
            case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .keyNotFound(_, let context)?,
                .dataCorrupted(let context)?:
                (context.codingPath.dotted, context.debugDescription)
            default: ("", "\(error)")
            }
        self.path = path
        self.reason = "its Codable cannot decode what it encodes: \(reason)"
    }

    init(_ event: any Any.Type, _ error: any Error) {
        self.event = "\(event)"
        if case .invalidValue(_, let context)? = error as? EncodingError {
            path = context.codingPath.dotted
            reason = context.debugDescription
        } else {
            path = ""
            reason = error is CaseEncoder.NotAnEnum ? Self.notAnEnum : "\(error)"
        }
    }
}
