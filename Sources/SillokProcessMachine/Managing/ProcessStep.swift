public import SillokCore
import SillokJSON

/// A step that a process wants: recorded with the input that led to it, and then executed from the record.
public struct ProcessStep<Manager: ProcessManager>: Sendable {
    /// The step that undoes an executed step.
    public enum Undo: Sendable {
        /// A request to an aggregate.
        case request(Manager.Request)
        /// An effect.
        case perform(Manager.Effect)
    }

    enum Kind: Sendable {
        case request(Manager.Request, undo: Undo?)
        case perform(Manager.Effect, undo: Undo?)
        case scheduleAfter(Manager.Deadline, Duration)
        case scheduleAt(Manager.Deadline, Timestamp)
        case cancel(Manager.Deadline)
        case cancelEffect(Manager.Effect)
        case compensate(reason: String)
        case complete
    }

    let kind: Kind

    var isEnd: Bool { if case .complete = kind { true } else { false } }

    /// Returns the step that sends a request to an aggregate. If the aggregate is in the same store as the process, the
    /// request is executed exactly once, also if it is refused.
    public static func request(_ request: Manager.Request, undo: Manager.Request? = nil) -> Self {
        Self(kind: .request(request, undo: undo.map { .request($0) }))
    }

    /// Returns the step that does something in the outside world: at least once, under one idempotency key.
    public static func perform(_ effect: Manager.Effect, undo: Manager.Effect? = nil) -> Self {
        Self(kind: .perform(effect, undo: undo.map { .perform($0) }))
    }

    /// Returns a request with an undo of either kind.
    public static func request(_ request: Manager.Request, undoing undo: Undo) -> Self {
        Self(kind: .request(request, undo: undo))
    }

    /// Returns an effect with an undo of either kind.
    public static func perform(_ effect: Manager.Effect, undoing undo: Undo) -> Self {
        Self(kind: .perform(effect, undo: undo))
    }

    /// Returns the step that waits for a time after the input was recorded. An equal deadline is replaced.
    public static func schedule(_ deadline: Manager.Deadline, after duration: Duration) -> Self {
        Self(kind: .scheduleAfter(deadline, duration))
    }

    /// Returns the step that waits until a time. An equal deadline is replaced.
    public static func schedule(_ deadline: Manager.Deadline, at time: Timestamp) -> Self {
        Self(kind: .scheduleAt(deadline, time))
    }

    /// Returns the step that cancels a deadline. One that has fired or was never scheduled is no error.
    public static func cancel(_ deadline: Manager.Deadline) -> Self { Self(kind: .cancel(deadline)) }

    /// Returns the step that cancels effects equal to this one that have not been started. A started one still ends.
    public static func cancelEffect(_ effect: Manager.Effect) -> Self { Self(kind: .cancelEffect(effect)) }

    /// Returns the step that undoes all executed steps that have an undo, the last one first.
    ///
    /// A step whose outcome is not known yet is waited for. An undo that is refused or fails is an input of the
    /// process, and the earlier steps are undone all the same.
    public static func compensate(_ reason: String) -> Self { Self(kind: .compensate(reason: reason)) }

    /// The step that ends the process: its deadlines are cancelled. Requests and effects that were recorded are still
    /// executed, and later inputs have no effect.
    public static var complete: Self { Self(kind: .complete) }
}

extension ProcessStep: Equatable
where Manager.Request: Equatable, Manager.Effect: Equatable, Manager.Deadline: Equatable {}

extension ProcessStep.Kind: Equatable
where Manager.Request: Equatable, Manager.Effect: Equatable, Manager.Deadline: Equatable {}

extension ProcessStep.Undo: Equatable where Manager.Request: Equatable, Manager.Effect: Equatable {}

extension ProcessStep {
    /// Returns what is recorded of the step, as text.
    ///
    /// - Throws: if it cannot be recorded, or is read as something else.
    package func recordedForm() throws -> String {
        switch kind {
        case .request(let request, let undo): "request \(try kept(request)) undo \(try undo?.recordedForm() ?? "-")"
        case .perform(let effect, let undo): "perform \(try kept(effect)) undo \(try undo?.recordedForm() ?? "-")"
        case .scheduleAfter(let deadline, let duration): "schedule \(try kept(deadline)) after \(duration)"
        case .scheduleAt(let deadline, let time): "schedule \(try kept(deadline)) at \(time)"
        case .cancel(let deadline): "cancel \(try kept(deadline))"
        case .cancelEffect(let effect): "cancel \(try kept(effect))"
        case .compensate(let reason): "compensate \(reason)"
        case .complete: "complete"
        }
    }
}

extension ProcessStep.Undo {
    fileprivate func recordedForm() throws -> String {
        switch self {
        case .request(let request): "request \(try kept(request))"
        case .perform(let effect): "perform \(try kept(effect))"
        }
    }
}

/// Returns the form in which a value is recorded, if it is read as the same value.
private func kept<Value: Codable>(_ value: Value) throws -> JSONFragment {
    let recorded = try JSONFragment(of: value)
    let read = try JSONFragment(of: recorded.decoded(as: Value.self))
    guard read == recorded else { throw ChangedStep(recorded: "\(recorded)", read: "\(read)") }
    return recorded
}

/// A step that is read as another one than was recorded.
private struct ChangedStep: Error, CustomStringConvertible {
    let recorded: String
    let read: String
    var description: String { "the step \(recorded) is read as \(read)" }
}
