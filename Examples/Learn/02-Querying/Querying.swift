import BankModel
import SillokProjections
import SillokSQLite

let queryingLessons = [
    Lesson("lag", "A query that is too early, and one that waits for its own write", run: lag),
    Lesson("no-projector", "A query that waits, while no projector runs", run: noProjector),
    Lesson("two-shapes", "Two read models of the same events", run: twoShapes),
]

/// The balance of each account, and who owns it.
struct Balances: Projection {
    let name = "balances"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "balances") (
            account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)
        """
    ]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        guard let account = event.stream else { return [] }
        switch event.payload {
        case .opened(let owner):
            return ["INSERT INTO \(table: "balances") VALUES (\(account), \(owner), 0)"]
        case .deposited(let cents):
            return ["UPDATE \(table: "balances") SET cents = cents + \(cents) WHERE account = \(account)"]
        case .withdrawn(let cents):
            return ["UPDATE \(table: "balances") SET cents = cents - \(cents) WHERE account = \(account)"]
        }
    }
}

/// How much went in and out on each day, over all accounts.
struct DailyTurnover: Projection {
    let name = "turnover"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "turnover") (
            day TEXT PRIMARY KEY, deposits BIGINT NOT NULL, withdrawals BIGINT NOT NULL)
        """
    ]

    func project(_ event: Recorded<BankAccount.Event>) -> [SQL] {
        let day = String(event.recordedAt.description.prefix(10))
        let change: SQL
        switch event.payload {
        case .opened: return []
        case .deposited(let cents): change = "deposits = deposits + \(cents)"
        case .withdrawn(let cents): change = "withdrawals = withdrawals + \(cents)"
        }
        return [
            "INSERT INTO \(table: "turnover") VALUES (\(day), 0, 0) ON CONFLICT (day) DO NOTHING",
            "UPDATE \(table: "turnover") SET \(change) WHERE day = \(day)",
        ]
    }
}

private struct BalanceRow: Decodable { let owner: String, cents: Int }
private struct TurnoverRow: Decodable { let day: String, deposits: Int, withdrawals: Int }

/// What a query sees now.
private func show(_ model: SQLiteReadModel, _ when: String) async throws {
    let rows = try await model.rows("SELECT owner, cents FROM balances", as: BalanceRow.self)
    print("\(when):", rows.map { "\($0.owner) \($0.cents)" }.first ?? "no such account")
}

func lag() async throws {
    let store = MemoryEventStore()
    let model = try SQLiteReadModel()
    let accounts = CommandHandler<BankAccount>("account", in: store)
    let balances = Projector(Balances(), from: store, into: model)
    try await balances.prepare()

    try await accounts.execute(.open(owner: "Ada"), on: "42")
    try await accounts.execute(.deposit(100_00), on: "42")
    try await show(model, "after the deposit")
    try await balances.catchUp()
    try await show(model, "after the projector has run")

    let withdrawal = try await accounts.execute(.withdraw(30_00), on: "42")
    try await show(model, "after the withdrawal")
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await balances.run() }
        let fresh = try await balances.model(atLeast: withdrawal.position, within: .seconds(30))
        try await show(fresh, "with its position \(withdrawal.position)")
        group.cancelAll()
    }
    await model.close()
}

func noProjector() async throws {
    let store = MemoryEventStore()
    let model = try SQLiteReadModel()
    let accounts = CommandHandler<BankAccount>("account", in: store)
    let balances = Projector(Balances(), from: store, into: model)
    try await accounts.execute(.open(owner: "Ada"), on: "42")
    try await balances.catchUp()
    let deposit = try await accounts.execute(.deposit(100_00), on: "42")
    do {
        _ = try await balances.model(atLeast: deposit.position, within: .milliseconds(50))
    } catch let stale as StaleModel {
        print(stale)
        try await show(model, "show the old rows, and say so")
    }
    await model.close()
}

func twoShapes() async throws {
    let days = Days()
    let store = MemoryEventStore(clock: WallClock { days.noon })
    let model = try SQLiteReadModel()
    let accounts = CommandHandler<BankAccount>("account", in: store)
    for owner in ["Ada", "Grace"] {
        try await accounts.execute(.open(owner: owner), on: owner)
        try await accounts.execute(.deposit(100_00), on: owner)
        days.next()
        try await accounts.execute(.withdraw(30_00), on: owner)
    }
    // Both are built from the first event on, although one of them is a year younger than the events.
    try await Projector(Balances(), from: store, into: model).catchUp()
    try await Projector(DailyTurnover(), from: store, into: model).catchUp()

    for row in try await model.rows("SELECT owner, cents FROM balances ORDER BY owner", as: BalanceRow.self) {
        print(row.owner, row.cents)
    }
    for row in try await model.rows("SELECT * FROM turnover ORDER BY day", as: TurnoverRow.self) {
        print(row.day, "in", row.deposits, "out", row.withdrawals)
    }
    await model.close()
}
