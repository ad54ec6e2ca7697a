/// A state that decides commands. It is computed from its events and from nothing else.
///
/// A decider has an initial state and two pure functions. ``init()`` is the state before the first event,
/// ``decide(_:)`` turns a command into events or a refusal, and ``evolve(_:)`` applies one event. They use no I/O, no
/// clock and no randomness: a command contains all that its decision needs.
///
/// ```swift
/// struct Counter: Decider {
///     enum Command: Sendable { case add(Int) }
///     enum Event: Codable, Equatable, Sendable { case added(amount: Int) }
///     enum Refusal: Error { case notPositive }
///
///     private(set) var total = 0
///
///     func decide(_ command: Command) throws(Refusal) -> [Event] {
///         switch command {
///         case .add(let amount):
///             guard amount > 0 else { throw .notPositive }
///             return [.added(amount: amount)]
///         }
///     }
///
///     mutating func evolve(_ event: Event) {
///         switch event {
///         case .added(let amount): total += amount
///         }
///     }
/// }
/// ```
public protocol Decider: Sendable {
    /// A request to change the state, as data.
    associatedtype Command: Sendable

    /// An event that happened, named in the past tense: an enum with a case for each kind of event.
    ///
    /// The name of the case is stored as the event's type, and its values as JSON. To rename a case and keep its stored
    /// name, see ``StableEventNames``.
    associatedtype Event: Codable & Sendable

    /// The reasons for which the domain refuses commands.
    associatedtype Refusal: Error

    /// Creates the state before the first event.
    init()

    /// Returns the events that the command causes, in order, or none if nothing changes; or throws a refusal.
    func decide(_ command: Command) throws(Refusal) -> [Event]

    /// Applies one event to the state. It must accept every event that was ever stored.
    mutating func evolve(_ event: Event)

    /// Returns the tags to find an event by. By default none.
    static func tags(of event: Event) -> [EventTag]
}

extension Decider {
    /// Returns no tags.
    public static func tags(of event: Event) -> [EventTag] { [] }
}

/// A decider whose decisions depend on a query and not on one stream: a dynamic consistency boundary.
///
/// Its events belong to no stream and are found by their tags. The events of a decision are appended only if no new
/// event matches ``boundary(of:)`` at the moment of the append.
///
/// Deciders may share tags. A boundary without types covers the types for which `Event` has cases. So events of other
/// types, which another decider records under the same tag, do not change the state. They do not conflict with a
/// decision either. If the boundary names a type for which `Event` has no case, reading an event of that type throws
/// ``UnknownEventType``. If the `Codable` conformance of `Event` is written by hand, its types are not known, and
/// boundaries must name them.
public protocol BoundaryDecider: Decider {
    /// Returns the query for the events that the decision on this command depends on. The state is replayed from these
    /// events. A query without types covers all types for which `Event` has a case.
    static func boundary(of command: Command) -> EventQuery
}
