import BankModel
import SillokClient
import SillokLog
import SillokProjections
import SillokSQLite
import SillokServer

/// The same bank in memory, in a folder, in a file, and on a server that several clients use.
struct Further {
    let folder: String

    func run() async throws {
        try await day("in memory", in: MemoryEventStore())
        let log = try LogEventStore(path: folder + "/bank.sillok")
        try await day("in a folder", in: log)
        await log.close()
        let file = try SQLiteEventStore(path: folder + "/bank.sqlite")
        try await day("in a file", in: file)
        try await serve(file) { address in
            try await clients(of: address)
            try await projectors(of: address)
        }
        await file.close()
    }

    /// A day at the bank. It does not know which store it gets.
    private func day(_ name: String, in store: any EventStore) async throws {
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        try await accounts.execute(.deposit(100_00), on: "42")
        do {
            try await accounts.execute(.withdraw(100_01), on: "42")
        } catch BankAccount.Refusal.insufficientFunds(let balance) {
            print("\(name): refused, \(balance) cents are left; the head is \(try await store.head())")
        }
    }

    /// Serves a store over gRPC for as long as `body` takes. `sillok serve bank.sqlite` does the same.
    private func serve(_ store: any EventStore, _ body: (String) async throws -> Void) async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        var configuration = GRPCServer.Configuration()
        configuration.port = 0
        let server = GRPCServer(serving: store, configuration, whenListening: { port.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await server.run()
            }
            for await number in ports {
                try await body("sillok://127.0.0.1:\(number)")
                break
            }
            group.cancelAll()
        }
    }

    /// Two clients deposit at the same time on the same account.
    private func clients(of address: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...2 {
                group.addTask {
                    let store = try await RemoteEventStore(address)
                    // A client can lose a race for each of the other's fifty deposits.
                    let retries = RetryPolicy(attempts: 51)
                    let accounts = CommandHandler<BankAccount>("account", in: store, options: .init(retries: retries))
                    for _ in 1...50 { try await accounts.execute(.deposit(1), on: "42") }
                    await store.close()
                }
            }
            try await group.waitForAll()
        }
        let store = try await RemoteEventStore(address)
        let deposits = try await store.read(.stream("account-42").of("deposited")).events
        print("on a server: \(deposits.count) deposits, the last one at revision \(deposits.last?.revision ?? .none)")
        await store.close()
    }

    /// Two processes would share the partitions of one projection in this way.
    private func projectors(of address: String) async throws {
        let model = try SQLiteReadModel(path: folder + "/balances.sqlite")
        let store = try await RemoteEventStore(address)
        let options = ProjectorOptions(partitions: 4, lease: .seconds(10))
        let first = Projector(Totals(), from: store, into: model, options: options)
        let second = Projector(Totals(), from: store, into: model, options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            group.addTask { try await second.run() }
            let rows = try await first.model(atLeast: store.head(), within: .seconds(30)).rows("SELECT * FROM totals")
            for row in rows { print("two projectors: the account has \(row["cents"].integer ?? 0) cents") }
            group.cancelAll()
        }
        await store.close()
        await model.close()
    }
}

struct Totals: Projection {
    let name = "totals"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = ["CREATE TABLE \(table: "totals") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        guard let account = event.stream?.key else { return [] }
        let change =
            switch event.payload {
            case .opened: 0
            case .deposited(let cents): Int(cents)
            case .withdrawn(let cents): -Int(cents)
            }
        return [
            """
            INSERT INTO \(table: "totals") AS old VALUES (\(account), \(change))
            ON CONFLICT (account) DO UPDATE SET cents = old.cents + \(change)
            """
        ]
    }
}
