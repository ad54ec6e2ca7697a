/// A state that decides what happens next, and that is nothing but the replay of what has happened.
///
/// Two pure functions and a beginning: `init()` is the state before the first event, ``decide(_:)`` turns a command
/// into events or a refusal, ``evolve(_:)`` applies one event. No I/O, no clock, no randomness: what a decision
/// needs comes with the command.
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
    /// A wish, as data.
    associatedtype Command: Sendable

    /// A fact in the past tense: an enum, each case of it a kind of event.
    ///
    /// The name of the case is stored as the event's type, its values as JSON. See ``StableEventNames`` to rename a
    /// case and keep its stored name.
    associatedtype Event: Codable & Sendable

    /// The domain's no.
    associatedtype Refusal: Error

    /// The state before the first event.
    init()

    /// What happens when the command is carried out: events in order, none if nothing changes, or a refusal.
    func decide(_ command: Command) throws(Refusal) -> [Event]

    /// The state after one more event. Must take every event that was ever stored.
    mutating func evolve(_ event: Event)

    /// What an event is about, to find it by. None unless said otherwise.
    static func tags(of event: Event) -> [Tag]
}

extension Decider {
    /// No tags.
    public static func tags(of event: Event) -> [Tag] { [] }
}

/// A decider whose decisions rest on a query rather than on one stream: a dynamic consistency boundary.
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
