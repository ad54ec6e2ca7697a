public import SillokCore

/// A read model whose tables can be written in the transaction of the append: it lies in the store's own file.
public protocol InlineReadModel: ReadModel {
    /// The store that it is part of.
    func storeID() async throws -> StoreID

    /// Catches up with the log, and from then on carries out the rule within each append.
    ///
    /// What the rule or its SQL throws refuses the append: nothing of it is stored, and the appends beside it are not
    /// touched. Attaching a rule again replaces it. A rule whose build is taken away takes part no longer.
    /// - Throws: `InlineProjectionFailed` at an event that it cannot project: what lies before it may have been
    ///   projected, and the rule does not take part. `StoreError`: `notFound` if there is no such build.
    func attach(_ rule: InlineRule) async throws
}

/// What an inline projection does with each event.
public struct InlineRule: Sendable {
    /// The build that it writes: its rows are those of partition 0.
    public let projection: ProjectionID

    /// The events that it wants.
    public let source: EventQuery

    /// The changes that an event makes. Every append waits for it, so it must be quick.
    public let changes: @Sendable (RecordedEvent) throws -> [SQL]

    /// A rule with all of its parts.
    public init(
        _ projection: ProjectionID, source: EventQuery, changes: @escaping @Sendable (RecordedEvent) throws -> [SQL]
    ) {
        self.projection = projection
        self.source = source
        self.changes = changes
    }
}
