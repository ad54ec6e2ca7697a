public import SillokCore
public import SillokSQL

/// A projection could not continue at an event. The results of all earlier events have been written.
public struct ProjectionFailure: Error, Sendable, CustomStringConvertible {
    /// The build that stopped.
    public let projection: ProjectionID
    /// The event at which it stopped; `nil` if it stopped between two events, for example because the read model
    /// failed.
    public let event: RecordedEvent?
    /// The error that stopped it.
    public let cause: any Error

    package init(projection: ProjectionID, event: RecordedEvent?, cause: any Error) {
        self.projection = projection
        self.event = event
        self.cause = cause
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        let place = event.map { event in
            " at position \(event.position) (\(event.type)\(event.stream.map { " of \($0)" } ?? ""))"
        }
        return
            "\(projection) stopped\(place ?? ""): \("\(cause)".withoutStop). Fix the cause and run it again; it "
            + "continues where it stopped."
    }
}

/// A projection that runs in another process has stopped.
public struct StoppedElsewhere: Error, Hashable, CustomStringConvertible {
    /// The failure as recorded by the other process.
    public let description: String

    package init(description: String) {
        self.description = description
    }
}

/// A read model did not reach the requested position within the given time.
public struct StaleModel: Error, Hashable, CustomStringConvertible {
    /// The live build of the projection.
    public let projection: ProjectionID
    /// The position up to which its rows contain the log.
    public let position: Position
    /// The requested position.
    public let wanted: Position

    /// The number of positions that are missing.
    public var behind: UInt64 { wanted > position ? wanted.value - position.value : 0 }

    package init(projection: ProjectionID, position: Position, wanted: Position) {
        self.projection = projection
        self.position = position
        self.wanted = wanted
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "\(projection) is at position \(position), \(behind) behind \(wanted). Wait longer, or check that its "
            + "projector runs."
    }
}

/// The event that a reader waits for is a dead letter, so the read model does not contain it until it is fixed.
public struct ParkedEvent: Error, Hashable, CustomStringConvertible {
    /// The build that has the dead letter.
    public let projection: ProjectionID
    /// The position of the event.
    public let position: Position
    /// Why the event, or an earlier one of its sequence, could not be projected.
    public let reason: String

    package init(projection: ProjectionID, position: Position, reason: String) {
        self.projection = projection
        self.position = position
        self.reason = reason
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "\(projection) has parked the event at \(position): \(reason.withoutStop). Retry, skip or replace its "
            + "sequence's dead letters."
    }
}

/// A projection has reached its limit of dead letters and stops, because it never skips events.
public struct DeadLettersFull: Error, Hashable, CustomStringConvertible {
    /// The maximum number of dead letters.
    public let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "it has \(capacity) dead letters, the maximum. Correct their common cause and retry them."
    }
}

/// Another process wrote to the checkpoint of a projection, which only its runner may write.
public struct CheckpointMoved: Error, Hashable, CustomStringConvertible {
    /// The build whose checkpoint was moved.
    public let projection: ProjectionID

    package init(projection: ProjectionID) {
        self.projection = projection
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "Another process moved the checkpoint of \(projection): the projection runs in two processes. "
            + "Nothing was written. Run it in one process, or give its projectors a lease."
    }
}

/// A request of an operator cannot be executed.
public struct ProjectionRefusal: Error, Hashable, CustomStringConvertible {
    /// What happened and what to do next.
    public let description: String

    package init(_ description: String) { self.description = description }
}
