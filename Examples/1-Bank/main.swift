import BankModel
import Sillok
import SillokSQLite

let store = try SQLiteEventStore(path: "bank.sqlite")
let accounts = CommandHandler<BankAccount>("account", in: store)

try await accounts.execute(.open(owner: "Ada"), on: "42")
try await accounts.execute(.deposit(100_00), on: "42")
try await accounts.execute(.withdraw(30_00), on: "42")

for event in try await store.read(.stream("account-42")).events {
    print(event.revision, event.type, String(decoding: event.payload, as: UTF8.self))
}
await store.close()
