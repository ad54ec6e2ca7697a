import SillokCore

/// A rule by which events lead to a state: what a `Past` compares two of.
///
/// The rule itself may hold data, such as fees and from when on they hold; what it leads to is its ``State``.
public protocol Fold<Event, State>: Sendable {
    /// The events that it understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// What events lead to. Its properties are compared, and its numbers summed up.
    associatedtype State: Sendable

    /// The state before the first event.
    var initial: State { get }

    /// The state after one more event. Pure: what it needs of the world comes with the event or the rule.
    func evolve(_ state: inout State, _ event: Recorded<Event>)
}

/// The fold of a decider.
public struct DeciderFold<D: Decider>: Fold {
    /// The state before the first event.
    public let initial = D()

    /// The fold of a decider.
    public init(_ decider: D.Type) {}

    /// The decider after one more event.
    public func evolve(_ state: inout D, _ event: Recorded<D.Event>) { state.evolve(event.payload) }
}
