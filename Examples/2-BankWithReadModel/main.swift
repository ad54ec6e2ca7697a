import BankModel
import SillokProjections
import SillokSQLite

let store = try SQLiteEventStore(path: "bank.sqlite")
let model = try SQLiteReadModel(path: "balances.sqlite")
let accounts = CommandHandler<BankAccount>("account", in: store)
let balances = Projector(AccountBalance(), from: store, into: model)

try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await balances.run() }
    try await accounts.execute(.open(owner: "Ada"), on: "42")
    let deposit = try await accounts.execute(.deposit(100_00), on: "42")

    // Waits until the row contains this deposit, for at most a second.
    let query: SQL = "SELECT owner, cents FROM account_balance WHERE account = 'account-42'"
    let fresh = try await balances.model(atLeast: deposit.position, within: .seconds(1))
    for balance in try await fresh.rows(query, as: Balance.self) {
        print(balance.owner, balance.cents)
    }
    group.cancelAll()
}
await store.close()
await model.close()
