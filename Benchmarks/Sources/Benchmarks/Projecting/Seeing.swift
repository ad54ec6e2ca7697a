import Foundation
import SillokProjections
import SillokSQLite

/// How long it takes from an append until its row is read, with pauses between the appends.
func seeing(_ plan: Plan) async throws {
    let store = try plan.store("seen")
    try await store.fillBank(to: Bank.accounts)
    let model = try SQLiteReadModel(path: plan.fresh("seen-balances"))
    let projector = Projector(Bank.AccountBalance(), from: store, into: model)
    let head = try await store.head()
    var (answers, rows, between): ([Double], [Double], [Double]) = ([], [], [])
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await projector.run() }
        _ = try await projector.model(atLeast: head, within: .seconds(60))
        let accounts = Counter(store: store)
        for number in 0..<(plan.isQuick ? 200 : 2000) {
            try await Task.sleep(for: .milliseconds(5))
            let account = number % 100
            let called = secondsNow()
            let receipt = try await accounts.deposit(1, on: account)
            let answered = secondsNow()
            let found = try await projector.model(atLeast: receipt, within: .seconds(10))
                .rows("SELECT cents FROM account_balance WHERE account = \("account-\(account)")")
            let seen = secondsNow()
            precondition(found.first?["cents"] == .integer(Int64(number / 100 + 1)), "a row was stale")
            answers.append((answered - called) * 1e3)
            rows.append((seen - called) * 1e3)
            between.append((seen - answered) * 1e3)
        }
        group.cancelAll()
    }
    await model.close()
    await store.close()
    for name in ["seen", "seen-balances"] { plan.remove(name) }
    var table = Table("single appends", "p50 ms", "p99 ms", "at most")
    for (label, taken) in [
        ("the append is answered", answers), ("from its answer until its row is read", between),
        ("both together", rows),
    ] {
        table.row(label, short(taken.quantile(0.5)), short(taken.quantile(0.99)), short(taken.max() ?? 0))
    }
    table.print()
}

/// Appends deposits without deciding them.
private struct Counter {
    let store: SQLiteEventStore

    func deposit(_ cents: Int, on account: Int) async throws -> Receipt {
        let event = try EventCoding<Bank.Event>().encode(.deposited(cents: cents))
        return try await store.append([event], to: StreamID("account-\(account)"))
    }
}
