#if Postgres
import CLibPQ
import Foundation
import SillokChain
import SillokPostgres
import SillokProjections
import Testing

/// A dump of three schemas: a store of step 4, its inline read model, and another read model, both of format 1.
@Suite("fixtures of 0672aac: PostgreSQL", .enabled(if: !Restored.server.isEmpty))
struct PostgresFixtureTests {
    @Test("fixtures of 0672aac: a dump is restored, its schema upgraded, verified and appended to")
    func store() async throws {
        try await Restored.run { restored in
            await #expect(throws: StoreError.self) {
                _ = try await PostgresEventStore(Restored.server, schema: restored.bank, mode: .existing)
            }
            let store = try await PostgresEventStore(Restored.server, schema: restored.bank)
            let events = try await store.everything()
            #expect(events.count == Int(Fixtures.events))
            try await expectBank(store)
            #expect(try await store.verify().findings == [])
            try await expectAppends(store, after: events)
            try await expectInline(store, try await store.readModel(schema: restored.seats))
            #expect(try await store.verify().findings == [])
            let chain = try #require(try await store.verifyChain())
            #expect(chain.isIntact && chain.events == Fixtures.events + 3)
            await store.close()
        }
    }

    @Test("fixtures of 0672aac: the read models of a restored dump are upgraded, and their projections continue")
    func readModels() async throws {
        try await Restored.run { restored in
            let store = try await PostgresEventStore(Restored.server, schema: restored.bank)
            let model = try await PostgresReadModel(Restored.server, schema: restored.balances)
            try await expectReadModel(model, of: store)
            await model.close()
            await store.close()
        }
    }
}

/// The dump, restored into schemas that no other test uses.
private struct Restored {
    static let server = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""

    let bank: String
    let balances: String
    let seats: String

    /// Restores the dump, runs `body`, and drops the schemas.
    static func run(_ body: (Restored) async throws -> Void) async throws {
        let unique = EventID().description.suffix(12)
        let restored = Restored(bank: "bank_\(unique)", balances: "balances_\(unique)", seats: "seats_\(unique)")
        let dump = try Fixtures.text("bank.sql")
            .replacing("fixture_bank", with: restored.bank)
            .replacing("fixture_balances", with: restored.balances)
            .replacing("fixture_seats", with: restored.seats)
        let result: Result<Void, any Error>
        do {
            try execute(dump)
            result = .success(try await body(restored))
        } catch {
            result = .failure(error)
        }
        for schema in [restored.bank, restored.balances, restored.seats] {
            try execute("DROP SCHEMA IF EXISTS \(schema) CASCADE")
        }
        try result.get()
    }

    private struct Failed: Error { let message: String }

    /// Executes all statements of a text, as `psql` does.
    private static func execute(_ text: String) throws {
        let connection = PQconnectdb(server)
        defer { PQfinish(connection) }
        let result = PQexec(connection, text)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK else {
            throw Failed(message: String(cString: PQerrorMessage(connection)))
        }
    }
}
#endif
