import Sillok
import SillokChain
import SillokLog
import SillokPostgres
import SillokSQL
import SillokSQLite

/// A store and its read model: files, a folder (`….sillok`), or schemas of a PostgreSQL database
/// (`postgres://…#schema`).
struct TorturePlace: Sendable {
    private let text: String

    init(_ text: String) { self.text = text }

    /// Who may do what with the store.
    enum Access {
        case writing
        case reading
    }

    /// The store, and how it checks itself and ends.
    struct Store: Sendable {
        let store: any ChainedEventStore
        let verify: @Sendable () async throws -> VerificationReport
        let close: @Sendable () async -> Void

        init(_ store: SQLiteEventStore) {
            self.store = store
            verify = { try await store.verify() }
            close = { await store.close() }
        }

        init(_ store: LogEventStore) {
            self.store = store
            verify = { try await store.verify() }
            close = { await store.close() }
        }

        #if Postgres
        init(_ store: PostgresEventStore) {
            self.store = store
            verify = { try await store.verify() }
            close = { await store.close() }
        }
        #endif
    }

    /// Opens the store; to write, it is made if there is none.
    func store(for access: Access) async throws -> Store {
        #if Postgres
        if let (connection, schema) = schemas {
            return Store(
                try await PostgresEventStore(
                    connection, schema: schema, mode: access == .writing ? .create : .readOnly))
        }
        #endif
        if text.hasSuffix(".sillok") {
            return Store(try LogEventStore(path: text, mode: access == .writing ? .create : .readOnly))
        }
        return Store(try SQLiteEventStore(path: text, mode: access == .writing ? .create : .readOnly))
    }

    /// Opens the read model of the store, and creates it if there is none.
    func model() async throws -> TortureModel {
        #if Postgres
        if let (connection, schema) = schemas {
            let model = try await PostgresReadModel(connection, schema: schema + "_views")
            return TortureModel(model: model) { await model.close() }
        }
        #endif
        let model = try SQLiteReadModel(path: text + ".views")
        return TortureModel(model: model) { await model.close() }
    }

    /// Opens the store with the read model that is part of it.
    func storeWithModel(for access: Access) async throws -> (store: Store, model: any InlineReadModel) {
        #if Postgres
        if let (connection, schema) = schemas {
            let store = try await PostgresEventStore(connection, schema: schema)
            return (Store(store), try await store.readModel(schema: schema + "_views"))
        }
        #endif
        if text.hasSuffix(".sillok") {
            let store = try LogEventStore(path: text, mode: access == .writing ? .create : .readOnly)
            return (Store(store), store.readModel)
        }
        let store = try SQLiteEventStore(path: text, mode: access == .writing ? .create : .readOnly)
        return (Store(store), store.readModel)
    }

    /// Whether rows may be behind the log after a kill, until their projection is attached again.
    var isLogFirst: Bool { text.hasSuffix(".sillok") }

    /// Waits until the server is done with what killed processes had sent; those of a run have one application name.
    func settle() async throws {
        guard schemas != nil else { return }
        let model = try await model()
        while try await !model.rows(
            """
            SELECT 1 FROM pg_stat_activity
            WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()
            """
        ).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        await model.close()
    }

    private var schemas: (connection: String, schema: String)? {
        guard text.hasPrefix("postgres://"), let mark = text.lastIndex(of: "#") else { return nil }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }
}

/// Any read model as one type.
struct TortureModel: ReadModel {
    let model: any ReadModel
    var end: @Sendable () async -> Void = {}

    func close() async { await end() }

    func write(_ write: ReadModelWrite) async throws { try await model.write(write) }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}
