import SillokProjections
import SillokSQLite

let store = try SQLiteEventStore(path: "bank.sqlite")
let model = try SQLiteReadModel(path: "balances.sqlite")
let accounts = CommandHandler<BankAccount>("account", in: store)
let balances = Projector(AccountBalance(), from: store, into: model)

try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await balances.run() }
    if try await accounts.state(of: "42").revision == .none {
        try await accounts.execute(.open(owner: "Ada"), on: "42")
    }
    let deposit = try await accounts.execute(.deposit(100_00), on: "42")

    // Waits for the row that contains this deposit, for at most a second.
    let fresh = try await balances.model(atLeast: deposit.position, within: .seconds(1))
    for row in try await fresh.rows("SELECT owner, cents FROM account_balance WHERE account = 'account-42'") {
        print(row["owner"].text ?? "", row["cents"].integer ?? 0)
    }
    group.cancelAll()
}
await store.close()
await model.close()
