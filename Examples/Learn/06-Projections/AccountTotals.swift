import BankModel
import SillokProjections

/// What is on every account. Version 1 forgets the withdrawals, and version 2 does not.
///
/// In your project the old code is in the last release. Here one program plays both releases.
struct AccountTotals: Projection {
    let name = "totals"
    let version: Int
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "totals") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        guard let account = event.stream?.key else { return [] }
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "totals") VALUES (\(account), 0)"]
        case .deposited(let cents): return [change(account, by: Int(cents))]
        case .withdrawn(let cents): return version == 1 ? [] : [change(account, by: -Int(cents))]
        }
    }

    private func change(_ account: String, by cents: Int) -> SQL {
        "UPDATE \(table: "totals") SET cents = cents + \(cents) WHERE account = \(account)"
    }
}
