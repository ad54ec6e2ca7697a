public import SillokCore

extension Metadata {
    /// The metadata of the current task. A ``CommandHandler`` adds it to every event.
    ///
    /// ```swift
    /// try await Metadata.$current.withValue(Metadata(actor: "ada", correlationID: request.id)) {
    ///     try await accounts.execute(.deposit(100), on: "42")
    /// }
    /// ```
    @TaskLocal public static var current = Metadata()

    /// Returns the context for an action that is caused by an event. The event is the cause, and its correlation is
    /// kept. Actor and trace are taken from the event where the task's own context has none.
    ///
    /// A publisher runs its sink in this context. If you follow the log by other means, set it yourself:
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
        if cause.hops > 0 { context.hops = cause.hops }
        return context
    }

    /// Returns the context of the task for the events of a command. Correlation and causation are the command's id
    /// unless the context has others. `own` is the command's own metadata, which takes precedence over the context.
    package static func ofCommand(_ id: CommandID, saying own: Metadata = Metadata()) -> Metadata {
        let context = own.filled(from: current)
        return Metadata(
            actor: context.actor, correlationID: context.correlationID ?? id.description,
            causationID: context.causationID ?? id.description, commandID: id,
            traceparent: own.traceparent ?? Spans.traceparent ?? context.traceparent
        ).filled(from: context)
    }
}
