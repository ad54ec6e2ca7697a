public import SillokCore

/// A read model whose tables can be written in the transaction of the append: it lies in the store's own file.
package protocol InlineReadModel: ReadModel {
    /// The store that it is part of.
    func storeID() async throws -> StoreID

    /// Catches up with the log, and from then on carries out the rule within each append.
    ///
    /// What the rule or its SQL throws refuses the append: nothing of it is stored, and the appends beside it are not
    /// touched. Attaching a rule again replaces it. A rule whose build is taken away takes part no longer.
    /// - Throws: ``InlineProjectionFailed`` at an event that it cannot project: what lies before it may have been
    ///   projected, and the rule does not take part. `StoreError`: `notFound` if there is no such build.
    func attach(_ rule: InlineRule) async throws
}

/// What an inline projection does with each event.
package struct InlineRule: Sendable {
    /// The build that it writes: its rows are those of partition 0.
    package let projection: ProjectionID

    /// The events that it wants.
    package let source: EventQuery

    /// The changes that an event makes. Every append waits for it, so it must be quick.
    package let changes: @Sendable (RecordedEvent) throws -> [SQL]

    /// A rule with all of its parts.
    package init(
        _ projection: ProjectionID, source: EventQuery, changes: @escaping @Sendable (RecordedEvent) throws -> [SQL]
    ) {
        self.projection = projection
        self.source = source
        self.changes = changes
    }
}

/// An inline projection could not project an event of an append, so nothing of that append is stored.
public struct InlineProjectionFailed: Error, Sendable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID

    /// The event that it could not project, and the place that it has, or would have had.
    public let event: RecordedEvent

    /// Why: what the rule threw, or ``ChangeFailed`` for its SQL.
    public let cause: any Error

    /// An error with all of its parts.
    public init(projection: ProjectionID, event: RecordedEvent, cause: any Error) {
        self.projection = projection
        self.event = event
        self.cause = cause
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        let place = event.stream.map { " of \($0)" } ?? ""
        return "\(projection) is inline and cannot project \(event.type)\(place): \(cause). Nothing was stored; append "
            + "something else, or mend the projection."
    }
}
