package import SillokCore

/// A read model whose tables can be written in the transaction of the append. They are in the store's own file.
package protocol InlineReadModel: ReadModel {
    /// The store that it is part of.
    func storeID() async throws -> StoreID

    /// Catches up with the log, and from then on runs the rule within each append.
    ///
    /// An error of the rule or its SQL refuses the append: none of its events is stored, and the other appends of the
    /// group are not affected. Attaching a rule again replaces it. If its build is dropped, the rule no longer runs.
    /// - Throws: `InlineProjectionFailed` at an event that it cannot project: earlier events may have been projected,
    ///   and the rule is not attached. `StoreError`: `notFound` if there is no such build.
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

    /// Creates a rule for one build of a projection.
    package init(
        _ projection: ProjectionID, source: EventQuery, changes: @escaping @Sendable (RecordedEvent) throws -> [SQL]
    ) {
        self.projection = projection
        self.source = source
        self.changes = changes
    }
}
