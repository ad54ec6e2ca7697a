public import SillokCore

/// A pure function that turns an old event into the next version when it is read. The stored event does not change.
///
/// ```swift
/// .change("deposited", from: 1) { old in old.payload.rename("amount", to: "cents") }
/// ```
/// Each upcaster takes one version of one type one step further. A reader applies them in order, see ``EventSchema``.
public struct Upcaster: Sendable {
    /// One of the events that an old event becomes.
    public struct Part: Sendable {
        /// The type, one of those that the upcaster lists.
        public var type: EventType
        /// The payload of the event.
        public var payload: JSONObject

        /// Creates an event with a type and a payload.
        public init(_ type: EventType, _ payload: JSONObject) {
            self.type = type
            self.payload = payload
        }
    }

    /// The stored type of the events that it reads.
    public let type: EventType
    /// The version that it reads.
    public let version: Int
    /// The types that it writes, each with its version.
    public let results: [EventType: Int]

    let isChange: Bool
    let apply: @Sendable (OldEvent) throws -> [Part]

    /// Returns an upcaster to the next version of the same type, which can rename, add and remove members.
    ///
    /// - Parameters:
    ///   - type: the stored type.
    ///   - version: the version that it reads; it writes the next one.
    ///   - body: changes the payload. If it throws, the reader gets a ``DamagedPayload``, and stops or parks the event.
    public static func change(
        _ type: EventType, from version: Int, _ body: @escaping @Sendable (_ old: inout OldEvent) throws -> Void
    ) -> Upcaster {
        Upcaster(type: type, version: version, results: [type: version &+ 1], isChange: true) { old in
            var changed = old
            try body(&changed)
            return [Part(type, changed.payload)]
        }
    }

    /// Returns an upcaster to other types: none, one or several events, in order. To rename a type, list one.
    ///
    /// All of these events have the position and the revision of the stored event. A reader never stops between them.
    /// - Parameters:
    ///   - type: the stored type. If the type no longer exists, `version` is its last version.
    ///   - version: the version that it reads.
    ///   - results: the types that it writes, and the version of the payload of each.
    ///   - body: makes the events. If it throws, the reader gets a ``DamagedPayload``, and stops or parks the event.
    public static func split(
        _ type: EventType, from version: Int, into results: [EventType: Int],
        _ body: @escaping @Sendable (_ old: OldEvent) throws -> [Part]
    ) -> Upcaster {
        Upcaster(type: type, version: version, results: results, isChange: false, apply: body)
    }

    /// Returns an upcaster that removes events of this type and version for every reader. The log keeps these events.
    public static func drop(_ type: EventType, from version: Int) -> Upcaster {
        split(type, from: version, into: [:]) { _ in [] }
    }
}

/// An old event that an upcaster reads.
public struct OldEvent: Sendable {
    /// The payload in the version that the upcaster reads.
    public var payload: JSONObject
    /// The stored event, with its time, place and metadata.
    public let recorded: RecordedEvent
}
