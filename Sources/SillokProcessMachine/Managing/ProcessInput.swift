public import Sillok
import SillokCore

/// An input of a process: everything that its state depends on.
public enum ProcessInput<Manager: ProcessManager>: Sendable {
    /// An event of the source.
    case event(Recorded<Manager.Event>)
    /// A request was executed, or refused.
    case request(Manager.Request, RequestResult)
    /// An effect has ended, or its outcome is unknown.
    case effect(Manager.Effect, EffectResult)
    /// A deadline has passed. `due` is the time for which it was scheduled.
    case deadline(Manager.Deadline, due: Timestamp)
}

extension ProcessInput: Equatable
where
    Manager.Event: Equatable, Manager.Request: Equatable, Manager.Effect: Equatable, Manager.Deadline: Equatable
{}

/// The result of a request.
public enum RequestResult: Hashable, Sendable {
    /// The aggregate accepted it; its events are recorded.
    case accepted
    /// The aggregate refused it. Nothing changed.
    case refused(reason: String)
}

/// The result of an effect.
public enum EffectResult: Hashable, Sendable {
    /// It was executed. The result is what the call returned.
    case done(String)
    /// It was not executed, and will not be.
    case failed(reason: String)
    /// It may have been executed or not. A look-up or an operator settles it; then the result is another input.
    case unknown(reason: String)
}
