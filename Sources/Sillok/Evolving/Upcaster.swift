public import SillokCore

/// A pure function that makes an old event new when it is read. What is stored stays as it is.
///
/// ```swift
/// .change("deposited", from: 1) { old in old.payload.rename("amount", to: "cents") }
/// ```
/// Each takes one version of one type a step further; a reader applies them one after the other, see ``EventSchema``.
public struct Upcaster: Sendable {
    /// One event that an old one becomes.
    public struct Part: Sendable {
        /// Its type; one of those that the upcaster names.
        public var type: EventType
        /// Its payload.
        public var payload: JSONObject

        /// An event of a type with its payload.
        public init(_ type: EventType, _ payload: JSONObject) {
            self.type = type
            self.payload = payload
        }
    }

    /// The type of the events that it takes, as stored.
    public let type: EventType
    /// The version that it takes.
    public let version: Int
    /// What it makes: types, each with its version.
    public let results: [EventType: Int]

    let isChange: Bool
    let apply: @Sendable (OldEvent) throws -> [Part]

    /// The next version of the same type: renames, fills in, takes away.
    ///
    /// - Parameters:
    ///   - type: the type, as stored.
    ///   - version: the version that it takes; it makes the next one.
    ///   - body: changes the payload. What it throws damages the event for its reader, which stops or parks it.
    public static func change(
        _ type: EventType, from version: Int, _ body: @escaping @Sendable (_ old: inout OldEvent) throws -> Void
    ) -> Upcaster {
        Upcaster(type: type, version: version, results: [type: version &+ 1], isChange: true) { old in
            var changed = old
            try body(&changed)
            return [Part(type, changed.payload)]
        }
    }

    /// Events of other types, none, one or several, in order; to rename a type, name one.
    ///
    /// All of them are read as one: a reader takes all or none, at the position and revision of the stored one.
    /// - Parameters:
    ///   - type: the type, as stored. If it is to be no more, its last version.
    ///   - version: the version that it takes.
    ///   - results: the types that it makes, and the version in which it writes the payload of each.
    ///   - body: makes them. What it throws damages the event for its reader, which stops or parks it.
    public static func split(
        _ type: EventType, from version: Int, into results: [EventType: Int],
        _ body: @escaping @Sendable (_ old: OldEvent) throws -> [Part]
    ) -> Upcaster {
        Upcaster(type: type, version: version, results: results, isChange: false, apply: body)
    }

    /// Nothing: events of this type and version are read as if they had not happened. Said here, so never in silence.
    public static func drop(_ type: EventType, from version: Int) -> Upcaster {
        split(type, from: version, into: [:]) { _ in [] }
    }
}

/// An event on its way from an old version to a new one.
public struct OldEvent: Sendable {
    /// The payload as of the version that the upcaster takes.
    public var payload: JSONObject
    /// The event as it is stored: when, where, why.
    public let recorded: RecordedEvent
}
