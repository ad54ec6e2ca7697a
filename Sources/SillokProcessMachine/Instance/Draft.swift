import Sillok
import SillokCore
import SillokJSON

/// The records that follow from one input, and the instance after them.
struct Draft<Manager: ProcessManager> {
    var instance: ProcessInstance<Manager>
    var generation: Int
    private(set) var records: [EventData] = []
    private let input: InputID
    private let metadata: Metadata

    /// - Parameters:
    ///   - cause: the metadata of what the input is.
    ///   - id: the id of it.
    init(_ instance: ProcessInstance<Manager>, input: InputID, cause: Metadata, id: EventID) {
        self.instance = instance
        generation = instance.generation
        self.input = input
        var metadata = Metadata(
            actor: cause.actor, correlationID: cause.correlationID ?? id.description, causationID: id.description,
            traceparent: cause.traceparent, reason: cause.reason)
        let (hops, isTooMany) = cause.hops.addingReportingOverflow(1)
        metadata[Metadata.hopsKey] = "\(isTooMany ? .max : hops)"
        self.metadata = metadata
    }

    /// The number of steps that led here, with this one.
    var hops: Int { metadata.hops }

    /// Adds a record. Returns the inputs that the state has to take.
    @discardableResult
    mutating func add(_ record: ProcessRecord) throws -> [ProcessInput<Manager>] {
        let id = instance.ids.id(generation: generation, input, records.count)
        records.append(try ProcessRecord.coding.encode(record, id: id, metadata: metadata))
        return try instance.take(record, id: id, at: nil, metadata, [])
    }

    /// Adds the record of a result or a deadline, and what follows from it.
    mutating func follow(_ record: ProcessRecord) throws {
        for input in try add(record) { try answer(input, recordedAt: nil) }
        try compensate()
    }

    /// Lets the state take an input, and adds the steps that it wants.
    ///
    /// - Parameters:
    ///   - time: when the input was recorded; `nil` if it is recorded with these records.
    ///   - reacts: whether all steps are added, or only the end.
    mutating func answer(_ input: ProcessInput<Manager>, recordedAt time: Timestamp?, reacts: Bool = true) throws {
        instance.state.evolve(input)
        for step in instance.state.react(to: input) where reacts || step.isEnd { try add(step, after: time) }
    }

    private mutating func add(_ step: ProcessStep<Manager>, after time: Timestamp?) throws {
        switch step.kind {
        case .request(let request, let undo):
            try add(.requestPlanned(request: try JSONFragment(of: request), undo: try undo?.recorded, undoes: nil))
        case .perform(let effect, let undo):
            try add(.effectPlanned(effect: try JSONFragment(of: effect), undo: try undo?.recorded, undoes: nil))
        case .scheduleAfter(let deadline, let duration):
            let count = duration.wholeMicroseconds
            try schedule(
                JSONFragment(of: deadline), due: time?.advanced(byMicroseconds: count),
                after: time == nil ? count : nil)
        case .scheduleAt(let deadline, let due): try schedule(JSONFragment(of: deadline), due: due, after: nil)
        case .cancel(let deadline):
            let deadline = try JSONFragment(of: deadline)
            try add(.deadlineCancelled(deadline: deadline, step: instance.waiting[deadline]?.id))
        case .cancelEffect(let effect): try cancel(JSONFragment(of: effect))
        case .compensate(let reason): try add(.compensationStarted(reason: reason.limited))
        case .complete: try add(.completed(reason: nil))
        }
    }

    private mutating func schedule(_ deadline: JSONFragment, due: Timestamp?, after: Int64?) throws {
        let replaced = instance.waiting[deadline]?.id
        try add(.deadlineScheduled(deadline: deadline, due: due, after: after, replaces: replaced))
    }

    private mutating func cancel(_ effect: JSONFragment) throws {
        let steps = instance.open.filter { $0.kind == .effect && $0.outcome == .open && $0.payload == effect }
        if steps.isEmpty { try add(.effectCancelled(effect: effect, step: nil)) }
        for step in steps { try add(.effectCancelled(effect: effect, step: step.id)) }
    }

    /// Plans the next undo of a compensation or ends it, unless an outcome must be waited for.
    mutating func compensate() throws {
        switch instance.nextUndo {
        case .plan(let undo, let step): try plan(undo, of: step)
        case .end: try add(.compensationEnded)
        case .none, .waits: break
        }
    }

    private mutating func plan(_ undo: ProcessRecord.Undo, of step: EventID) throws {
        switch undo {
        case .request(let request): try add(.requestPlanned(request: request, undo: nil, undoes: step))
        case .effect(let effect): try add(.effectPlanned(effect: effect, undo: nil, undoes: step))
        }
    }
}

extension ProcessStep.Undo {
    fileprivate var recorded: ProcessRecord.Undo {
        get throws {
            switch self {
            case .request(let request): .request(try JSONFragment(of: request))
            case .perform(let effect): .effect(try JSONFragment(of: effect))
            }
        }
    }
}
