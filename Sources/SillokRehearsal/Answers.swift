import Sillok
import SillokCore
import SillokHistory
import SillokProcessMachine

extension ProcessInstance {
    /// What an instance wants after an input: the records that it would append, or why it would not take the input.
    struct Answer {
        var records: [EventData]?
        var problem = ""
    }

    /// Returns what this version wants after a recorded input; `nil` if the manager has no part in it.
    ///
    /// - Parameters:
    ///   - record: the first record of the input.
    ///   - event: how it was recorded.
    ///   - received: the event of the source, if the input is one.
    ///   - silent: events of the source up to here lead to no steps.
    mutating func answer(
        to record: ProcessRecord, _ event: RecordedEvent, _ received: Rehearsal<Manager>.Received?,
        after silent: Position
    ) throws -> Answer? {
        if let act = event.cause, hasRequested(act) { return Answer(records: try obey(act)) }
        switch record {
        case .started, .received, .ignored: return try received.map { try answer(to: $0, after: silent) }
        case .requestAccepted(let step): return Answer(records: try settle(step, RequestResult.accepted))
        case .requestRefused(let step, let reason):
            return Answer(records: try settle(step, RequestResult.refused(reason: reason)))
        case .effectDone(let step, let result): return Answer(records: try settle(step, EffectResult.done(result)))
        case .effectFailed(let step, let reason):
            return Answer(records: try settle(step, EffectResult.failed(reason: reason)))
        case .effectUnknown(let step, let reason):
            return Answer(records: try settle(step, EffectResult.unknown(reason: reason)))
        case .deadlineFired(let step): return Answer(records: try fire(step))
        case .released(let reason):
            guard let act = event.cause else { return nil }
            return Answer(records: try release(act, reason: reason, by: event.metadata))
        // The start of a call, and what operators have requested.
        case .effectStarted, .parked, .inputSkipped, .actRequested, .actEnded: return nil
        // The end that an operator wanted, and steps, which are never the first record of an input.
        case .compensationStarted, .compensationEnded, .completed, .requestPlanned, .effectPlanned, .effectCancelled,
            .deadlineScheduled, .deadlineCancelled:
            return nil
        }
    }

    private mutating func answer(to received: Rehearsal<Manager>.Received, after silent: Position) throws -> Answer {
        let reacts = received.event.position > silent
        let correlations = received.parts.map { Manager.correlate($0) }
        if correlations.isEmpty { return Answer(problem: "ignore the event") }
        switch try receive(received.event, received.parts, correlations, hopLimit: .max, reacts: reacts) {
        case .records(let records): return Answer(records: records)
        case .known, .busy: return Answer(problem: "ignore the event at this point")
        case .early: return Answer(problem: "not start with the event")
        }
    }
}

extension ProcessInstance {
    /// Whether a record is the first that follows from an input, and not one more of the input before.
    ///
    /// The records of an input are one append and have one cause. Two inputs in a row may have the same cause, such as
    /// the start of a call and its end. What follows from the act of an operator may look like other inputs.
    func begins(_ event: RecordedEvent, after last: RecordedEvent) throws -> Bool {
        if event.metadata.causationID != last.metadata.causationID { return true }
        if let act = event.cause, hasRequested(act) { return false }
        switch try ProcessRecord.coding.decode(event).first {
        case .requestPlanned, .effectPlanned, .effectCancelled, .deadlineScheduled, .deadlineCancelled,
            .compensationStarted, .compensationEnded, .completed:
            return false
        case .received: return last.type != "started"
        default: return true
        }
    }
}

extension RecordedEvent {
    /// The event or the act that led to this one.
    fileprivate var cause: EventID? { metadata.causationID.flatMap { EventID($0) } }
}

extension ProcessRecord {
    var isReceived: Bool { if case .received = self { true } else { false } }

    /// The event of the source that the record refers to.
    var sourceEvent: (position: Position, id: EventID)? {
        switch self {
        case .received(let position, let id, _), .ignored(let position, let id): (position, id)
        default: nil
        }
    }

    /// The record without the version of the definition, which differs in every rehearsal.
    var withoutVersion: ProcessRecord {
        if case .started(let generation, _) = self { .started(generation: generation, version: 0) } else { self }
    }

    /// The input that the record is the first of, for people.
    func input<Manager>(of instance: ProcessInstance<Manager>, _ event: RecordedEvent?) -> String {
        func payload(_ step: EventID) -> String { instance.steps[step].map { " \($0.payload)" } ?? "" }
        switch self {
        case .started, .received, .ignored: return event.map { "\($0.type)" } ?? "event"
        case .requestAccepted(let step): return "accepted\(payload(step))"
        case .requestRefused(let step, let reason): return "refused\(payload(step)): \(reason)"
        case .effectDone(let step, _): return "done\(payload(step))"
        case .effectFailed(let step, let reason): return "failed\(payload(step)): \(reason)"
        case .effectUnknown(let step, let reason): return "unknown\(payload(step)): \(reason)"
        case .deadlineFired(let step):
            return "deadline \(instance.waiting.values.first { $0.id == step }.map { "\($0.deadline)" } ?? "")"
        default: return "\(summary)"
        }
    }

    /// A step for people, such as `request {"reserve":{"item":"lamp"}}`.
    var summary: String {
        switch self {
        case .requestPlanned(let request, let undo, _): "request \(request)\(undo.summary)"
        case .effectPlanned(let effect, let undo, _): "perform \(effect)\(undo.summary)"
        case .deadlineScheduled(let deadline, let due, let after, _):
            "schedule \(deadline) \(due.map { "at \($0)" } ?? "after \(Duration.microseconds(after ?? 0))")"
        case .deadlineCancelled(let deadline, _): "cancel \(deadline)"
        case .effectCancelled(let effect, _): "cancel \(effect)"
        case .compensationStarted(let reason): "compensate: \(reason)"
        case .compensationEnded: "end the compensation"
        case .completed: "complete"
        case .started: "start"
        case .received: "take the event"
        case .ignored: "ignore the event"
        case .parked(_, let reason): "park: \(reason)"
        case .released: "release"
        case .inputSkipped: "skip the event"
        case .actRequested(let act): "\(act.name)"
        case .requestAccepted, .requestRefused, .effectStarted, .effectDone, .effectFailed, .effectUnknown,
            .deadlineFired, .actEnded:
            "record the input"
        }
    }
}

extension ProcessRecord.Undo? {
    fileprivate var summary: String {
        switch self {
        case .request(let request): ", undo: request \(request)"
        case .effect(let effect): ", undo: perform \(effect)"
        case nil: ""
        }
    }
}
