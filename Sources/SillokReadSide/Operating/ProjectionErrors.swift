public import SillokCore
public import SillokSQL

/// A projection could not go on: at which event, and why. What lies before it has been written.
public struct ProjectionFailure: Error, Sendable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID
    /// The event at which it stopped; `nil` if it stopped between two, such as for a read model that failed.
    public let event: RecordedEvent?
    /// Why.
    public let cause: any Error

    package init(projection: ProjectionID, event: RecordedEvent?, cause: any Error) {
        self.projection = projection
        self.event = event
        self.cause = cause
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        let place = event.map { event in
            " at position \(event.position) (\(event.type)\(event.stream.map { " of \($0)" } ?? ""))"
        }
        return
            "\(projection) stopped\(place ?? ""): \("\(cause)".withoutStop). Fix the cause and run it again; it continues "
            + "where it stopped."
    }
}

/// A projection that runs elsewhere has stopped; what it said of it.
public struct StoppedElsewhere: Error, Hashable, CustomStringConvertible {
    /// What it said.
    public let description: String

    package init(description: String) {
        self.description = description
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

    package init(projection: ProjectionID, position: Position, wanted: Position) {
        self.projection = projection
        self.position = position
        self.wanted = wanted
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\(projection) is at \(position), \(behind) behind \(wanted). Wait longer, or see that its projector runs."
    }
}

/// An event that a reader waits for is a dead letter: the read model does not tell it until it has been mended.
public struct ParkedEvent: Error, Hashable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID
    /// Where the event is.
    public let position: Position
    /// Why it, or the one before it in its sequence, could not be projected.
    public let reason: String

    package init(projection: ProjectionID, position: Position, reason: String) {
        self.projection = projection
        self.position = position
        self.reason = reason
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\(projection) has parked the event at \(position): \(reason.withoutStop). Retry, skip or replace its sequence's "
            + "dead letters."
    }
}

/// The dead letters of a projection have reached their limit: it stops instead of skipping.
public struct DeadLettersFull: Error, Hashable, CustomStringConvertible {
    /// How many there may be.
    public let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "it has \(capacity) dead letters, as many as it may have. Mend what they have in common, and retry them."
    }
}

/// Something else wrote where only the runner of a projection writes.
public struct CheckpointMoved: Error, Hashable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID

    package init(projection: ProjectionID) {
        self.projection = projection
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "the checkpoint of \(projection) was moved by somebody else: it runs in two places. Nothing was written; run it "
            + "in one place, or give its projectors a lease."
    }
}

/// What an operator asked of a projection cannot be done.
public struct ProjectionRefusal: Error, Hashable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String

    package init(_ description: String) { self.description = description }
}
