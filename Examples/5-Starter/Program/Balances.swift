import SillokProjections

/// A read model: one row for each account. It can be deleted at any time, and is rebuilt from the log.
struct Balances: Projection {
    let name = "balances"
    /// Raise it when you change the table or `project`. A new build is then made next to the live one.
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "balances") (account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)"
    ]

    /// Returns the changes that an event means for the table.
    func project(_ event: Recorded<Account.Event>) -> [SQL] {
        guard let account = event.stream?.key else { return [] }
        return switch event.payload {
        case .opened(let owner):
            ["INSERT INTO \(table: "balances") VALUES (\(account), \(owner), 0)"]
        case .deposited(let cents):
            ["UPDATE \(table: "balances") SET cents = cents + \(cents) WHERE account = \(account)"]
        case .withdrawn(let cents):
            ["UPDATE \(table: "balances") SET cents = cents - \(cents) WHERE account = \(account)"]
        }
    }
}

/// A row of the table.
struct Balance: Decodable {
    let account: String
    let owner: String
    let cents: Int
}
