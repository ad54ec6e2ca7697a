/// When the rows of a projection are made.
public enum Lifecycle: String, Hashable, Sendable {
    /// In the transaction of the append: rows are never behind. The read model must lie in the store's own file, such as
    /// `SQLiteEventStore`'s `readModel`. An event that cannot be projected refuses its append; nothing is parked.
    case inline
    /// By a runner of its own, which follows the log.
    case async
    /// When they are asked for, by replaying what is new. For a read model in memory: then nothing is stored.
    case live
}

/// When a new version or build becomes the live one.
public enum Promotion: Hashable, Sendable {
    /// When it has come as far as the live one.
    case whenCaughtUp
    /// When somebody says so, such as after a look at the differences.
    case byOperator
}
