import Foundation
import SillokGRDB
import SillokProjections
import SillokSQLite
import SillokSnapshots
import Testing

/// A read model of format 1, with builds in each state, dead letters, acts of operators and snapshots. It also has the
/// position of a reaction, which nothing reads any more.
@Suite("fixtures of 0672aac: read models in a file", .timeLimit(.minutes(10)))
struct ReadModelFixtureTests {
    private let files: FixtureCopy

    init() throws { files = try FixtureCopy() }

    @Test("fixtures of 0672aac: the read model is upgraded, and its projections, operators and snapshots continue")
    func sqlite() async throws {
        let store = try SQLiteEventStore(path: files("bank.store"))
        let model = try SQLiteReadModel(path: files("balances.model"))
        try await expectReadModel(model, of: store)
        await model.close()
        await store.close()
    }

    @Test("fixtures of 0672aac: GRDB upgrades the read model, and its projections, operators and snapshots continue")
    func grdb() async throws {
        let store = try SQLiteEventStore(path: files("bank.store"))
        let model = try GRDBReadModel(path: files("balances.model"))
        try await expectReadModel(model, of: store)
        await model.close()
        await store.close()
    }
}

/// Checks that a read model of the fixtures has everything that was in it, and that work on it continues.
func expectReadModel(_ model: some ReadModel, of store: any EventStore) async throws {
    #expect(try await model.rows("SELECT version FROM sillok_format").map(\.values) == [[2]])
    let side = ReadSide(of: store, in: model)
    try await expectActs(side)
    try await expectSnapshots(in: model, of: store)
    try await expectBalances(side, model, store)
    try await expectRebuild(side, model)
    try await expectOwners(side, model, store)
}

/// Checks what is in the read model before anything is projected.
private func expectActs(_ side: ReadSide) async throws {
    let builds = try await side.status().map { "\($0.build.id) \($0.build.state) \($0.build.isPaused)" }
    #expect(
        builds == [
            "balances v1 previous false", "balances v2 live false", "balances v2 build 2 requested false",
            "owners v1 live true",
        ])
    let acts = try await side.audit()
    #expect(acts.map(\.action) == ["rebuild", "retry", "replace", "skip", "promote", "skip", "pause"])
    #expect(acts.map(\.actor) == ["ada", "grace", "grace", "ada", "sillok", "ada", "grace"])
    #expect(acts[2].detail == #"32: {"cents":12}"# && acts[2].reason == "a wrong number")
    #expect(try await letters(side) == ["28 failed", "29 behind", "30 skipped", "34 retry", "35 retry"])
    let letter = try await side.deadLetter(of: "balances", at: 28)
    #expect(letter.letter.reason == "Unlucky()" && letter.event.stream == "account-3")
}

private func letters(_ side: ReadSide) async throws -> [String] {
    try await side.deadLetters(of: "balances").map { "\($0.position) \($0.state)" }
}

/// Checks that the snapshots of that commit are not used, because they have no version and no sum over the event
/// schema. The states are replayed, and new snapshots take their places.
private func expectSnapshots(in model: some ReadModel, of store: any EventStore) async throws {
    let told = Lock<[SnapshotMeasurement.Outcome]>([])
    let snapshots = Snapshots(in: model, .every(5)) { measurement in told.withLock { $0.append(measurement.outcome) } }
    let accounts = CommandHandler<Account>("account", in: store, options: .init(snapshots: snapshots))
    for isOld in [true, false] {
        let account = try await accounts.state(of: "1")
        await snapshots.flush()
        #expect(account.state.balance == 1_328 && account.state.owner == "Ada" && account.revision == 15)
        let reason = "another version of Sillok wrote it"
        let outcomes = told.withLock { $0 }
        #expect(outcomes.contains(.ignored(subject: "account-1", reason: reason)) == isOld)
        #expect(outcomes.contains(.used) == !isOld)
        told.withLock { $0 = [] }
    }
    #expect(try await snapshots.verify(Account.self, in: store).findings == [])

    told.withLock { $0 = [] }
    let courses = CommandHandler<Course>(in: store, options: .init(snapshots: snapshots))
    for _ in 1...2 {
        let course = try await courses.state(for: .enrol(student: "John", course: "swift"))
        #expect(course.seats == 9 && course.students.count == 7)
        await snapshots.flush()
    }
    let subjects = told.withLock { $0 }.map { outcome in
        switch outcome {
        case .ignored: "ignored"
        case .written: "written"
        case .used, .withheld, .failed: "\(outcome)"
        }
    }
    #expect(subjects.first == "ignored" && subjects.last == "written", "\(told.withLock { $0 })")
}

/// Checks that the balances continue after the last event that the older version projected: the retry that an operator
/// asked for is made, and the rebuild is made.
private func expectBalances(_ side: ReadSide, _ model: some ReadModel, _ store: any EventStore) async throws {
    let options = ProjectorOptions(
        failures: .park(attempts: 2, pause: .milliseconds(1), capacity: 100), pollInterval: .milliseconds(20))
    let balances = Projector(Balances(version: 2), from: store, into: model, options: options)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await balances.run() }
        _ = try await balances.model(atLeast: try await store.head(), within: .seconds(120))
        try await expectSoon("the rebuild reaches the head, and the retry is made") {
            let rebuilt = try await side.status(of: "balances").last
            return try await letters(side) == ["28 failed", "29 behind", "30 skipped", "34 failed", "35 behind"]
                && rebuilt?.build.caughtUp != nil && rebuilt?.behind == 0
        }
        group.cancelAll()
        while let result = await group.nextResult() {
            if case .failure(let error) = result, !(error is CancellationError) { throw error }
        }
    }
    #expect(try await rows(model) == [1_328, 6, 0, 7, 19, 0])
    #expect(try await side.verify("balances").findings.isEmpty)
}

/// Checks that the rebuild that the operator asked for follows the decisions that are known, and can be promoted and
/// rolled back. The event that was replaced is parked in it, because the older version kept nothing of a projected
/// replacement but the record of the act. So the promotion needs force.
private func expectRebuild(_ side: ReadSide, _ model: some ReadModel) async throws {
    let test = Operator("test", because: "the rebuild is there")
    await #expect(throws: ProjectionRefusal.self) { try await side.promote("balances", by: test) }
    try await side.promote("balances", by: test, force: true)
    #expect(try await rows(model) == [1_328, 6, 7, 7, 0, 0])
    #expect(
        try await letters(side) == [
            "28 skipped", "30 skipped", "32 failed", "33 behind", "34 failed", "35 behind",
        ])
    try await side.rollback("balances", by: Operator("test", because: "the other one was right"))
    #expect(try await rows(model) == [1_328, 6, 0, 7, 19, 0])
    let acts = try await side.audit().map(\.action)
    #expect(acts.first == "rollback" && acts.suffix(7).first == "rebuild" && acts.count == 9, "\(acts)")
}

private func rows(_ model: some ReadModel) async throws -> [Int64?] {
    try await model.rows("SELECT cents FROM account_balance ORDER BY account").map { $0["cents"].integer }
}

/// Checks that the documents, which an operator has paused, wait for the operator and then continue.
private func expectOwners(_ side: ReadSide, _ model: some ReadModel, _ store: any EventStore) async throws {
    let owners = Projector(documents: Owners(), from: store, into: model, options: ProjectorOptions(partitions: 2))
    await #expect(throws: ProjectionRefusal.self) { try await owners.catchUp() }
    try await side.resume("owners", by: Operator("test", because: "the number is right"))
    try await owners.catchUp()
    let documents = try await model.rows("SELECT key, document FROM owners ORDER BY key").map { row in
        try JSONDecoder().decode(Owners.Document.self, from: Data((row["document"].text ?? "").utf8))
    }
    #expect(documents.map(\.owner) == ["Ada", "Grace", "Edsger", "Barbara", "Ken", "Tony"])
    #expect(documents.map(\.deposits) == [13, 3, 2, 2, 2, 2])
    #expect(try await side.verify("owners").findings.isEmpty)
}

/// Waits until a condition holds, for half a minute at most.
private func expectSoon(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(300)
    while try await !condition() {
        if ContinuousClock.now > end {
            Issue.record(what)
            return
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
