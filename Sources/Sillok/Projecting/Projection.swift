public import SillokCore
public import SillokSQL

/// A rule that turns events into the rows of a read model: pure, so that it can be run again at any time.
///
/// A new ``version`` is another projection, with a checkpoint of its own.
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

    /// What becomes of an event of a type that ``Event`` has no case for. By default the projection stops.
    var unknownTypes: UnknownTypePolicy { get }

    /// The changes that an event makes. What it throws stops the projection at this event.
    func project(_ event: Recorded<Event>) throws -> [SQL]
}

extension Projection {
    /// Nothing is skipped in silence.
    public var unknownTypes: UnknownTypePolicy { .stop }
}

/// What becomes of an event whose type a projection does not know.
public enum UnknownTypePolicy: Hashable, Sendable {
    /// The projection stops before it, with an error that names it.
    case stop
    /// It is handled by doing nothing, as its projection has said.
    case ignore
}

/// A projection could not go on: at which event, and why. What lies before it has been written.
public struct ProjectionFailure: Error, Sendable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID
    /// The event at which it stopped; `nil` if it stopped between two, such as for a read model that failed.
    public let event: RecordedEvent?
    /// Why.
    public let cause: any Error

    /// What happened and what to do, in a sentence.
    public var description: String {
        let place = event.map { event in
            " at position \(event.position) (\(event.type)\(event.stream.map { " of \($0)" } ?? ""))"
        }
        return
            "\(projection) stopped\(place ?? ""): \(cause). Mend the cause and run it again; it goes on where it stopped."
    }
}

/// A read model did not come as far as it was asked for in the time that it was given.
public struct StaleModel: Error, Hashable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID
    /// Up to where its rows tell the log.
    public let position: Position
    /// Up to where they should have.
    public let wanted: Position

    /// How many positions it is behind.
    public var behind: UInt64 { wanted > position ? wanted.value - position.value : 0 }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\(projection) is at \(position), \(behind) behind \(wanted). Wait longer, or see that its projector runs."
    }
}
