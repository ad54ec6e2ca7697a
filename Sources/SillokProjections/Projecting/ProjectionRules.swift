import Sillok
import SillokCore
import SillokJSON
package import SillokProjectionMachine
import SillokSQL

// The rules of projections, as the machine needs them: without their types.
extension ProjectionRule {
    /// The same rule, which stops where it would park.
    var parkingNothing: ProjectionRule {
        var rule = self
        (rule.parksUnknownTypes, rule.parksNewerVersions) = (false, false)
        return rule
    }

    /// Creates the rule of a projection that writes SQL.
    package init<Rule: Projection>(_ rule: Rule) {
        let coding = EventCoding<Rule.Event>()
        let wanted = rule.source
        let ignores = rule.unknownTypes == .ignore
        self.init(
            name: rule.name, version: rule.version, source: coding.schema.stored(wanted), schema: rule.schema,
            sequencing: rule.sequencing.name, sequence: rule.sequencing.sequence,
            parksUnknownTypes: rule.unknownTypes == .park, parksNewerVersions: rule.newerVersions == .park,
            effect: { event in
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
            },
            clear: { rule.clear(sequence: $0) })
    }

    /// Creates the rule of a projection of documents.
    package init<Rule: DocumentProjection>(documents rule: Rule) {
        let coding = EventCoding<Rule.Event>()
        let wanted = rule.source
        let ignores = rule.unknownTypes == .ignore
        self.init(
            name: rule.name, version: rule.version, source: coding.schema.stored(wanted),
            schema: ["CREATE TABLE \(table: rule.name) (key TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL)"],
            sequencing: rule.sequencing.name, sequence: rule.sequencing.sequence,
            parksUnknownTypes: rule.unknownTypes == .park, parksNewerVersions: rule.newerVersions == .park,
            documents: Documents(
                table: rule.name, decode: { try PlainCoding.decode(Rule.Document.self, from: $0) },
                encode: { document in
                    guard let document = document as? Rule.Document else { return ("null", true) }
                    return try PlainCoding.encodeChecked(document)
                }),
            effect: { event in
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
            },
            clear: { _ in nil })
    }
}

extension FailurePolicy {
    /// How failing events are parked; `nil` if the projection stops before them.
    var parking: Parking? {
        switch self {
        case .stop: nil
        case .park(let attempts, let pause, let capacity): Parking(attempts: attempts, pause: pause, capacity: capacity)
        }
    }
}
