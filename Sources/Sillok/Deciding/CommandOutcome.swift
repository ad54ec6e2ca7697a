public import SillokCore

/// What a command led to.
public struct CommandOutcome<D: Decider>: Sendable {
    /// What happened, in order; empty if the command changed nothing.
    public let events: [D.Event]

    /// The state after these events.
    public let state: D

    /// The revision of the stream after these events; `Revision.none` without a stream.
    public let revision: Revision

    /// What to wait for to read one's own write: the last event's position, or what was seen if nothing happened.
    public let position: Position

    /// Where the events are; `nil` if nothing happened.
    public let receipt: Receipt?

    /// The id of the command, given or made.
    public let id: CommandID

    /// Whether the command had been executed before, and this is what it led to then.
    public let isRepeat: Bool
}

/// What several commands, executed as one, led to.
public struct BatchOutcome<D: Decider>: Sendable {
    /// What happened, in order, and to whom.
    public let events: [(key: String, event: D.Event)]

    /// The state of each key after these events.
    public let states: KeyedValues<D>

    /// The revision of each key's stream after these events.
    public let revisions: KeyedValues<Revision>

    /// What to wait for to read one's own write: the last event's position, or what was seen if nothing happened.
    public let position: Position

    /// Where the events are; `nil` if nothing happened.
    public let receipt: Receipt?

    /// The id of the commands, given or made.
    public let id: CommandID

    /// Whether the commands had been executed before, and this is what they led to then.
    public let isRepeat: Bool
}
