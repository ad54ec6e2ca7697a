import Foundation
import Sillok
import SillokChain
import SillokPostgres
import SillokSQL
import SillokSQLite
import SillokTerminal

/// A place on a PostgreSQL server: `postgres://user@host/database#schema`, all but the first word as the environment
/// says.
struct PostgresPlace {
    let connection: String
    /// `nil`: the usual one.
    let schema: String?

    /// `nil` for a text of another form.
    init?(_ text: String) {
        guard text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") else { return nil }
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        connection = String(parts[0])
        schema = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil
    }

    /// What a command does with the store.
    enum Purpose {
        case reading
        /// It appends to a store that exists.
        case changing
        /// It creates the store if there is none.
        case writing
    }

    /// Opens the store there and closes it after `body`.
    func withStore<Result>(
        for purpose: Purpose, limits: Limits = Limits(), timeout: Duration = .seconds(5),
        _ body: (any SelfChecking) async throws -> Result
    ) async throws -> Result {
        #if Postgres
        let mode: PostgresEventStore.Mode =
            switch purpose {
            case .reading: .readOnly
            case .changing: .existing
            case .writing: .create
            }
        let store = try await PostgresEventStore(
            connection, schema: schema ?? "sillok", mode: mode, limits: limits, timeout: timeout)
        return try await closing(store.close) { try await body(store) }
        #else
        throw isMissing
        #endif
    }

    /// Opens the read model there and closes it after `body`.
    func withModel<Result>(_ body: (any ReadModel) async throws -> Result) async throws -> Result {
        #if Postgres
        let model = try await PostgresReadModel(
            connection, schema: schema ?? "read_model", timeout: .seconds(5))
        return try await closing(model.close) { try await body(model) }
        #else
        throw isMissing
        #endif
    }

    #if !Postgres
    var isMissing: CommandFailure {
        CommandFailure(
            .usage, "this sillok was built without PostgreSQL",
            hint: "Build it with PostgreSQL: swift build --traits Postgres. This needs libpq.")
    }
    #endif
}

#if Postgres
/// The log of a primary, which is opened as soon as the primary can be reached.
actor PrimaryLog {
    private let place: PostgresPlace
    private var store: PostgresEventStore?

    init(_ place: PostgresPlace) { self.place = place }

    func head() async throws -> Position {
        let store =
            if let store { store } else {
                try await PostgresEventStore(
                    place.connection, schema: place.schema ?? "sillok", mode: .existing, timeout: .seconds(1),
                    readers: 1)
            }
        self.store = store
        return try await store.head()
    }
}
#endif

/// Runs `body`, and then `close`, also after an error.
func closing<Result>(
    _ close: () async -> Void, _ body: () async throws -> Result
) async throws -> Result {
    do {
        let result = try await body()
        await close()
        return result
    } catch {
        await close()
        throw error
    }
}

/// A store that can check itself from the first event to the last.
protocol SelfChecking: ChainedEventStore {
    /// Checks everything that is stored.
    func verify(progress: @escaping @Sendable (WorkProgress) -> Void) async throws -> VerificationReport
}

#if Postgres
extension PostgresEventStore: SelfChecking {}
#endif
