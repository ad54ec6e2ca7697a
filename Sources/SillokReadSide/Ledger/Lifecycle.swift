/// The time at which the rows of a projection are written.
public enum Lifecycle: String, Hashable, Sendable {
    /// In the transaction of the append, so that rows are never behind. The read model must be in the store's own file
    /// or database: `readModel` of `SQLiteEventStore`, or `readModel(schema:)` of `PostgresEventStore`. If an event
    /// cannot be projected, its append is rejected; nothing is parked.
    case inline
    /// By a separate runner, which follows the log.
    case async
    /// When they are queried, by replaying new events. For a read model in memory; nothing is stored.
    case live
}

/// The time at which a new version becomes the live one. A rebuild of the live version is promoted only by an operator.
public enum Promotion: Hashable, Sendable {
    /// When it has caught up with the live build and lacks nothing that the live build contains.
    case whenCaughtUp
    /// When an operator promotes it, for example after comparing the rows.
    case byOperator
}
