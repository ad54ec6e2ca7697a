import Foundation
import Sillok
import SillokLog
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokPostgres

/// What the read side is tested on: every storage of read models passes the same tests.
enum Storage: CustomTestStringConvertible, Sendable {
    case sqlite
    case postgres
    /// A store in a folder; read models outside a store are SQLite files.
    case folder

    /// SQLite; and PostgreSQL where `SILLOK_POSTGRES` names a server, which `scripts/test` starts.
    static let tested: [Storage] = server == nil ? [.sqlite] : [.sqlite, .postgres]

    /// Storages with stores of their own, which have a read model that is written within appends.
    static let stores = tested + [.folder]

    /// The connection string of the server.
    static var server: String? {
        #if Postgres
        setting("SILLOK_POSTGRES").flatMap { $0.isEmpty ? nil : $0 }
        #else
        nil
        #endif
    }

    var testDescription: String {
        switch self {
        case .sqlite: "SQLite"
        case .postgres: "PostgreSQL"
        case .folder: "a folder"
        }
    }
}

/// A place for read models, that is gone when the test is.
final class Place: Sendable {
    private let storage: Storage
    let folder = TemporaryFolder()
    private let schemas = Lock<Set<String>>([])
    private let name = "place_\(EventID().description.suffix(12))"

    init(_ storage: Storage) { self.storage = storage }

    /// Opens the read model of a name; several may have it open, as several processes would.
    func model(_ name: String = "model") async throws -> TestedModel {
        #if Postgres
        if storage == .postgres, let server = Storage.server {
            let schema = "\(self.name)_\(name)"
            schemas.withLock { _ = $0.insert(schema) }
            let model = try await PostgresReadModel(server, schema: schema)
            return TestedModel(model) { await model.close() }
        }
        #endif
        let model = try SQLiteReadModel(path: folder(name))
        return TestedModel(model) { await model.close() }
    }

    /// A new read model without other users, in memory where possible.
    func freshModel() async throws -> TestedModel {
        if storage == .postgres { return try await model("\(EventID().description.suffix(12))") }
        let model = try SQLiteReadModel()
        return TestedModel(model) { await model.close() }
    }

    /// Makes a store on the same storage.
    func store() async throws -> TestedStore {
        #if Postgres
        if storage == .postgres { return TestedStore(try await postgresStore()) }
        #endif
        if storage == .folder { return TestedStore(try LogEventStore(path: folder("log"))) }
        return TestedStore(try SQLiteEventStore(path: folder("log")))
    }

    /// The log of a test of read models: of the folder if that is the storage, otherwise in memory.
    func log() async throws -> any EventStore {
        storage == .folder ? try await store() : MemoryEventStore()
    }

    /// The same store, with a read model that projections can write in its appends.
    func storeWithModel() async throws -> (store: TestedStore, model: TestedInlineModel) {
        #if Postgres
        if storage == .postgres {
            let store = try await postgresStore()
            schemas.withLock { _ = $0.insert("\(name)_views") }
            let model = try await store.readModel(schema: "\(name)_views")
            return (TestedStore(store), TestedInlineModel(model) { await model.close() })
        }
        #endif
        if storage == .folder {
            let store = try LogEventStore(path: folder("log"))
            return (TestedStore(store), TestedInlineModel(store.readModel) {})
        }
        let store = try SQLiteEventStore(path: folder("log"))
        return (TestedStore(store), TestedInlineModel(store.readModel) {})
    }

    #if Postgres
    private func postgresStore() async throws -> PostgresEventStore {
        let schema = "\(name)_log"
        schemas.withLock { _ = $0.insert(schema) }
        return try await PostgresEventStore(Storage.server ?? "", schema: schema)
    }
    #endif

    /// The place of a store and its read model, for the torture program; `nil`: a file suffices.
    var torture: String? {
        guard storage == .postgres, let server = Storage.server else { return nil }
        schemas.withLock { $0.formUnion([name, "\(name)_views"]) }
        return "\(server)#\(name)"
    }

    deinit {
        #if Postgres
        let schemas = schemas.withLock { $0 }
        guard !schemas.isEmpty, let server = Storage.server,
            let connection = try? Connection(ServerAddress(text: server, schema: ""), for: .writing)
        else { return }
        for schema in schemas { _ = try? connection.run(Query("DROP SCHEMA IF EXISTS \"\(schema)\" CASCADE")) }
        #endif
    }
}

/// A read model of any storage, and how it is closed.
protocol Tested: ReadModel {
    var model: any ReadModel { get }
    var end: @Sendable () async -> Void { get }
}

extension Tested {
    func close() async { await end() }

    func write(_ write: ReadModelWrite) async throws { try await model.write(write) }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}

struct TestedModel: Tested {
    let model: any ReadModel
    let end: @Sendable () async -> Void

    init(_ model: any ReadModel, end: @escaping @Sendable () async -> Void) { (self.model, self.end) = (model, end) }
}

/// A read model that is part of a store of any storage.
struct TestedInlineModel: Tested, InlineReadModel {
    private let inline: any InlineReadModel
    let end: @Sendable () async -> Void

    var model: any ReadModel { inline }

    init(_ model: any InlineReadModel, end: @escaping @Sendable () async -> Void) { (inline, self.end) = (model, end) }

    func storeID() async throws -> StoreID { try await inline.storeID() }

    func attach(_ rule: InlineRule) async throws { try await inline.attach(rule) }
}

/// A store of any storage.
struct TestedStore: ForwardingEventStore {
    let base: any EventStore
    private let end: @Sendable () async -> Void
    private let check: @Sendable () async throws -> VerificationReport

    init(_ store: SQLiteEventStore) {
        base = store
        end = { await store.close() }
        check = { try await store.verify() }
    }

    init(_ store: LogEventStore) {
        base = store
        end = { await store.close() }
        check = { try await store.verify() }
    }

    #if Postgres
    init(_ store: PostgresEventStore) {
        base = store
        end = { await store.close() }
        check = { try await store.verify() }
    }
    #endif

    func verify() async throws -> VerificationReport { try await check() }

    func close() async { await end() }
}
