import SillokProjections
import SillokSQLite

// starter open ACCOUNT OWNER, deposit ACCOUNT CENTS, withdraw ACCOUNT CENTS: a command, which appends events.
// starter: reads all new events into the read model, and prints its rows.
var words = CommandLine.arguments.dropFirst()
let action = words.popFirst()

// One process at a time writes to a file. For PostgreSQL, which has no such limit, add the product SillokPostgres with
// the trait Postgres, and write: try await PostgresEventStore("postgres://user@host/database"). For a store on a
// server, add SillokClient, and write: try await RemoteEventStore("sillok://127.0.0.1:50051").
let store = try SQLiteEventStore(path: "starter.sqlite", mode: action == nil ? .readOnly : .create)

if let action, let account = words.popFirst(), let value = words.popFirst() {
    let accounts = CommandHandler<Account>("account", in: store)
    let command: Account.Command? =
        switch (action, UInt32(value)) {
        case ("open", _): .open(owner: value)
        case ("deposit", let cents?): .deposit(cents: cents)
        case ("withdraw", let cents?): .withdraw(cents: cents)
        default: nil
        }
    if let command {
        do {
            let receipt = try await accounts.execute(command, on: account)
            print("done, the log has \(receipt.position) events")
        } catch let refusal as Account.Refusal {
            print("refused: \(refusal)")
        }
    } else {
        print("no such command: \(action) \(account) \(value)")
    }
} else {
    // A service runs its projections all the time: try await Projector(…).run(). To serve the log over HTTP and gRPC
    // from this program, add SillokServer; `sillok serve` does it without a program.
    let model = try SQLiteReadModel(path: "starter-views.sqlite")
    try await Projector(Balances(), from: store, into: model).catchUp()
    for row in try await model.rows("SELECT account, owner, cents FROM balances ORDER BY account", as: Balance.self) {
        print(row.account, row.owner, row.cents)
    }
    await model.close()
}
await store.close()
