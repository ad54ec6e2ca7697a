import SillokCore
public import SillokSQLiteModels

extension SQLiteEventStore: StoreWithReadModel {
    /// A read model in the store's own file. Use it for inline projections, and for others that should be backed up,
    /// copied and deleted together with the log.
    ///
    /// ```swift
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: store.readModel)
    /// ```
    /// Its tables are created when it is first used. All writes go through the thread that appends. They are as durable
    /// as events: they are on the disk before the call returns. A store that is open as read-only can read the rows
    /// too.
    public var readModel: StoreReadModel { StoreReadModel(self) }
}
