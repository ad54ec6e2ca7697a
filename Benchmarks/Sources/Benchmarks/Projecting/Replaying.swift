import Foundation
import RawLoop
import SillokProjections
import SillokSQLite

/// Rebuilding a read model from the log, where the time of it goes, how soon an append is seen, and the peer.
func projecting(_ plan: Plan) async throws {
    let store = try plan.store("bank")
    try await store.fillBank(to: plan.events)
    progress("\(plan.events) events of the bank")
    let rebuilding = try await replaying(store, plan)
    await store.close()
    try await rebuildingAlone(plan)
    plan.remove("bank")
    try await seeing(plan)
    try runningPeer(plan, rebuilding: rebuilding)
}

/// The rate of the whole and of each of its parts, in turns. Returns that of the whole.
private func replaying(_ store: SQLiteEventStore, _ plan: Plan) async throws -> Double {
    let parts = try await Parts(store)
    let count = UInt32(plan.events)
    let rounds = try await Rounds(
        min(plan.rounds, 3),
        [
            ("whole", { try await measure { try await rebuild(store, plan.fresh("balances")) } }),
            ("read", { try await measure { try await parts.read(plan.events) } }),
            ("decode", { try await measure { try parts.decode(plan.events) } }),
            ("project", { try await measure { try parts.project(plan.events) } }),
            ("write", { try await measure { try await parts.write(plan.events, to: plan.fresh("statements")) } }),
            ("raw read", { await measure { scanInPlace(store.path) } }),
            (
                "raw write",
                {
                    let path = plan.fresh("raw-balances")
                    return await measure {
                        raw_balances(path, count, UInt32(Bank.accounts), 1000)
                        return plan.events
                    }
                }
            ),
        ])
    for name in ["balances", "statements", "raw-balances"] { plan.remove(name) }
    printParts(rounds)
    return rounds.rate("whole")
}

private func printParts(_ rounds: Rounds) {
    var table = Table("part", "events/s", "wall µs/event", "CPU µs/event")
    let sides = [
        ("the whole: `Projector.run`", "whole"), ("read: pages of the category", "read"),
        ("decode: events from pages in memory", "decode"), ("decode and project", "project"),
        ("write: the statements by the read model", "write"),
        ("*unavoidable*: C reads the columns of the log in place", "raw read"),
        ("*unavoidable*: C updates the rows, in transactions of 1,000", "raw write"),
    ]
    for (label, side) in sides {
        table.row(label, short(rounds.rate(side)), short(1e6 / rounds.rate(side)), short(rounds.cpu(side)))
    }
    table.print()
    let slowest = rounds.rate("raw read") < rounds.rate("raw write") ? "raw read" : "raw write"
    print("The whole takes \(ratio(rounds.slowdown("whole", against: slowest))) of the slowest unavoidable part.\n")
}

/// The parts of a replay, each alone.
private struct Parts {
    let store: SQLiteEventStore
    let rule = Bank.AccountBalance()
    /// Pages of the log behind the openings, used over and over.
    let pages: [[RecordedEvent]]
    let statements: [[SQL]]

    init(_ store: SQLiteEventStore) async throws {
        self.store = store
        let coding = EventCoding<Bank.Event>()
        var (pages, statements): ([[RecordedEvent]], [[SQL]]) = ([], [])
        var position = Position(UInt64(Bank.accounts))
        while pages.count < 50 {
            let page = try await store.read(rule.source, after: position, limit: 1000)
            guard !page.events.isEmpty else { break }
            pages.append(page.events)
            statements.append(
                try page.events.flatMap { [rule] event in try coding.recorded(event).flatMap(rule.project) })
            position = page.through
        }
        (self.pages, self.statements) = (pages, statements)
    }

    func read(_ count: Int) async throws -> Int {
        var found = 0
        for try await page in store.pages(ReadRequest(rule.source, limit: 1000)) { found += page.events.count }
        precondition(found == count, "not all events were read")
        return found
    }

    func decode(_ count: Int) throws -> Int {
        let coding = EventCoding<Bank.Event>()
        var (done, sum) = (0, 0)
        for number in 0..<count / 1000 {
            for event in pages[number % pages.count] {
                for case .deposited(let cents) in try coding.decode(event) { sum += cents }
                done += 1
            }
        }
        precondition(sum > 0, "the payloads were not decoded")
        return done
    }

    func project(_ count: Int) throws -> Int {
        let coding = EventCoding<Bank.Event>()
        var (done, sum) = (0, 0)
        for number in 0..<count / 1000 {
            for event in pages[number % pages.count] {
                for event in try coding.recorded(event) { sum += rule.project(event).count }
                done += 1
            }
        }
        precondition(sum == done, "the events were not projected")
        return done
    }

    func write(_ count: Int, to path: String) async throws -> Int {
        let model = try SQLiteReadModel(path: path)
        let id = ProjectionID(rule.name, version: 1)
        var opened = rule.schema
        for account in 0..<Bank.accounts {
            opened.append(
                """
                INSERT INTO \(table: "account_balance") VALUES (\(Bank.account(account).text), 'Ada', 0, 1)
                """)
        }
        try await model.write(ReadModelWrite(opened.map { .init($0, of: id) }))
        var done = 0
        for number in 0..<count / 1000 {
            let page = statements[number % statements.count]
            try await model.write(ReadModelWrite(page.map { .init($0, of: id) }))
            done += page.count
        }
        await model.close()
        return done
    }
}

/// Rebuilds the balances from the whole log into a new file. Returns how many events it took.
func rebuild(_ store: SQLiteEventStore, _ path: String) async throws -> Int {
    let model = try SQLiteReadModel(path: path)
    let projector = Projector(Bank.AccountBalance(), from: store, into: model)
    let head = try await store.head()
    let rows = try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await projector.run() }
        let rows = try await projector.model(atLeast: head, within: .seconds(600))
            .rows("SELECT COUNT(*) AS accounts, SUM(cents) AS cents FROM account_balance")
        group.cancelAll()
        return rows
    }
    let count = Int(head.value)
    precondition(
        rows.first?.values == [.integer(Int64(Bank.accounts)), .integer(Int64(Bank.total(count)))],
        "the balances are not those of the log")
    await model.close()
    return count
}

private func scanInPlace(_ path: String) -> Int {
    guard let reader = raw_reader_open(path) else { return 0 }
    defer { raw_reader_close(reader) }
    return Int(raw_scan(reader, raw_touch))
}
