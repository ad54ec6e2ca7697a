public import SillokCore
import SillokProjectionMachine
public import SillokSQL

/// A rule that turns events into the rows of a read model. The rule is pure, so that it can run again at any time.
///
/// ```swift
/// func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
///     guard case .opened(let owner) = event.payload else { return [] }
///     return ["INSERT INTO \(table: "owners") VALUES (\(event.stream?.text), \(owner))"]
/// }
/// ```
/// Its statements name its tables with `\(table:)`, because each build has its own tables. Queries use the plain names
/// and see the live build. A new ``version`` is built while the live one stays in use.
public protocol Projection<Event>: Sendable {
    /// The events that the projection understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// The name of the projection, such as `balances`.
    var name: String { get }

    /// The version of the rule, from 1.
    var version: Int { get }

    /// The query for the events that the projection handles.
    var source: EventQuery { get }

    /// The statements that create its tables, run once before its first event.
    var schema: [SQL] { get }

    /// The events that must stay in order. By default each stream is a sequence.
    var sequencing: Sequencing { get }

    /// The treatment of an event whose type has no case in ``Event``. By default the projection stops.
    var unknownTypes: UnknownTypePolicy { get }

    /// The treatment of an event whose version is newer than the code. By default the projection stops.
    var newerVersions: NewerVersionPolicy { get }

    /// Returns the changes for an event. If it throws, ``ProjectorOptions/failures`` decides: by default the event is
    /// parked as a dead letter and retried.
    func project(_ event: Recorded<Event>) throws -> [SQL]

    /// Returns the statements that delete everything the events of a sequence have written, so that the sequence can be
    /// rebuilt alone. Returns `nil` if that is not supported.
    func clear(sequence: String) -> [SQL]?
}

extension Projection {
    /// The default: the events of a stream stay in order.
    public var sequencing: Sequencing { .byStream }

    /// The default: the projection stops, so that no event is skipped silently.
    public var unknownTypes: UnknownTypePolicy { .stop }

    /// The default: the projection stops, so that no event is skipped silently.
    public var newerVersions: NewerVersionPolicy { .stop }

    /// Returns `nil`: by default a sequence cannot be rebuilt alone.
    public func clear(sequence: String) -> [SQL]? { nil }
}

/// The treatment of an event whose type a projection does not know.
public enum UnknownTypePolicy: String, Hashable, Sendable {
    /// The projection stops before it, with an error that names it.
    case stop
    /// The event is parked as a dead letter, and the later events of its sequence are parked behind it.
    case park
    /// The event counts as handled and has no effect.
    case ignore
}

/// The treatment of an event of a known type in a version that is newer than the code. It cannot be ignored.
public enum NewerVersionPolicy: String, Hashable, Sendable {
    /// The projection stops before it, with an error that names it. Newer code continues from there.
    case stop
    /// The event is parked, and so are the later events of its sequence. After you deploy newer code, request a retry
    /// with `ReadSide.retry(_:sequence:by:)`.
    case park
}

/// A rule that groups events into sequences. The events of one sequence stay in order. After a dead letter they wait
/// until it is resolved.
public struct Sequencing: Sendable {
    let name: String
    let sequence: @Sendable (RecordedEvent) -> String

    /// Each stream is a sequence; all events without a stream are one sequence.
    public static let byStream = Sequencing(name: "stream") { $0.stream?.text ?? "" }

    /// All events are one sequence.
    public static let total = Sequencing(name: "total") { _ in "" }

    /// Returns the rule that events with the same first tag of this kind are a sequence: `course` for tags such as
    /// `course:7`. All events without such a tag are one sequence.
    public static func byTag(_ kind: String) -> Sequencing {
        let prefix = kind + ":"
        return Sequencing(name: "tag:" + kind) { event in
            event.tags.first { $0.text.utf8.starts(with: prefix.utf8) }?.text ?? ""
        }
    }

    /// Returns a custom rule: a function of the stored event that always returns the same result.
    public static func by(_ sequence: @escaping @Sendable (RecordedEvent) -> String) -> Sequencing {
        Sequencing(name: "own", sequence: sequence)
    }

    /// Returns the rule with a stored name, or `nil` for one that only its code knows.
    static func named(_ name: String) -> Sequencing? {
        switch name {
        case "stream": byStream
        case "total": total
        case _ where name.hasPrefix("tag:"): byTag(String(name.dropFirst(4)))
        default: nil
        }
    }

    /// Returns the partition for an event, from 0 to `partitions` − 1. It is the same everywhere and never changes.
    package func partition(of event: RecordedEvent, among partitions: Int) -> Int {
        partitions > 1 ? ProjectionRule.partition(ofSequence: sequence(event), among: partitions) : 0
    }
}
