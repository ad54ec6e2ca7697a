import SillokCore
public import SillokSQLiteModels
import SillokStorage

extension LogEventStore: StoreWithReadModel {
    /// A read model in the store's own folder, in the file `rows.sqlite`. Use it for inline projections, and for others
    /// that should be backed up, copied and deleted together with the log.
    ///
    /// ```swift
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: store.readModel)
    /// ```
    /// Its tables are created when it is first used. All writes go through the thread that appends. The rows of an
    /// inline projection are committed after the log was synced, and before the append returns. Only acts of operators
    /// wait for the disk: a power cut may remove the last rows, together with their checkpoint. Then, and after a
    /// crash, `attach()` of the projector projects the missing events again. So attach a projection before you query
    /// its rows. A store that is open as read-only can read the rows too.
    public var readModel: StoreReadModel { StoreReadModel(self) }

    /// Returns what lets the thread that writes use the read model.
    static func modelling(_ appends: StoreAppends<LogWriter>) -> StoreModelAccess.Submit {
        { request in try await appends.use(.model(request)) }
    }
}
