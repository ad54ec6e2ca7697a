#if Postgres
public import SillokCore
public import SillokSQL

extension PostgresEventStore {
    /// Opens a read model in another schema of the log's database, for inline projections and any others. Creates the
    /// schema if there is none.
    ///
    /// ```swift
    /// let views = try await store.readModel()
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: views)
    /// ```
    /// - Throws: `StoreError`: as `PostgresReadModel`; `readOnly` if the store was opened as read-only.
    public func readModel(schema: String = "read_model") async throws -> PostgresStoreReadModel {
        try await PostgresStoreReadModel(store: self, schema: schema)
    }
}

/// A read model in the database of a store, whose tables can be written in the transaction of the append.
///
/// In all other ways it is a ``PostgresReadModel``. Other processes may have it open, as either type. It keeps the
/// store open until it is released.
public final class PostgresStoreReadModel: InlineReadModel {
    private let store: PostgresEventStore
    private let model: PostgresReadModel

    init(store: PostgresEventStore, schema: String) async throws {
        self.store = store
        model = try await store.openReadModel(schema)
    }

    /// The schema of the tables.
    public var schema: String { model.schema }

    /// Closes the connections for queries and writes. Attached rules stay attached until the store is closed.
    public func close() async { await model.close() }

    /// Returns the identity of the store that it is part of.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Executes all changes in one transaction, if all conditions hold in that transaction.
    public func write(_ write: ReadModelWrite) async throws { try await model.write(write) }

    /// Returns the rows of a query. The query sees every write and every append that has returned.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled; `StoreError`: `invalidQuery` if its SQL is wrong
    ///   or would change data.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }

    /// Catches up with the log, and from then on executes the rule within each append of this process.
    ///
    /// What processes append that have not attached the rule, it sees with the next append of one that has: before that
    /// one's events, in the same transaction. An event among them that it cannot project refuses that append.
    package func attach(_ rule: InlineRule) async throws {
        repeat {
            try Task.checkCancellation()
        } while try await !store.attach(rule, schema: schema)
    }
}
#endif
