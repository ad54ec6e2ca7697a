import Sillok
import SillokCore
import SillokJSON

/// An instance as of a place in the log, in a form that can be stored. It can be deleted at any time.
package struct InstanceSnapshot: Codable, Sendable {
    /// Rises with each change of this type, or of what the records mean.
    static let layout = 1

    let layout: Int
    /// The version of the definition that computed the state.
    let version: Int
    package let mark: EventMark
    let fold: InstanceFold
    let state: JSONFragment

    /// Returns the checksum of a stored snapshot.
    package static func checksum(of text: String) -> String { sha256(of: Array(text.utf8)).hexadecimal }
}

/// The part of an instance that the definition does not know.
struct InstanceFold: Codable, Hashable, Sendable {
    var revision: Revision
    var status: String
    var generation: Int
    var version: Int
    var steps: [Step]
    var waiting: [Deadline]
    var streams: [StreamID]
    var ignoredEvents: Int
    var handled: HandledEvents
    var skipped: [EventID]
    var first: Position?
    var compensated: Int?
    var parked: String?
    var parkedInput: EventID?
    var mayPass: EventID?

    struct Step: Codable, Hashable, Sendable {
        let id: EventID
        let kind: PlannedStep.Kind
        let payload: JSONFragment
        let undo: ProcessRecord.Undo?
        let undoes: EventID?
        let generation: Int
        let metadata: [[String]]
        let outcome: PlannedStep.Outcome
    }

    struct Deadline: Codable, Hashable, Sendable {
        let id: EventID
        let deadline: JSONFragment
        let due: Timestamp?
        let metadata: [[String]]
    }
}

extension InstanceFold.Step {
    init(_ step: PlannedStep) {
        self.init(
            id: step.id, kind: step.kind, payload: step.payload, undo: step.undo, undoes: step.undoes,
            generation: step.generation, metadata: step.metadata.pairs, outcome: step.outcome)
    }

    var step: PlannedStep {
        PlannedStep(
            id: id, kind: kind, payload: payload, undo: undo, undoes: undoes, generation: generation,
            metadata: Metadata(pairs: metadata), outcome: outcome)
    }
}

extension Metadata {
    fileprivate var pairs: [[String]] { entries.map { [$0.key, $0.value] } }

    fileprivate init(pairs: [[String]]) {
        self.init()
        for pair in pairs where pair.count == 2 { self[pair[0]] = pair[1] }
    }
}

extension ProcessInstance {
    /// Returns the snapshot of an instance; `nil` if its state cannot be stored, or something waits for a
    /// release or an operator.
    package func snapshot(at mark: EventMark) throws -> InstanceSnapshot? {
        guard let state = state as? any Codable, deferred.isEmpty, acts.isEmpty else { return nil }
        return InstanceSnapshot(
            layout: InstanceSnapshot.layout, version: Manager.version, mark: mark,
            fold: InstanceFold(
                revision: revision, status: status.rawValue, generation: generation, version: version,
                steps: order.compactMap { steps[$0] }.map { .init($0) },
                waiting: waiting.values.map {
                    .init(id: $0.id, deadline: $0.deadline, due: $0.due, metadata: $0.metadata.pairs)
                }, streams: streams.sorted(),
                ignoredEvents: ignoredEvents, handled: handled, skipped: skipped.sorted(), first: first,
                compensated: compensated,
                parked: parked, parkedInput: parkedInput, mayPass: mayPass),
            state: try JSONFragment(of: state))
    }

    /// Restores an instance; `nil` if another version of the definition or of this type wrote the snapshot.
    package init?(key: String, _ snapshot: InstanceSnapshot) throws {
        guard snapshot.layout == InstanceSnapshot.layout, snapshot.version == Manager.version,
            let type = Manager.self as? any Codable.Type, let status = Status(rawValue: snapshot.fold.status),
            let state = try snapshot.state.decoded(as: type) as? Manager
        else { return nil }
        self.init(key: key)
        let fold = snapshot.fold
        (self.state, self.status, revision, generation) = (state, status, fold.revision, fold.generation)
        (version, streams, ignoredEvents) = (fold.version, Set(fold.streams), fold.ignoredEvents)
        (handled, first, compensated) = (fold.handled, fold.first, fold.compensated)
        skipped = Set(fold.skipped)
        (parked, parkedInput, mayPass) = (fold.parked, fold.parkedInput, fold.mayPass)
        for stored in fold.steps {
            steps[stored.id] = stored.step
            order.append(stored.id)
        }
        for stored in fold.waiting {
            waiting[stored.deadline] = WaitingDeadline(
                id: stored.id, deadline: stored.deadline, due: stored.due, metadata: Metadata(pairs: stored.metadata))
        }
    }
}
