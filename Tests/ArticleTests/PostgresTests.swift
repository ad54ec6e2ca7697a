#if Postgres
import BankModel
import Foundation
import SillokPostgres
import SillokProjections
import Testing

@testable import BankWithReadModel

private let server = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"] ?? ""

/// The code of the article `RunningOnPostgreSQL`.
@Suite(.enabled(if: !server.isEmpty)) struct PostgresTests {
    @Test func `the bank runs on PostgreSQL, with rows in the transaction of the append`() async throws {
        try await run(on: server)
    }

    func run(on connection: String) async throws {
        let store = try await PostgresEventStore(connection, schema: "bank")
        let views = try await store.readModel(schema: "bank_views")
        let balances = Projector(AccountBalance(), .inline, from: store, into: views)
        try await balances.attach()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        // Another account, because the database may have been used before.
        let owner = EventID().description
        try await accounts.execute(.open(owner: owner), on: owner)
        let rows = try await views.rows("SELECT owner, cents FROM account_balance", as: Balance.self)
        #expect(Set([owner, "Ada"]).isSubset(of: rows.map(\.owner)))
        await store.close()
    }
}
#endif
