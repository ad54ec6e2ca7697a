package import Sillok
package import SillokCore
package import SillokJSON

/// One instance of a process: the fold of its stream, and what follows from an input. Pure: no I/O and no clock.
package struct ProcessInstance<Manager: ProcessManager>: Sendable {
    package enum Status: String, Hashable, Sendable {
        case unknown, running, completed
    }

    package let key: String
    package var revision = Revision.none
    package internal(set) var state = Manager()
    package internal(set) var status = Status.unknown
    package internal(set) var generation = 0
    /// The version of the definition when the generation started.
    package internal(set) var version = 0
    /// Why the instance takes no inputs, if an input could not be handled.
    package internal(set) var parked: String?
    package internal(set) var steps: [EventID: PlannedStep] = [:]
    package internal(set) var waiting: [JSONFragment: WaitingDeadline] = [:]
    /// The streams that its events came from.
    package internal(set) var streams: Set<StreamID> = []
    package internal(set) var ignoredEvents = 0

    /// The steps in the order in which they were planned.
    var order: [EventID] = []
    /// The events of the source that were handled.
    var handled = HandledEvents()
    /// Those that an operator decided not to handle.
    var skipped: Set<EventID> = []
    /// The first event of the source that was handled.
    var first: Position?
    /// The number of steps that existed when the compensation started; `nil` without one.
    var compensated: Int?
    /// The event that parked the instance, and after an operator's release the one that may pass the limit.
    var parkedInput: EventID?
    var mayPass: EventID?
    /// Results that arrived while the instance was parked. The state takes them when it is released.
    var deferred: [ProcessInput<Manager>] = []
    /// The acts of operators that the runner has not executed, with who wants them and why.
    var acts: [EventID: RequestedAct] = [:]
    let ids: DerivedID

    package init(key: String) {
        self.key = key
        ids = DerivedID(process: Manager.name, key: key)
    }

    /// Returns whether an operator has requested an act that the runner has not executed.
    package func hasRequested(_ act: EventID) -> Bool { acts[act] != nil }

    /// The stream of the instance.
    package var stream: StreamID { Manager.stream(of: key) }

    /// The condition under which records of this state may be appended.
    package var isUnchanged: AppendCondition { .revision(revision, of: stream) }

    /// Returns whether an event of the source has been handled, or has had its chance.
    ///
    /// Events are known by their ids, and those before the start by their position. An event that was parked and is
    /// projected late is handled late.
    /// - Parameter isRecorded: whether the log has a record of it. An event that ``mayHaveForgotten(_:)`` needs it.
    package func hasHandled(_ event: RecordedEvent, isHeld: Bool, isRecorded: Bool = false) -> Bool {
        if isRecorded || handled.contains(event.id) || skipped.contains(event.id) { return true }
        guard let first, !isHeld else { return false }
        return event.position < first
    }

    /// Returns whether an event may be one of those that are no longer known by their ids.
    package func mayHaveForgotten(_ event: RecordedEvent) -> Bool {
        event.position <= handled.forgotten && !handled.contains(event.id)
    }

    /// Returns the ids under which the log would have the first record of an event, the latest generation first.
    package func recordIDs(of event: EventID) -> [EventID] {
        (0...max(0, generation)).reversed().map { ids.id(generation: $0, .event(event), 0) }
    }

    /// Returns the id under which the command of a request is executed.
    package func command(of step: PlannedStep) -> CommandID {
        let id = ids.id(generation: step.generation, .command(step.id), 0)
        return CommandID(high: id.high, low: id.low)
    }

    /// Returns the requests and effects that are not settled, in the order in which they were planned.
    package var open: [PlannedStep] { order.compactMap { steps[$0] }.filter { !$0.outcome.isSettled } }

    /// The first request that is not settled.
    package var openRequest: PlannedStep? { open.first { $0.kind == .request } }
}

// Compensation.
extension ProcessInstance {
    /// What a compensation does next.
    enum NextUndo {
        /// There is no compensation.
        case none
        /// All that was executed is undone.
        case end
        /// A step that has an undo, or an undo, has no known outcome.
        case waits
        /// The undo of a step.
        case plan(ProcessRecord.Undo, of: EventID)
    }

    /// The undo of the last step that was executed and not undone, of those planned before the compensation.
    var nextUndo: NextUndo {
        guard let count = compensated else { return .none }
        if parked != nil { return .waits }
        let all = order.compactMap { steps[$0] }
        let undone = Set(all.compactMap(\.undoes))
        if all.contains(where: { $0.undoes != nil && !$0.outcome.isSettled }) { return .waits }
        for step in all.prefix(count).reversed() where !undone.contains(step.id) {
            guard let undo = step.undo else { continue }
            switch step.outcome {
            case .open, .started, .unknown: return .waits
            case .without: continue
            case .executed: return .plan(undo, of: step.id)
            }
        }
        return .end
    }

    /// Whether a compensation has begun and not ended.
    package var isCompensating: Bool { if case .none = nextUndo { false } else { true } }
}

// The fold.
extension ProcessInstance {
    /// Applies a record of the stream.
    ///
    /// - Parameter source: the events that a ``ProcessRecord/received(position:event:stream:)`` refers to, decoded.
    package mutating func apply(
        _ record: ProcessRecord, _ event: RecordedEvent, source: [Recorded<Manager.Event>]
    ) throws {
        revision = event.revision
        let inputs = try take(record, id: event.id, at: event.recordedAt, event.metadata, source)
        for input in inputs { state.evolve(input) }
    }

    /// Applies a record, except to the state. Returns the inputs that the state has to take.
    ///
    /// - Parameter time: when it was recorded; `nil` while it is not recorded yet.
    mutating func take(
        _ record: ProcessRecord, id: EventID, at time: Timestamp?, _ metadata: Metadata,
        _ source: [Recorded<Manager.Event>]
    ) throws -> [ProcessInput<Manager>] {
        switch record {
        case .started(let generation, let version): start(generation, version)
        case .received(let position, let event, let stream):
            handled.insert(event, at: position)
            first = min(first ?? position, position)
            if let stream { streams.insert(stream) }
            if mayPass == event { mayPass = nil }
            return source.map { .event($0) }
        case .ignored(let position, let event):
            handled.insert(event, at: position)
            ignoredEvents += 1
        case .requestPlanned(let request, let undo, let undoes):
            plan(.request, request, undo, undoes, id, metadata)
        case .effectPlanned(let effect, let undo, let undoes): plan(.effect, effect, undo, undoes, id, metadata)
        case .requestAccepted(let step): return try settle(step, .executed, request: .accepted)
        case .requestRefused(let step, let reason):
            return try settle(step, .without, request: .refused(reason: reason))
        case .effectStarted(let step): steps[step]?.outcome = .started(at: time)
        case .effectDone(let step, let result): return try settle(step, .executed, effect: .done(result))
        case .effectFailed(let step, let reason): return try settle(step, .without, effect: .failed(reason: reason))
        case .effectUnknown(let step, let reason): return try settle(step, .unknown, effect: .unknown(reason: reason))
        case .effectCancelled(_, let step): if let step { steps[step]?.outcome = .without }
        case .deadlineScheduled, .deadlineCancelled, .deadlineFired:
            return try takeDeadline(record, id: id, at: time, metadata)
        case .compensationStarted: compensated = order.count
        case .compensationEnded: compensated = nil
        case .completed:
            status = .completed
            waiting = [:]
        case .parked(let input, let reason): (parked, parkedInput) = (reason, input)
        case .inputSkipped(let event): skipped.insert(event)
        case .released:
            let results = deferred
            (parked, parkedInput, mayPass, deferred) = (nil, nil, parkedInput, [])
            return results
        case .actRequested(let act): take(act, id: id, at: time, metadata)
        case .actEnded(let act, _): acts[act] = nil
        }
        return []
    }

    private mutating func take(_ act: ProcessAct, id: EventID, at time: Timestamp?, _ metadata: Metadata) {
        guard case .retry(let step) = act else { return acts[id] = RequestedAct(act: act, metadata: metadata) }
        if steps[step]?.outcome == .unknown { steps[step]?.outcome = .started(at: time) }
    }

    private mutating func start(_ generation: Int, _ version: Int) {
        (self.generation, self.version, status) = (generation, version, .running)
        (state, waiting, compensated) = (Manager(), [:], nil)
        // Steps of the generation before are still executed, and kept until they are settled.
        steps = steps.filter { !$0.value.outcome.isSettled }
        order = order.filter { steps[$0] != nil }
    }

    private mutating func plan(
        _ kind: PlannedStep.Kind, _ payload: JSONFragment, _ undo: ProcessRecord.Undo?, _ undoes: EventID?,
        _ id: EventID, _ metadata: Metadata
    ) {
        steps[id] = PlannedStep(
            id: id, kind: kind, payload: payload, undo: undo, undoes: undoes, generation: generation,
            metadata: metadata)
        order.append(id)
    }

    private mutating func settle(
        _ step: EventID, _ outcome: PlannedStep.Outcome, request result: RequestResult
    ) throws -> [ProcessInput<Manager>] {
        steps[step]?.outcome = outcome
        guard let planned = steps[step] else { return [] }
        forget(planned)
        guard takesResult(of: planned) else { return [] }
        return taken(.request(try decoded(planned.payload, as: Manager.Request.self), result))
    }

    private mutating func settle(
        _ step: EventID, _ outcome: PlannedStep.Outcome, effect result: EffectResult
    ) throws -> [ProcessInput<Manager>] {
        steps[step]?.outcome = outcome
        guard let planned = steps[step] else { return [] }
        forget(planned)
        guard takesResult(of: planned) else { return [] }
        return taken(.effect(try decoded(planned.payload, as: Manager.Effect.self), result))
    }

    /// Forgets a settled step that no compensation needs, so that an instance does not grow with its history.
    private mutating func forget(_ step: PlannedStep) {
        let isNeeded = step.undo != nil && step.outcome != .without
        guard step.outcome.isSettled, compensated == nil, step.undoes == nil, !isNeeded else { return }
        steps[step.id] = nil
        order.removeAll { $0 == step.id }
    }

    private mutating func taken(_ result: ProcessInput<Manager>) -> [ProcessInput<Manager>] {
        if parked == nil { return [result] }
        deferred.append(result)
        return []
    }

    /// Results that arrive after the end are recorded, and change no state.
    private func takesResult(of step: PlannedStep) -> Bool { status == .running && step.generation == generation }

    private mutating func takeDeadline(
        _ record: ProcessRecord, id: EventID, at time: Timestamp?, _ metadata: Metadata
    ) throws -> [ProcessInput<Manager>] {
        switch record {
        case .deadlineScheduled(let deadline, let due, let after, _):
            let due = due ?? time.flatMap { time in after.map { time.advanced(byMicroseconds: $0) } }
            waiting[deadline] = WaitingDeadline(id: id, deadline: deadline, due: due, metadata: metadata)
        case .deadlineCancelled(let deadline, _): waiting[deadline] = nil
        case .deadlineFired(let step):
            guard let fired = waiting.values.first(where: { $0.id == step }) else { return [] }
            waiting[fired.deadline] = nil
            let due = fired.due ?? Timestamp(microsecondsSince1970: 0)
            return [.deadline(try decoded(fired.deadline, as: Manager.Deadline.self), due: due)]
        default: break
        }
        return []
    }

    private func decoded<Value: Decodable>(_ payload: JSONFragment, as type: Value.Type) throws -> Value {
        do {
            return try payload.decoded(as: type)
        } catch {
            throw UnknownStep(process: Manager.name, key: key, step: "\(payload)", cause: error)
        }
    }
}

/// A recorded step that this build of the code cannot read.
package struct UnknownStep: Error, CustomStringConvertible {
    let process: String
    let key: String
    let step: String
    let cause: any Error

    package init(process: String, key: String, step: String, cause: any Error) {
        self.process = process
        self.key = key
        self.step = step
        self.cause = cause
    }

    package var description: String {
        "\(process) \(key) has a step that this build does not know: \(step). It is left to a build that does."
    }
}
