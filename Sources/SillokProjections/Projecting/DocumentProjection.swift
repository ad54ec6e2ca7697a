public import SillokCore
import SillokSQL

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

    /// The events that must stay in order. The events of a key must be in one sequence. By default that is a stream.
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

/// A type-erased projection of either kind, as the runners use it.
package struct ProjectionRule: Sendable {
    /// The effect of an event.
    package enum Effect {
        case changes([SQL])
        /// Documents to change, in order. All changes are made, or none.
        case documents([DocumentChange])
        case nothing
    }

    /// The effect of an event on one document.
    package struct DocumentChange {
        package let key: String
        package let evolve: (_ document: (any Sendable)?) throws -> (any Sendable)?
    }

    /// The functions that read and write documents.
    package struct Documents: Sendable {
        let table: String
        let decode: @Sendable (String) throws -> any Sendable
        /// The text of a document, and whether no value in it is one that a reader decodes as another one.
        let encode: @Sendable (any Sendable) throws -> (text: String, isKept: Bool)
    }

    package let name: String
    package let version: Int
    package let source: EventQuery
    package let schema: [SQL]
    package let sequencing: Sequencing
    package private(set) var unknownTypes: UnknownTypePolicy
    package private(set) var newerVersions: NewerVersionPolicy
    package let documents: Documents?
    package let effect: @Sendable (RecordedEvent) throws -> Effect
    package let clear: @Sendable (_ sequence: String) -> [SQL]?

    /// The same rule with stop policies instead of parking.
    var parkingNothing: ProjectionRule {
        var rule = self
        if unknownTypes == .park { rule.unknownTypes = .stop }
        if newerVersions == .park { rule.newerVersions = .stop }
        return rule
    }

    /// Creates the rule of a projection that writes SQL.
    package init<Rule: Projection>(_ rule: Rule) {
        let coding = EventCoding<Rule.Event>()
        name = rule.name
        version = rule.version
        let wanted = rule.source
        source = coding.schema.stored(wanted)
        schema = rule.schema
        sequencing = rule.sequencing
        unknownTypes = rule.unknownTypes
        newerVersions = rule.newerVersions
        documents = nil
        let ignores = rule.unknownTypes == .ignore
        effect = { event in
            do {
                var changes: [SQL] = []
                try coding.forEach(of: event, for: wanted, ignoringUnknown: ignores) { payload, type in
                    let made = try rule.project(Recorded(event, type: type, payload: payload))
                    if changes.isEmpty { changes = made } else { changes += made }
                }
                return .changes(changes)
            } catch is UnknownEventType where ignores {
                return .nothing
            }
        }
        clear = { rule.clear(sequence: $0) }
    }

    /// Creates the rule of a projection of documents.
    package init<Rule: DocumentProjection>(documents rule: Rule) {
        let coding = EventCoding<Rule.Event>()
        name = rule.name
        version = rule.version
        let wanted = rule.source
        source = coding.schema.stored(wanted)
        schema = ["CREATE TABLE \(table: rule.name) (key TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL)"]
        sequencing = rule.sequencing
        unknownTypes = rule.unknownTypes
        newerVersions = rule.newerVersions
        documents = Documents(
            table: rule.name, decode: { try PlainCoding.decode(Rule.Document.self, from: $0) },
            encode: { document in
                guard let document = document as? Rule.Document else { return ("null", true) }
                return try PlainCoding.encodeChecked(document)
            })
        let ignores = rule.unknownTypes == .ignore
        effect = { event in
            let recorded: [Recorded<Rule.Event>]
            do {
                recorded = try coding.recorded(event, for: wanted, ignoringUnknown: ignores)
            } catch is UnknownEventType where ignores {
                return .nothing
            }
            return .documents(
                recorded.compactMap { one in
                    guard let key = rule.key(of: one) else { return nil }
                    return DocumentChange(key: key) { try rule.evolve($0 as? Rule.Document, one) }
                })
        }
        clear = { _ in nil }
    }
}
