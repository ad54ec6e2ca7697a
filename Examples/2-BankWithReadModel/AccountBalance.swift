import BankModel
import SillokProjections

/// The balance of every account, to be asked with SQL.
struct AccountBalance: Projection {
    let name = "account_balance"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "account_balance") (
            account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)
        """
    ]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        guard let account = event.stream else { return [] }
        switch event.payload {
        case .opened(let owner):
            return ["INSERT INTO \(table: "account_balance") VALUES (\(account), \(owner), 0)"]
        case .deposited(let cents):
            return ["UPDATE \(table: "account_balance") SET cents = cents + \(cents) WHERE account = \(account)"]
        case .withdrawn(let cents):
            return ["UPDATE \(table: "account_balance") SET cents = cents - \(cents) WHERE account = \(account)"]
        }
    }
}

/// A row of the table, as queries give it.
struct Balance: Decodable {
    let owner: String
    let cents: Int
}
