#if Postgres
import Foundation
import Sillok
import SillokTesting
import Testing

@testable import SillokPostgres

/// The throw-away server that `scripts/test` starts; `SILLOK_POSTGRES` says where.
enum TestServer {
    static let connection = setting("SILLOK_POSTGRES") ?? ""

    /// Whether there is one. Where there is none, `scripts/test` says so.
    static var isThere: Bool { !connection.isEmpty }

    /// Whether there is pgbouncer to put before it.
    static var hasPooler: Bool {
        ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].contains { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// A schema that no other test uses.
    static func freshSchema(_ name: String = "test") -> String {
        "\(name)_\(EventID().description.suffix(12))"
    }

    /// Executes SQL without the store.
    @discardableResult
    static func run(_ sql: String..., at connection: String = connection) throws -> Rows {
        let address = ServerAddress(text: connection, schema: "")
        let opened = try Connection(address, for: .writing)
        var rows: Rows?
        for text in sql { rows = try opened.run(Query(text, isBinary: false)) }
        return try #require(rows)
    }

    /// Ends all connections that use a schema, again and again, until the task is cancelled.
    static func endingConnections(to schema: String, every pause: Duration) -> Task<Void, any Error> {
        Task {
            while !Task.isCancelled {
                try run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE query LIKE '%"\(schema)"%' AND pid <> pg_backend_pid()
                    """)
                try? await Task.sleep(for: pause)
            }
        }
    }

    static func drop(_ schema: String) throws { try run("DROP SCHEMA IF EXISTS \"\(schema)\" CASCADE") }
}

func setting(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
}

/// A number that the environment may raise.
func times(_ name: String, _ normal: Int) -> Int { setting(name).flatMap(Int.init) ?? normal }

/// Runs `body` with a new store, and drops its schema.
func withStore<Result>(
    limits: Limits = Limits(), timeout: Duration = .seconds(15), clock: WallClock = .system,
    _ body: (PostgresEventStore) async throws -> Result
) async throws -> Result {
    let schema = TestServer.freshSchema()
    let store = try await PostgresEventStore(
        TestServer.connection, schema: schema, limits: limits, timeout: timeout, clock: clock)
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(store)) } catch { result = .failure(error) }
    await store.close()
    try TestServer.drop(schema)
    return try result.get()
}

func note(_ text: String) -> EventData { EventData(type: "noted", text: "\"\(text)\"") }
#endif
