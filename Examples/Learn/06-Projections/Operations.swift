import BankModel
import SillokProjections
import SillokSQLite

let projectionLessons = [
    Lesson("alarm", "A projection falls behind: lag, a broken objective, an alarm, and its end", run: raiseAlarm),
    Lesson("deploy", "A corrected version: build, compare, promote, roll back", run: deployVersion),
    Lesson("rebuild", "Rows that someone has changed by hand, found and replaced", run: rebuildRows),
]

/// A bank, a read model of it, and a clock that only this program moves.
struct Operations {
    let time: Guarded<Timestamp>
    let clock: WallClock
    let store: MemoryEventStore
    let model: SQLiteReadModel
    let accounts: CommandHandler<BankAccount>
    let side: ReadSide

    init() throws {
        let time = Guarded<Timestamp>("2026-11-23T10:00:00Z")
        clock = WallClock { time.withLock { $0 } }
        store = MemoryEventStore(clock: clock)
        model = try SQLiteReadModel()
        accounts = CommandHandler("account", in: store)
        side = ReadSide(of: store, in: model, wallClock: clock)
        self.time = time
    }

    /// The projector of a version. A new version waits for an operator to promote it.
    func projector(version: Int) -> Projector<SQLiteReadModel> {
        let options = ProjectorOptions(promotion: .byOperator, wallClock: clock)
        return Projector(AccountTotals(version: version), from: store, into: model, options: options)
    }

    func trade() async throws {
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        try await accounts.execute(.deposit(100_00), on: "42")
        try await accounts.execute(.withdraw(30_00), on: "42")
    }

    func wait(seconds: Int64) {
        time.withLock { $0 = $0.advanced(byMicroseconds: seconds * 1_000_000) }
    }

    func showBuilds() async throws {
        let builds = try await side.status(of: "totals").map { "\($0.build.id) is \($0.build.state)" }
        let row = try await model.rows("SELECT cents FROM totals WHERE account = '42'").first
        print("queries see \(row?["cents"].integer ?? 0) cents;", builds.joined(separator: ", "))
    }
}

@Sendable func raiseAlarm() async throws {
    let bank = try Operations()
    let totals = bank.projector(version: 1)
    let objective = Objective.lag(p99: .seconds(5), over: .seconds(3600))
    let monitor = ObjectiveMonitor([objective], clock: bank.clock) { print("ALARM", $0) }

    /// `ReadSide.measure(with:)` does this every second.
    func measure() async throws {
        for status in try await bank.side.status(of: "totals") {
            monitor.record(.lag(projection: "totals", events: status.behind, time: status.lagTime))
        }
    }
    func showLag(_ title: String) async throws {
        for status in try await bank.side.status(of: "totals") {
            print("\(title): \(status.behind) events behind, the oldest for \(status.lagTime)")
        }
    }

    try await totals.catchUp()
    for _ in 1...10 {
        bank.wait(seconds: 60)
        try await measure()
    }
    try await bank.trade()
    try await showLag("three events, no projector")
    bank.wait(seconds: 90)
    try await showLag("90 seconds later")
    try await measure()

    try await totals.catchUp()
    try await showLag("the projector is back")
    for _ in 1...60 {
        bank.wait(seconds: 60)
        try await measure()
    }
    await bank.model.close()
}

@Sendable func deployVersion() async throws {
    let bank = try Operations()
    try await bank.trade()
    try await bank.projector(version: 1).catchUp()
    try await bank.showBuilds()

    try await bank.projector(version: 2).catchUp()
    try await bank.showBuilds()
    for difference in try await bank.side.diff("totals").differences {
        print("live:", difference.live?.values ?? [], "new:", difference.other?.values ?? [])
    }

    let ada = Operator("Ada", because: "version 1 forgets the withdrawals")
    try await bank.side.promote("totals", by: ada)
    try await bank.showBuilds()
    try await bank.side.rollback("totals", by: Operator("Bo", because: "a customer complains"))
    try await bank.showBuilds()
    try await bank.side.rollback("totals", by: Operator("Ada", because: "the old balance was the wrong one"))
    try await bank.showBuilds()
    await bank.model.close()
}

@Sendable func rebuildRows() async throws {
    let bank = try Operations()
    try await bank.trade()
    let totals = bank.projector(version: 2)
    try await totals.catchUp()

    let live = ProjectionID("totals", version: 2)
    try await bank.model.write(ReadModelWrite([.init("UPDATE \(table: "totals") SET cents = 1", of: live)]))
    try await bank.showBuilds()
    print("every event was handled once:", try await bank.side.verify("totals").findings.isEmpty)

    let bo = Operator("Bo", because: "a customer sees 1 cent")
    try await totals.rebuild(by: bo)
    bank.wait(seconds: 60)
    let comparison = try await bank.side.diff("totals")
    print("\(comparison.rows) row, \(comparison.differences.count) differs")
    try await bank.side.promote("totals", by: bo)
    try await bank.showBuilds()
    for act in try await bank.side.audit().reversed() { print(act.actor, act.action, act.projection, "-", act.reason) }
    await bank.model.close()
}
