import SillokProjections

/// The balance of every account, to be asked with SQL.
struct AccountBalance: Projection {
    let name = "account_balance"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "account_balance") (
            account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL, is_open INTEGER NOT NULL)
        """
    ]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        let account = event.stream?.text ?? ""
        switch event.payload {
        case .opened(let owner):
            return [
                """
                INSERT INTO \(table: "account_balance") VALUES (\(account), \(owner), 0, 1)
                ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, is_open = 1
                """
            ]
        case .deposited(let cents): return [set("cents = cents + \(cents)", account)]
        case .withdrawn(let cents): return [set("cents = cents - \(cents)", account)]
        case .closed: return [set("is_open = 0", account)]
        }
    }

    private func set(_ column: SQL, _ account: String) -> SQL {
        "UPDATE \(table: "account_balance") SET \(column) WHERE account = \(account)"
    }
}
