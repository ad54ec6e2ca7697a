/// A state that decides commands, and that is the replay of its events and nothing else.
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

    /// Returns the events that the command causes, in order, and none if nothing changes; throws a refusal if it is not
    /// allowed.
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
/// Its events belong to no stream and are found by their tags. A decision stands if, at the moment of the append,
/// nothing new matches ``boundary(of:)``.
///
/// Deciders may share tags. Where a boundary names no types it means those that `Event` has cases for: what another
/// decider records under the same tag changes nothing, and no decision waits for it. A type that the boundary names and
/// `Event` has no case for is an ``UnknownEventType``. Of an `Event` whose `Codable` is written by hand the types are
/// not known: its boundaries must name them.
public protocol BoundaryDecider: Decider {
    /// The events that the decision on this command depends on: those that the state is replayed from. Of any type that
    /// `Event` has a case for, unless it names types.
    static func boundary(of command: Command) -> EventQuery
}
