package import Sillok
import SillokCore
import SillokJSON

// What follows from an input: the records to append, as one append, under `isUnchanged`.
extension ProcessInstance {
    /// What an event of the source means for the instance.
    package enum Reception: Sendable {
        /// The records to append.
        case records([EventData])
        /// It was handled before, or has had its chance.
        case known
        /// The instance was never started, and the event cannot start it.
        case early(isHeld: Bool)
        /// The generation before is still being undone. The event starts the next one after that.
        case busy
    }

    /// Takes an event of the source.
    ///
    /// - Parameters:
    ///   - parts: the event, decoded, as often as upcasters made of it.
    ///   - correlations: of each part that belongs to this instance.
    ///   - hopLimit: the number of steps that may have led to the event before the instance is parked.
    ///   - reacts: whether steps follow from it. Otherwise it is applied to the state, and may complete the instance.
    ///   - isRecorded: whether the log has a record of it; see ``mayHaveForgotten(_:)``.
    package mutating func receive(
        _ event: RecordedEvent, _ parts: [Recorded<Manager.Event>], _ correlations: [Correlation], hopLimit: Int,
        reacts: Bool = true, isRecorded: Bool = false
    ) throws -> Reception {
        if hasHandled(event, isHeld: correlations.contains { $0.isHeld }, isRecorded: isRecorded) { return .known }
        var draft = Draft(self, input: .event(event.id), cause: event.metadata, id: event.id)
        switch status {
        case .unknown:
            guard correlations.contains(where: \.mayStart) else {
                return .early(isHeld: correlations.contains { $0.isHeld })
            }
        case .running: break
        case .completed:
            guard correlations.contains(where: { if case .starts = $0 { true } else { false } }) else {
                try draft.add(.ignored(position: event.position, event: event.id))
                return .records(adopt(draft))
            }
            if isCompensating { return .busy }
        }
        guard draft.hops <= hopLimit || mayPass == event.id else {
            return .records(
                try park(
                    event.id,
                    "\(draft.hops - 1) steps of processes led to \(event.type) at position \(event.position); the "
                        + "limit is \(hopLimit). Do processes answer each other?"))
        }
        if status != .running {
            draft.generation = generation + 1
            try draft.add(.started(generation: generation + 1, version: Manager.version))
        }
        try draft.add(.received(position: event.position, event: event.id, stream: event.stream))
        for part in parts { try draft.answer(.event(part), recordedAt: event.recordedAt, reacts: reacts) }
        try draft.compensate()
        return .records(adopt(draft))
    }

    /// Takes the result of a request. Returns no records if it is settled.
    package mutating func settle(_ step: EventID, _ result: RequestResult) throws -> [EventData] {
        guard let planned = steps[step], planned.kind == .request, !planned.outcome.isSettled else { return [] }
        switch result {
        case .accepted: return try follow(.requestAccepted(step: step), .result(step), planned)
        case .refused(let reason):
            return try follow(.requestRefused(step: step, reason: reason.limited), .result(step), planned)
        }
    }

    /// Takes the result of an effect. Returns no records if it is settled.
    package mutating func settle(_ step: EventID, _ result: EffectResult) throws -> [EventData] {
        guard let planned = steps[step], planned.kind == .effect, !planned.outcome.isSettled else { return [] }
        switch result {
        case .done(let text): return try follow(.effectDone(step: step, result: text.limited), .result(step), planned)
        case .failed(let reason):
            return try follow(.effectFailed(step: step, reason: reason.limited), .result(step), planned)
        case .unknown(let reason):
            if planned.outcome == .unknown { return [] }
            return try follow(.effectUnknown(step: step, reason: reason.limited), .unknown(step), planned)
        }
    }

    /// Notes that the first call of an effect is about to be made. Returns no records if it was, or must not be.
    package mutating func start(_ step: EventID) throws -> [EventData] {
        guard let planned = steps[step], planned.kind == .effect, planned.outcome == .open else { return [] }
        return try follow(.effectStarted(step: step), .start(step), planned)
    }

    /// Fires a deadline. Returns no records if it does not wait: it was cancelled, replaced, fired, or its generation
    /// has ended.
    package mutating func fire(_ id: EventID) throws -> [EventData] {
        guard let deadline = waiting.values.first(where: { $0.id == id }) else { return [] }
        // A deadline ends a chain of steps: what it leads to is counted from 0.
        var cause = deadline.metadata
        cause[Metadata.hopsKey] = nil
        var draft = Draft(self, input: .deadline(id), cause: cause, id: id)
        try draft.follow(.deadlineFired(step: id))
        return adopt(draft)
    }

    /// Parks the instance: it takes no inputs until an operator releases it.
    package mutating func park(_ input: EventID?, _ reason: String) throws -> [EventData] {
        if parked != nil { return [] }
        let id = input ?? EventID(high: 0, low: 0)
        var draft = Draft(self, input: .parking(id, revision), cause: Metadata(), id: id)
        try draft.add(.parked(input: input, reason: reason.limited))
        return adopt(draft)
    }

    /// Lets a parked instance continue. Returns no records if it is not parked.
    package mutating func release(_ act: EventID, reason: String, by cause: Metadata) throws -> [EventData] {
        if parked == nil { return [] }
        var draft = Draft(self, input: .act(act), cause: cause, id: act)
        try draft.follow(.released(reason: reason.limited))
        return adopt(draft)
    }

    /// Ends a running instance for an operator, and undoes its steps if wanted. Returns no records if it does not run.
    package mutating func end(
        _ act: EventID, reason: String, compensating: Bool, by cause: Metadata
    ) throws -> [EventData] {
        guard status == .running else { return [] }
        var draft = Draft(self, input: .act(act), cause: cause, id: act)
        if compensating { try draft.add(.compensationStarted(reason: reason.limited)) }
        try draft.add(.completed(reason: reason.limited))
        try draft.compensate()
        return adopt(draft)
    }

    private mutating func follow(
        _ record: ProcessRecord, _ input: InputID, _ step: PlannedStep
    ) throws -> [EventData] {
        var draft = Draft(self, input: input, cause: step.metadata, id: step.id)
        draft.generation = step.generation
        try draft.follow(record)
        return adopt(draft)
    }

    mutating func adopt(_ draft: Draft<Manager>) -> [EventData] {
        self = draft.instance
        revision = Revision(revision.value &+ UInt64(draft.records.count))
        return draft.records
    }
}

extension String {
    /// The text, cut to what a record may contain.
    package var limited: String {
        let limit = 16 << 10
        if utf8.count <= limit { return self }
        var text = String(decoding: utf8.prefix(limit), as: UTF8.self)
        while text.last == "\u{FFFD}" { text.removeLast() }
        return text
    }
}
