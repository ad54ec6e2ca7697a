import BankModel
import SillokProjections
import SillokSQLite

/// The bank as events, with the decider of 1-Bank. The rows for queries are written in the transaction of the append.
struct EventBank: Bank {
    private let store: SQLiteEventStore
    private let accounts: CommandHandler<BankAccount>

    init(path: String) async throws {
        store = try SQLiteEventStore(path: path)
        accounts = CommandHandler("account", in: store)
        try await Projector(CurrentBalances(), .inline, from: store, into: store.readModel).attach()
    }

    func open(_ account: String, owner: String) async throws {
        try await accounts.execute(.open(owner: owner), on: account)
    }

    func deposit(_ cents: UInt32, into account: String, id: CommandID) async throws {
        try await accounts.execute(.deposit(cents), on: account, id: id)
    }

    func withdraw(_ cents: UInt32, from account: String, id: CommandID) async throws {
        try await accounts.execute(.withdraw(cents), on: account, id: id)
    }

    func balance(of account: String) async throws -> Int {
        let current = try await accounts.state(of: account)
        if current.revision == .none { throw Refusal.notOpen }
        return current.state.balance
    }

    func total() async throws -> Int {
        let rows = try await store.readModel.rows("SELECT SUM(cents) AS cents FROM balances", as: Sum.self)
        return rows.first?.cents ?? 0
    }

    private struct Sum: Decodable { let cents: Int? }

    func history(of account: String) async throws -> [String] {
        let stream = StreamID("account", account)
        return try await store.read(.stream(stream)).events.map { event in
            "\(event.type) \(String(decoding: event.payload, as: UTF8.self))"
        }
    }

    func close() async throws { await store.close() }
}

/// The balance of each account as a row.
struct CurrentBalances: Projection {
    let name = "balances"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = ["CREATE TABLE \(table: "balances") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        guard let account = event.stream else { return [] }
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "balances") VALUES (\(account), 0)"]
        case .deposited(let cents):
            return ["UPDATE \(table: "balances") SET cents = cents + \(cents) WHERE account = \(account)"]
        case .withdrawn(let cents):
            return ["UPDATE \(table: "balances") SET cents = cents - \(cents) WHERE account = \(account)"]
        }
    }
}
