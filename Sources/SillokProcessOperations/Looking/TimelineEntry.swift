public import SillokCore
public import SillokJSON

/// A record of an instance, as a line of its history.
public struct TimelineEntry: Hashable, Sendable {
    /// The kind of record: the type of its event, such as `effectDone`.
    public let kind: String
    /// The id of the record. A planned request, effect or deadline is named by the id of its record.
    public let id: EventID
    /// The position in the log.
    public let position: Position
    /// The revision in the stream of the instance.
    public let revision: Revision
    /// When it was recorded.
    public let recordedAt: Timestamp
    /// The id of the event that led to it: the input for the steps that follow from it, and the step for its result.
    public let cause: EventID?
    /// The correlation id, which all events and commands with the same first cause share.
    public let correlation: String?
    /// The event of the log that was handled, for `received` and `ignored`; the event that parked the instance, for
    /// `parked`.
    public let source: SourceReference?
    /// The step that it is about, for results, deadlines that fired, and acts. For `actEnded` it is the id of the act,
    /// and for `deadlineScheduled` that of the deadline that it replaces.
    public let step: EventID?
    /// The name of the request, effect, deadline or act: the case of its enum.
    public let name: String?
    /// The request, effect or deadline as recorded.
    public let payload: JSONValue?
    /// The request or effect that takes it back, if it was executed.
    public let undo: JSONValue?
    /// The step that this one takes back.
    public let undoes: EventID?
    /// The result of an effect, or the reason of a refusal, a failure, a parking or an end.
    public let result: String?
    /// When a deadline is due.
    public let due: Timestamp?
    /// The actor in the metadata: for an act the operator.
    public let actor: String?
    /// The reason in the metadata: for an act the operator's.
    public let reason: String?
}

/// An event of the log that a record refers to.
public struct SourceReference: Hashable, Sendable {
    /// The id of the event.
    public let event: EventID
    /// Its position; `nil` if the record does not have it.
    public let position: Position?
    /// Its stream; `nil` if it has none, or the record does not have it.
    public let stream: StreamID?
}
