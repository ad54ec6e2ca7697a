public import SillokCore
import SillokSQL

/// A projection without SQL: events evolve documents, each kept under its key.
///
/// The documents lie as JSON in a table of the projection's ``name`` with the columns `key` and `document`, so that SQL
/// can look into them.
public protocol DocumentProjection<Event, Document>: Sendable {
    /// The events that it understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// What is kept for a key.
    associatedtype Document: Codable & Sendable

    /// The name of the projection and of its table, such as `carts`.
    var name: String { get }

    /// The version of the rule, from 1.
    var version: Int { get }

    /// The events that it wants.
    var source: EventQuery { get }

    /// Which events must stay in their order. Events of one key must be of one sequence. By default those of a stream.
    var sequencing: Sequencing { get }

    /// What becomes of an event of a type that ``Event`` has no case for. By default the projection stops.
    var unknownTypes: UnknownTypePolicy { get }

    /// What becomes of an event of a version that is newer than the code. By default the projection stops.
    var newerVersions: NewerVersionPolicy { get }

    /// The key of the document that an event evolves; `nil`: none. By default its stream's name.
    func key(of event: Recorded<Event>) -> String?

    /// The document after an event; `nil` takes it away.
    ///
    /// - Parameters:
    ///   - document: the document before; `nil`: there is none.
    ///   - event: the event.
    func evolve(_ document: Document?, _ event: Recorded<Event>) throws -> Document?
}

extension DocumentProjection {
    /// The events of a stream stay in their order.
    public var sequencing: Sequencing { .byStream }

    /// Nothing is skipped in silence.
    public var unknownTypes: UnknownTypePolicy { .stop }

    /// Nothing is skipped in silence.
    public var newerVersions: NewerVersionPolicy { .stop }

    /// A document for each stream.
    public func key(of event: Recorded<Event>) -> String? { event.stream?.text }
}

/// A projection of either kind without its type: what runs it needs no more.
package struct ProjectionRule: Sendable {
    /// What an event does.
    package enum Effect {
        case changes([SQL])
        /// Documents to evolve, in order, all of them or none.
        case documents([DocumentChange])
        case nothing
    }

    /// What an event does to one document.
    package struct DocumentChange {
        package let key: String
        package let evolve: (_ document: (any Sendable)?) throws -> (any Sendable)?
    }

    /// How documents are kept.
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

    /// The rule, which parks nothing.
    var parkingNothing: ProjectionRule {
        var rule = self
        if unknownTypes == .park { rule.unknownTypes = .stop }
        if newerVersions == .park { rule.newerVersions = .stop }
        return rule
    }

    /// The rule of a projection that writes SQL.
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

    /// The rule of a projection of documents.
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
