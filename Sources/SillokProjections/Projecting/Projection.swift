public import SillokCore
public import SillokSQL

/// A rule that turns events into the rows of a read model: pure, so that it can be run again at any time.
///
/// ```swift
/// func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
/// ```
/// Its statements name its tables by `\(table:)`, for each build of it has tables of its own; others query them by
/// their plain names and see the live build. A new ``version`` is built beside the live one.
public protocol Projection<Event>: Sendable {
    /// The events that it understands: an enum whose cases are the types.
    associatedtype Event: Codable & Sendable

    /// The name of the projection, such as `balances`.
    var name: String { get }

    /// The version of the rule, from 1.
    var version: Int { get }

    /// The events that it wants.
    var source: EventQuery { get }

    /// What makes its tables, run once before its first event.
    var schema: [SQL] { get }

    /// Which events must stay in their order. By default those of a stream.
    var sequencing: Sequencing { get }

    /// What becomes of an event of a type that ``Event`` has no case for. By default the projection stops.
    var unknownTypes: UnknownTypePolicy { get }

    /// What becomes of an event of a version that is newer than the code. By default the projection stops.
    var newerVersions: NewerVersionPolicy { get }

    /// The changes that an event makes. An event for which it throws is retried and then parked, as a dead letter.
    func project(_ event: Recorded<Event>) throws -> [SQL]

    /// What takes away all that the events of a sequence have made, so that the sequence can be rebuilt alone; `nil`: it
    /// cannot.
    func clear(sequence: String) -> [SQL]?
}

extension Projection {
    /// The events of a stream stay in their order.
    public var sequencing: Sequencing { .byStream }

    /// Nothing is skipped in silence.
    public var unknownTypes: UnknownTypePolicy { .stop }

    /// Nothing is skipped in silence.
    public var newerVersions: NewerVersionPolicy { .stop }

    /// A projection that does not say how cannot rebuild a sequence alone.
    public func clear(sequence: String) -> [SQL]? { nil }
}

/// What becomes of an event whose type a projection does not know.
public enum UnknownTypePolicy: String, Hashable, Sendable {
    /// The projection stops before it, with an error that names it.
    case stop
    /// It is parked as a dead letter, and what follows it in its sequence behind it.
    case park
    /// It is taken and does nothing, as its projection has said.
    case ignore
}

/// What becomes of an event of a type that a projection knows, in a version that is newer than its code. There is no way
/// to ignore it.
public enum NewerVersionPolicy: String, Hashable, Sendable {
    /// The projection stops before it, with an error that names it. Newer code goes on from there.
    case stop
    /// It is parked as a dead letter, and what follows it in its sequence behind it, until newer code retries them.
    case park
}

/// Which events must stay in their order: those of one sequence do, in every partition and behind every dead letter.
public struct Sequencing: Sendable {
    let name: String
    let sequence: @Sendable (RecordedEvent) -> String

    /// The events of a stream are a sequence; those without a stream are one together.
    public static let byStream = Sequencing(name: "stream") { $0.stream?.text ?? "" }

    /// All events are one sequence.
    public static let total = Sequencing(name: "total") { _ in "" }

    /// The events whose first tag of this kind is the same are a sequence: `course` for tags such as `course:7`. Those
    /// without one are a sequence together.
    public static func byTag(_ kind: String) -> Sequencing {
        let prefix = kind + ":"
        return Sequencing(name: "tag:" + kind) { event in
            event.tags.first { $0.text.utf8.starts(with: prefix.utf8) }?.text ?? ""
        }
    }

    /// A rule of one's own: a function of the event as it is stored, which always gives the same answer.
    public static func by(_ sequence: @escaping @Sendable (RecordedEvent) -> String) -> Sequencing {
        Sequencing(name: "own", sequence: sequence)
    }

    /// The rule of a name that was stored; `nil` for one that only its code knows.
    static func named(_ name: String) -> Sequencing? {
        switch name {
        case "stream": byStream
        case "total": total
        case _ where name.hasPrefix("tag:"): byTag(String(name.dropFirst(4)))
        default: nil
        }
    }

    /// Which of so many partitions takes the event, from 0. The same on every machine, for ever.
    package func partition(of event: RecordedEvent, among partitions: Int) -> Int {
        guard partitions > 1 else { return 0 }
        let sum = sequence(event).fnv1a
        let hash = sum ^ sum >> 32
        return Int(truncatingIfNeeded: hash % UInt64(partitions))
    }
}
