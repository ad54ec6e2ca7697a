/// A command was decided as often as allowed, and each time others had appended meanwhile. Nothing was stored.
public struct TooManyConflicts: Error, Hashable, CustomStringConvertible {
    /// How often it was decided.
    public let attempts: Int
    /// The last conflict, with the events that caused it.
    public let conflict: AppendConflict

    /// A report of the last conflict.
    public init(attempts: Int, conflict: AppendConflict) {
        self.attempts = attempts
        self.conflict = conflict
    }

    /// What happened and what to do, in a few lines.
    public var description: String {
        "the command was decided \(attempts) times, and each time others were faster. The last time: \(conflict) "
            + "If this is usual here, allow more attempts or let fewer decisions rest on the same events."
    }
}

/// A command id that belongs to another command: one that was executed elsewhere. Nothing was stored.
public struct CommandIDConflict: Error, Hashable, CustomStringConvertible {
    /// The id.
    public let id: CommandID
    /// The event that is recorded under it.
    public let event: RecordedEvent

    /// A report of the event that has the id.
    public init(id: CommandID, event: RecordedEvent) {
        self.id = id
        self.event = event
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        let stream = event.stream.map { " of stream \($0)" } ?? " of no stream"
        return "the command id \(id) is taken by \"\(event.type)\" at position \(event.position)\(stream); "
            + "nothing is stored. Give each command an id of its own."
    }
}

/// It could not be found out whether a command's events are stored.
///
/// Executing the command again with ``id`` is safe, also after a restart: it settles the question and gives the first
/// outcome if there is one.
public struct UnsettledCommand: Error, CustomStringConvertible {
    /// The id of the command, given or made.
    public let id: CommandID
    /// What the store said the last time it did not know.
    public let cause: StoreError

    /// A report of what the store said.
    public init(id: CommandID, cause: StoreError) {
        self.id = id
        self.cause = cause
    }

    /// What happened and what to do, in a few lines.
    public var description: String {
        "the events of the command \(id) may or may not be stored: \(cause.message) "
            + "Execute the command again with this id to settle it."
    }
}
