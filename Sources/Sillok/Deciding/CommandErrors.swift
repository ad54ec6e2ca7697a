/// A command was decided as often as the policy allows, and each time another writer appended first. Nothing was
/// stored.
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
        "the command was decided \(attempts) times, and each time others were faster. The last time: \(conflict) "
            + "If this is usual here, allow more attempts or let fewer decisions rest on the same events."
    }
}

/// A command id already belongs to a different command. Nothing was stored.
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
        return "the command id \(id) is taken by \"\(event.type)\" at position \(event.position)\(stream); "
            + "nothing is stored. Give each command an id of its own."
    }
}

/// The handler could not find out whether a command's events are stored.
///
/// Executing the command again with ``id`` is safe, even after a restart. It settles the question and returns the first
/// outcome if there is one.
public struct UnsettledCommand: Error, CustomStringConvertible {
    /// The id of the command, given or generated.
    public let id: CommandID
    /// The store's last error with an unknown outcome.
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
