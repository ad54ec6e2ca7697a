import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import Starter

@Suite struct BalancesTests {
    @Test func `a balance is what was paid in less what was paid out`() async throws {
        try await ProjectionScenario(Balances())
            .given(.opened(owner: "Ada"), .deposited(cents: 100), .withdrawn(cents: 30), on: "account-1")
            .given(.opened(owner: "Eve"), on: "account-2")
            .then(
                "SELECT * FROM balances ORDER BY account",
                gives: [
                    [.text("1"), .text("Ada"), .integer(70)],
                    [.text("2"), .text("Eve"), .integer(0)],
                ], in: SQLiteReadModel())
    }
}
