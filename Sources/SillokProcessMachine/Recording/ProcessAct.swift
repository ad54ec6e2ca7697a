public import SillokCore

/// What an operator wants the runner of a process to do with an instance. It is recorded in the stream of the instance.
public enum ProcessAct: Codable, Hashable, Sendable {
    /// Try work again now: a step, or an event that is not handled. An effect whose outcome is unknown is called again
    /// under its idempotency key.
    case retry(step: EventID)
    /// Settle a step as not executed: a request is refused, an effect has failed, a deadline is cancelled.
    case skip(step: EventID)
    /// Count a deadline as passed. Of the steps that follow from it, only `.complete` is executed, because another
    /// program has done the others.
    case adopt(step: EventID)
    /// Settle an effect as executed, with this result.
    case answer(step: EventID, result: String)
    /// Let a parked instance continue, and handle the event that parked it.
    case release
    /// Let a parked instance continue without the event that parked it.
    case skipInput
    /// End a running instance.
    case end
    /// Undo the executed steps of an instance, the last one first, and end it if it runs.
    case undo

    /// The name of the act: that of its case.
    public var name: String {
        switch self {
        case .retry: "retry"
        case .skip: "skip"
        case .adopt: "adopt"
        case .answer: "answer"
        case .release: "release"
        case .skipInput: "skipInput"
        case .end: "end"
        case .undo: "undo"
        }
    }

    /// The step that it is about; `nil` if it is about the instance.
    public var step: EventID? {
        switch self {
        case .retry(let step), .skip(let step), .adopt(let step), .answer(let step, _): step
        case .release, .skipInput, .end, .undo: nil
        }
    }

    /// Whether the index executes it when it is recorded: the runner records nothing.
    package var isRetry: Bool { if case .retry = self { true } else { false } }
}
