public import Sillok
import SillokCore

/// A business process over several aggregates and the outside world: a decider over inputs.
///
/// An instance of the process is found by the key that ``correlate(_:)`` returns for an event. ``evolve(_:)`` applies
/// an input to its state, and ``react(to:)`` returns what the process wants next. Both are pure. The wanted steps are
/// recorded in the stream `process:<name>-<key>` together with the input, and only then executed, from the record.
///
/// ```swift
/// func react(to input: Input) -> [Step] {
///     switch input {
///     case .event(let event): [.request(.reserve(item: event.payload.item), undo: .release(item: event.payload.item))]
///     case .request(.reserve, .accepted): [.perform(.charge(cents: 500)), .schedule(.payment, after: .seconds(1800))]
///     case .deadline: [.compensate("the payment did not arrive"), .complete]
///     default: []
///     }
/// }
/// ```
/// If the type is `Codable`, the state of a long instance is stored every 500 records, so that a new runner need not
/// read its whole stream. Then raise ``version`` when ``evolve(_:)`` changes: stored states of another version are not
/// used.
///
/// Time comes from the input, never from a clock. No key may contain personal data: names of streams are kept forever.
public protocol ProcessManager: Sendable {
    /// The events that the process listens to: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// What the process asks of aggregates: an enum of its own, which can stay the same when their commands change.
    associatedtype Request: Codable & Sendable

    /// What the process does in the outside world: an enum. It is recorded forever, so it contains no secrets.
    associatedtype Effect: Codable & Sendable

    /// What the process waits for: an enum. Equal deadlines are the same deadline.
    associatedtype Deadline: Codable & Sendable

    /// The name, such as `checkout`. It is part of the names of the streams and contains no dash.
    static var name: String { get }

    /// The version of the definition, from 1. An instance records it when it starts, and continues under newer code.
    static var version: Int { get }

    /// The query for the events that the process listens to. An item without types covers the types of ``Event``.
    static var source: EventQuery { get }

    /// Returns the instance that an event belongs to. It depends on the event only.
    static func correlate(_ event: Recorded<Event>) -> Correlation

    /// Creates the state before the first input.
    init()

    /// Applies an input to the state. It must accept every input that was ever recorded.
    mutating func evolve(_ input: ProcessInput<Self>)

    /// Returns the next steps, on the state after the input.
    func react(to input: ProcessInput<Self>) -> [ProcessStep<Self>]
}

extension ProcessManager {
    /// An input of an instance.
    public typealias Input = ProcessInput<Self>

    /// A step of an instance.
    public typealias Step = ProcessStep<Self>

    /// Returns 1.
    public static var version: Int { 1 }

    /// The category of the streams of the instances.
    package static var category: StreamCategory { StreamCategory("process:\(name)") }

    /// Returns the stream of an instance.
    package static func stream(of key: String) -> StreamID { StreamID(category, key) }
}

/// The instance that an event belongs to, and whether the event may start it.
public enum Correlation: Hashable, Sendable {
    /// The event starts the instance with this key, or a new generation if the previous one is complete. A running
    /// instance takes it as any other event.
    case starts(String)

    /// As ``starts(_:)``, but a complete instance never starts again: it ignores the event.
    case startsOnce(String)

    /// The event belongs to the instance with this key. If that was never started, `early` decides.
    case joins(String, early: EarlyEvents = .ignored)

    /// The event concerns no instance.
    case ignored

    /// The treatment of an event whose instance was never started.
    public enum EarlyEvents: Hashable, Sendable {
        /// The event has no effect, also if the instance starts later.
        case ignored
        /// The event waits until the instance starts, and is then handled.
        case held
    }

    package var key: String? {
        switch self {
        case .starts(let key), .startsOnce(let key), .joins(let key, _): key
        case .ignored: nil
        }
    }

    package var mayStart: Bool {
        switch self {
        case .starts, .startsOnce: true
        case .joins, .ignored: false
        }
    }

    package var isHeld: Bool { if case .joins(_, .held) = self { true } else { false } }
}
