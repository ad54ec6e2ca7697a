import BankModel
import Foundation
import Sillok
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

@testable import BankWithReadModel

@Suite struct AccountBalanceTests {
    @Test func `a balance is what was paid in less what was paid out`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).sqlite")
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file.path + end) } }
        let model = try SQLiteReadModel(path: file.path)
        try await ProjectionScenario(AccountBalance())
            .given(.opened(owner: "Ada"), .deposited(cents: 100), .withdrawn(cents: 30), on: "account-1")
            .given(.opened(owner: "Eve"), on: "account-2")
            .then(
                "SELECT * FROM account_balance ORDER BY account",
                gives: [
                    [.text("account-1"), .text("Ada"), .integer(70)],
                    [.text("account-2"), .text("Eve"), .integer(0)],
                ], in: model)
        await model.close()
    }
}
