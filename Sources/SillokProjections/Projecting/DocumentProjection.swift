public import SillokCore

/// A projection without SQL: events change documents, each stored under its key.
///
/// The documents are stored as JSON in a table with the projection's ``name`` and the columns `key` and `document`, so
/// that SQL can query them.
public protocol DocumentProjection<Event, Document>: Sendable {
    /// The events that the projection understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// The document that is stored for a key.
    associatedtype Document: Codable & Sendable

    /// The name of the projection and of its table, such as `carts`.
    var name: String { get }

    /// The version of the rule, from 1.
    var version: Int { get }

    /// The query for the events that the projection handles.
    var source: EventQuery { get }

    /// The events that must stay in order. All events of one key must be in one sequence. By default each stream is a
    /// sequence.
    var sequencing: Sequencing { get }

    /// The treatment of an event whose type has no case in ``Event``. By default the projection stops.
    var unknownTypes: UnknownTypePolicy { get }

    /// The treatment of an event whose version is newer than the code. By default the projection stops.
    var newerVersions: NewerVersionPolicy { get }

    /// Returns the key of the document that an event changes, or `nil` for none. By default the stream's name.
    func key(of event: Recorded<Event>) -> String?

    /// Returns the document after an event; `nil` deletes it.
    ///
    /// - Parameters:
    ///   - document: the document before the event, or `nil` if there is none.
    ///   - event: the event.
    func evolve(_ document: Document?, _ event: Recorded<Event>) throws -> Document?
}

extension DocumentProjection {
    /// The default: the events of a stream stay in order.
    public var sequencing: Sequencing { .byStream }

    /// The default: the projection stops, so that no event is skipped silently.
    public var unknownTypes: UnknownTypePolicy { .stop }

    /// The default: the projection stops, so that no event is skipped silently.
    public var newerVersions: NewerVersionPolicy { .stop }

    /// Returns the name of the event's stream, so that each stream has one document.
    public func key(of event: Recorded<Event>) -> String? { event.stream?.text }
}
