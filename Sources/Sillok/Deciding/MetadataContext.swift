public import SillokCore

extension Metadata {
    /// What the current task knows of why it acts; a ``CommandHandler`` writes it into every event.
    ///
    /// ```swift
    /// try await Metadata.$current.withValue(Metadata(actor: "ada", correlationID: request.id)) {
    ///     try await accounts.execute(.deposit(100), on: "42")
    /// }
    /// ```
    @TaskLocal public static var current = Metadata()

    /// The context in which something is done because of an event: the event is its cause, its correlation goes on, and
    /// so do actor and trace where the task's own context has none.
    ///
    /// A projector's reactions run in it. Whoever follows the log by other means enters it himself:
    ///
    /// ```swift
    /// try await Metadata.$current.withValue(.caused(by: event)) { try await orders.execute(.ship, on: "7") }
    /// ```
    public static func caused(by event: RecordedEvent) -> Metadata {
        let cause = event.metadata
        var context = Metadata(
            actor: current.actor ?? cause.actor, correlationID: cause.correlationID ?? event.id.description,
            causationID: event.id.description, traceparent: current.traceparent ?? cause.traceparent
        ).filled(from: current)
        context.commandID = nil
        return context
    }

    /// The context of the task for the events of a command: correlation and causation are the command's id where the
    /// context does not say otherwise. `own` is what the command says itself, which goes before the context.
    static func ofCommand(_ id: CommandID, saying own: Metadata = Metadata()) -> Metadata {
        let context = own.filled(from: current)
        return Metadata(
            actor: context.actor, correlationID: context.correlationID ?? id.description,
            causationID: context.causationID ?? id.description, commandID: id, traceparent: context.traceparent
        ).filled(from: context)
    }
}
