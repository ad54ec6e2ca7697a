public import SillokCore

/// The outcome of a command.
public struct CommandOutcome<D: Decider>: Sendable {
    /// The new events, in order; empty if the command changed nothing.
    public let events: [D.Event]

    /// The state after these events.
    public let state: D

    /// The revision of the stream after these events; `Revision.none` without a stream.
    public let revision: Revision

    /// The position to wait for to read your own write: that of the last new event or, if the command changed nothing,
    /// the last position that was read.
    public let position: Position

    /// The receipt of the append; `nil` if no event was appended.
    public let receipt: Receipt?

    /// The id of the command, given or generated.
    public let id: CommandID

    /// Whether the command had been executed before, and this is its first outcome.
    public let isRepeat: Bool
}

/// The outcome of several commands that were executed as one.
public struct BatchOutcome<D: Decider>: Sendable {
    /// The new events, in order, each with the key of its stream.
    public let events: [(key: String, event: D.Event)]

    /// The state of each key after these events.
    public let states: KeyedValues<D>

    /// The revision of each key's stream after these events.
    public let revisions: KeyedValues<Revision>

    /// The position to wait for to read your own write: that of the last new event or, if the command changed nothing,
    /// the last position that was read.
    public let position: Position

    /// The receipt of the append; `nil` if no event was appended.
    public let receipt: Receipt?

    /// The id of the commands, given or generated.
    public let id: CommandID

    /// Whether the commands had been executed before, and this is their first outcome.
    public let isRepeat: Bool
}
