#if Postgres
public import SillokCore
public import SillokSQL

extension PostgresEventStore {
    /// Opens a read model beside the log, in another schema of its database: for projections that are inline, and any
    /// others. Its schema is made if there is none.
    ///
    /// ```swift
    /// let views = try await store.readModel()
    /// let balances = Projector(AccountBalance(), .inline, from: store, into: views)
    /// ```
    /// - Throws: `StoreError`: as `PostgresReadModel`; `readOnly` if the store was opened for reading only.
    public func readModel(schema: String = "read_model") async throws -> PostgresStoreReadModel {
        try await PostgresStoreReadModel(store: self, schema: schema)
    }
}

/// A read model in the database of a store, whose tables can be written in the transaction of the append.
///
/// It is a ``PostgresReadModel`` in all else: other processes may have it open, as that or as this. It keeps the store open
/// for as long as it is held.
public final class PostgresStoreReadModel: InlineReadModel {
    private let store: PostgresEventStore
    private let model: PostgresReadModel

    init(store: PostgresEventStore, schema: String) async throws {
        self.store = store
        model = try await store.openReadModel(schema)
    }

    /// The schema that the tables are in.
    public var schema: String { model.schema }

    /// Lets go of the connections for queries and writes. Rules that are attached take part until the store is closed.
    public func close() async { await model.close() }

    /// The store that it is part of.
    public func storeID() async throws -> StoreID { try await store.storeID() }

    /// Makes all changes in one transaction, if all conditions hold in it.
    public func write(_ write: ReadModelWrite) async throws { try await model.write(write) }

    /// The rows that a query gives, which sees every write and every append that has returned.
    ///
    /// - Throws: `StoreError`: `invalidQuery` if its SQL is wrong or would change something.
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
