import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("rebuild")
struct RebuildTests {
    private let ada = Operator("Ada", because: "to see whether it is the same")

    @Test(
        "a rebuild runs next to the live build, is compared, promoted and rolled back", arguments: [true, false],
        Storage.stores)
    func rebuild(isRunning: Bool, on storage: Storage) async throws {
        var random = SeededGenerator.printed("rebuild")
        var books = try await Books(storage)
        try await books.fill(5, 200, &random)
        let projector = Projector(Balances(), from: books.store, into: books.model, options: .init(partitions: 2))
        let side = projector.readSide
        let steps = Lock<[Double]>([])
        try await running(projector) {
            _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
        }
        let work: () async throws -> Void = {
            let id = try await projector.rebuild(by: ada) { status in steps.withLock { $0.append(status.progress) } }
            #expect(id == ProjectionID("balances", version: 1, build: 2))
            #expect(steps.withLock { $0.last } == 1)
            await #expect(throws: ProjectionRefusal.self) { try await projector.rebuild(by: ada) }
            let same = try await side.diff("balances")
            #expect(same.differences.isEmpty && same.apart == 0 && same.rows == 5)
            // A row of the live build is changed by a hand that is not ours.
            try await books.model.write(
                ReadModelWrite([.init("UPDATE balances_v1_accounts SET steps = '' WHERE account = 'account-3'")]))
            let other = try await side.diff("balances")
            #expect(other.differences.map { $0.live?["account"] } == [.text("account-3")])
            #expect(try await side.diff("balances") { $0.other?["account"] == .text("account-3") }.expected == 1)
            try await side.promote("balances", by: ada)
            #expect(try await books.rows() == books.expected)
            try await side.rollback("balances", by: ada)
            #expect(
                try await books.model.rows("SELECT steps FROM accounts WHERE account = 'account-3'")
                    .first?["steps"] == .text(""))
            try await side.rollback("balances", by: ada)
        }
        if isRunning { try await running(projector, work) } else { try await work() }
        try await running(projector) {
            let receipt = try await books.append(.deposited(cents: 5), 2)
            _ = try await projector.model(atLeast: receipt, within: .seconds(120))
            #expect(try await books.rows() == books.expected)
        }
        #expect(try await side.verify("balances").findings.isEmpty)
        #expect(Set(try await side.audit().map(\.action)) == ["rebuild", "promote", "rollback"])
        await books.model.close()
    }

    @Test("after a rollback, promote names the build that was live before", arguments: Storage.stores)
    func promoteAfterRollback(on storage: Storage) async throws {
        var random = SeededGenerator.printed("promote after rollback")
        var books = try await Books(storage)
        try await books.fill(2, 10, &random)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let side = projector.readSide
        func refusal() async throws -> String {
            let error = await #expect(throws: ProjectionRefusal.self) { try await side.promote("balances", by: ada) }
            return "\(try #require(error))"
        }
        try await projector.catchUp()
        #expect(try await refusal() == "balances has only the live build: rebuild it first.")
        _ = try await projector.rebuild(by: ada)
        try await side.promote("balances", by: ada)
        try await side.rollback("balances", by: ada)
        let reason = try await refusal()
        let previous = ProjectionID("balances", version: 1, build: 2)
        #expect(reason.contains("has no new build") && reason.contains("\(previous)"), "\(reason)")
        await books.model.close()
    }

    @Test("the audit shows acts of the same time in their order, the newest first", arguments: Storage.stores)
    func auditOrder(on storage: Storage) async throws {
        var random = SeededGenerator.printed("audit order")
        var books = try await Books(storage)
        try await books.fill(1, 2, &random)
        try await Projector(Balances(), from: books.store, into: books.model).catchUp()
        let clock = ManualClock("2026-11-23T12:00:00Z")
        let side = ReadSide(of: books.store, in: books.model, wallClock: clock.wallClock)
        for _ in 1...3 {
            try await side.pause("balances", by: ada)
            try await side.resume("balances", by: ada)
        }
        let acts = try await side.audit()
        #expect(acts.map(\.action) == Array(repeating: ["resume", "pause"], count: 3).flatMap { $0 })
        #expect(acts.last?.at == "2026-11-23T12:00:00Z" && acts.first?.at == "2026-11-23T12:00:00.000005Z")
        await books.model.close()
    }

    @Test(
        "a new version is built next to the live one and replaces it when it has caught up", arguments: Storage.stores
    )
    func newVersion(on storage: Storage) async throws {
        var random = SeededGenerator.printed("new version")
        var books = try await Books(storage)
        try await books.fill(5, 50, &random)
        let first = Projector(Balances(), from: books.store, into: books.model)
        try await running(first) { _ = try await first.model(atLeast: books.store.head(), within: .seconds(120)) }
        var rule = Balances()
        rule.version = 2
        let second = Projector(rule, from: books.store, into: books.model)
        try await running(second) {
            #expect(
                try await eventually { try await second.readSide.status().last?.build.state == .live })
            let receipt = try await books.append(.deposited(cents: 5), 2)
            _ = try await second.model(atLeast: receipt, within: .seconds(120))
            #expect(try await books.rows() == books.expected)
        }
        #expect(try await second.readSide.status().map(\.build.state) == [.previous, .live])
        await books.model.close()
    }

    @Test("two projections with a table of one name are refused", arguments: Storage.stores)
    func tables(on storage: Storage) async throws {
        let books = try await Books(storage)
        var rule = Balances()
        rule.name = "other"
        let first = Projector(Balances(), from: books.store, into: books.model)
        try await running(first) {
            let isThere = try await eventually { try await first.readSide.status().count == 1 }
            #expect(isThere)
        }
        let second = Projector(rule, from: books.store, into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await second.run() }
        #expect(failure?.cause is ProjectionRefusal)
        await books.model.close()
    }

    @Test("a paused projection waits at its position; resumed, it continues", arguments: Storage.stores)
    func pauses(on storage: Storage) async throws {
        var books = try await Books(storage)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await running(projector) {
            let first = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await projector.model(atLeast: first, within: .seconds(120))
            try await projector.readSide.pause("balances", by: ada)
            let second = try await books.append(.deposited(cents: 5), 1)
            await #expect(throws: StaleModel.self) {
                try await projector.model(atLeast: second, within: .milliseconds(50))
            }
            try await projector.readSide.resume("balances", by: ada)
            _ = try await projector.model(atLeast: second, within: .seconds(120))
        }
        #expect(try await books.rows() == books.expected)
        await books.model.close()
    }

    @Test("one sequence is rebuilt alone, while others continue", arguments: Storage.stores)
    func sequence(on storage: Storage) async throws {
        var random = SeededGenerator.printed("sequence")
        var books = try await Books(storage)
        try await books.fill(5, 60, &random)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await running(projector) {
            _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
            try await books.model.write(
                ReadModelWrite([.init("UPDATE balances_v1_accounts SET steps = '', cents = 0")]))
            for account in 1...5 {
                let name = "account-\(account)"
                let count = try await projector.rebuild(sequence: name, events: .stream(StreamID(name)), by: ada)
                #expect(count == (books.expected[name]?.count ?? 0) + 1)
            }
            #expect(try await books.rows() == books.expected)
            let last = try await books.append(.deposited(cents: 5), 1)
            _ = try await projector.model(atLeast: last, within: .seconds(120))
        }
        #expect(try await books.rows() == books.expected)
        #expect(try await projector.readSide.verify("balances").findings.isEmpty)
        await books.model.close()
    }

    @Test("a publisher passes each event on once, also after rebuild, promotion or rollback", arguments: Storage.stores)
    func publisher(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let effects = Lock<[Position]>([])
        let publisher = Publisher("mails", from: books.store, progressIn: books.model, starting: .atBeginning) {
            event in
            effects.withLock { $0.append(event.position) }
        }
        let publishing = Task { try await publisher.run() }
        try await running(projector) {
            for cents in 1...5 { try await books.append(.deposited(cents: cents), 1) }
            #expect(try await eventually { effects.withLock { $0.count } == 6 })
            try await projector.rebuild(by: ada)
            try await projector.readSide.promote("balances", by: ada)
            for cents in 1...5 { try await books.append(.deposited(cents: cents), 1) }
            try await projector.readSide.rollback("balances", by: ada)
            #expect(try await eventually { effects.withLock { $0.count } == 11 })
        }
        publishing.cancel()
        _ = await publishing.result
        #expect(effects.withLock { $0 } == (1...11).map { Position($0) })
        await books.model.close()
    }

    @Test(
        "verify names the first event that was never projected, or more than once", arguments: [1, 3], Storage.stores)
    func verify(partitions: Int, on storage: Storage) async throws {
        var random = SeededGenerator.printed("verify")
        var books = try await Books(storage)
        try await books.fill(9, 3000, &random)
        let options = ProjectorOptions(partitions: partitions, batch: 100)
        let projector = Projector(Balances(), from: books.store, into: books.model, options: options)
        let head = try await books.store.head()
        try await running(projector) { _ = try await projector.model(atLeast: head, within: .seconds(300)) }
        let side = projector.readSide
        #expect(try await side.verify("balances").findings.isEmpty)
        for _ in 0..<10 {
            let position = Position(.random(in: 1...head.value, using: &random))
            let event = try #require(try await books.store.read(.all, after: position.previous, limit: 1).events.first)
            let hash = Checkpoint.hash(of: event.id, at: event.position)
            let partition = Sequencing.byStream.partition(of: event, among: partitions)
            // A projector that passed over the event, and one that took it twice, would have these sums.
            for (sum, count, finding) in [
                (0 &- hash, -1, ProjectionVerification.Finding.missing(event.position, event.id)),
                (hash, 1, .repeated(event.position, event.id)),
            ] {
                try await shift(books.model, partition, from: position, sum, count)
                #expect(try await side.verify("balances").findings == [finding])
                try await shift(books.model, partition, from: position, 0 &- sum, -count)
            }
        }
        #expect(try await side.verify("balances").findings.isEmpty)
        await books.model.close()
    }

    /// Changes the sums of a partition from a position on.
    private func shift(
        _ model: TestedModel, _ partition: Int, from position: Position, _ sum: UInt64, _ count: Int
    ) async throws {
        for table in ["sillok_marks", "sillok_checkpoints"] {
            let rows = try await model.rows(
                """
                SELECT position, sum FROM \(raw: table) WHERE position >= \(position) AND "partition" = \(partition)
                """)
            for row in rows {
                let changed = Int64(bitPattern: UInt64(bitPattern: row["sum"].integer ?? 0) &+ sum)
                try await model.write(
                    ReadModelWrite([
                        .init(
                            """
                            UPDATE \(raw: table) SET sum = \(changed), count = count + \(count)
                            WHERE position = \(row["position"]) AND "partition" = \(partition)
                            """)
                    ]))
            }
        }
    }
}
