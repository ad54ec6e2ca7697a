public import Sillok

/// A rule that folds events into a state. A `Past` compares the states of two rules.
///
/// The rule itself may contain data, such as fees and the dates from which they apply. Its result is a ``State``.
public protocol Fold<Event, State>: Sendable {
    /// The events that the rule understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// The state that the events lead to. Its properties can be compared, and its numbers summed.
    associatedtype State: Sendable

    /// The state before the first event.
    var initial: State { get }

    /// Applies one event to the state. Must be pure: all further input comes from the event or the rule.
    func evolve(_ state: inout State, _ event: Recorded<Event>)
}

/// The fold of a decider.
public struct DeciderFold<D: Decider>: Fold {
    /// The state before the first event.
    public let initial = D()

    /// Creates the fold of a decider.
    public init(_ decider: D.Type) {}

    /// Applies one event to the decider.
    public func evolve(_ state: inout D, _ event: Recorded<D.Event>) { state.evolve(event.payload) }
}
