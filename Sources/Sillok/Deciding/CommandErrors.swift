/// A command was decided as often as the policy allows; each time another writer appended first. Nothing was stored.
public struct TooManyConflicts: Error, Hashable, CustomStringConvertible {
    /// The number of times that the command was decided.
    public let attempts: Int
    /// The last conflict, with the events that caused it.
    public let conflict: AppendConflict

    /// Creates an error with the last conflict.
    public init(attempts: Int, conflict: AppendConflict) {
        self.attempts = attempts
        self.conflict = conflict
    }

    /// What happened and what to do next, in a few lines.
    public var description: String {
        "The command was decided \(attempts) times, and each time another writer appended first. The last conflict: "
            + "\(conflict) If this happens often, allow more attempts, or let the decision depend on fewer events."
    }
}

/// The command id belongs to events of other streams, or to events that no command appended. Nothing was stored.
public struct CommandIDConflict: Error, Hashable, CustomStringConvertible {
    /// The id of the command.
    public let id: CommandID
    /// The event that is recorded under the id.
    public let event: RecordedEvent

    /// Creates an error with the event that has the id.
    public init(id: CommandID, event: RecordedEvent) {
        self.id = id
        self.event = event
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        let stream = event.stream.map { " of stream \($0)" } ?? " of no stream"
        return "The command id \(id) belongs to event \"\(event.type)\" at position \(event.position)\(stream). "
            + "Nothing was stored. Give each command its own id."
    }
}

/// The handler could not find out whether a command's events are stored.
///
/// Executing the command again with ``id`` is safe, even after a restart. It settles the question and returns the first
/// outcome if there is one. If this error is thrown again, see ``cause``: after a failure of the disk, for example,
/// open the store again first.
public struct UnsettledCommand: Error, CustomStringConvertible {
    /// The id of the command, given or generated.
    public let id: CommandID
    /// The last error of the store: of an append with an unknown outcome, or of the read that should have settled it.
    public let cause: StoreError

    /// Creates an error with the store's last answer.
    public init(id: CommandID, cause: StoreError) {
        self.id = id
        self.cause = cause
    }

    /// What happened and what to do next, in a few lines.
    public var description: String {
        "the events of the command \(id) may or may not be stored: \(cause.message) "
            + "Execute the command again with this id to settle it."
    }
}
