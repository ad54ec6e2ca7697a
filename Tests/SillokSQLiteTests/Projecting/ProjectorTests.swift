import Foundation
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// A read model that breaks off at random: before a write, or after it, so that its answer is lost. With a planted bug
/// it leaves the conditions of a write out and repeats it.
private struct BreakingModel: ReadModel {
    struct Broken: Error {}

    let model: TestedModel
    let isGuarded: Bool

    func write(_ write: ReadModelWrite) async throws {
        if Int.random(in: 0..<4) == 0 { throw Broken() }
        try await model.write(write)
        // The bug: the write is repeated when its answer is lost, without a check of the current rows.
        if !isGuarded { try await model.write(ReadModelWrite(write.changes)) }
        if Int.random(in: 0..<4) == 0 { throw Broken() }
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}

@Suite("projector")
struct ProjectorTests {
    @Test("one's own write is read, and the rows equal the fold", arguments: Storage.stores)
    func readsOwnWrite(on storage: Storage) async throws {
        var books = try await Books(storage)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await running(projector) {
            for account in 1...5 { try await books.append(.opened(owner: "Ada \(account)"), account) }
            for turn in 1...100 {
                let receipt = try await books.append(.deposited(cents: turn), turn % 5 + 1)
                _ = try await projector.model(atLeast: receipt, within: .seconds(120))
                #expect(try await books.rows() == books.expected)
            }
        }
        await books.model.close()
    }

    @Test("stopped at any point and restarted, it projects every event once", arguments: [1, 3], Storage.stores)
    func resumes(partitions: Int, on storage: Storage) async throws {
        var random = SeededGenerator.printed("resumes")
        var books = try await Books(storage, accounts: 9)
        let options = ProjectorOptions(partitions: partitions)
        for _ in 0..<20 {
            let model = try await books.place.model()
            let projector = Projector(Balances(), from: books.store, into: model, options: options)
            try await running(projector) {
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    try await books.append(.deposited(cents: 1), .random(in: 1...9, using: &random))
                }
            }
            await model.close()
        }
        let projector = Projector(Balances(), from: books.store, into: books.model, options: options)
        try await running(projector) {
            _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
        }
        #expect(try await books.rows() == books.expected)
        let verification = try await projector.readSide.verify("balances")
        #expect(verification.findings.isEmpty)
        #expect(verification.events == books.expected.values.reduce(9) { $0 + UInt64($1.count) })
        await books.model.close()
    }

    @Test(
        "broken off before or after any write, every event is projected once", arguments: [true, false], Storage.stores)
    func breaksOff(isGuarded: Bool, on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 3)
        _ = try await project(books, BreakingModel(model: books.model, isGuarded: true))
        var breaks = 0
        for turn in 1...60 {
            try await books.append(.deposited(cents: turn), turn % 3 + 1)
            breaks += try await project(books, BreakingModel(model: books.model, isGuarded: isGuarded))
        }
        #expect(breaks > 0)
        #expect(try await (books.rows() == books.expected) == isGuarded)
        await books.model.close()
    }

    /// Runs projectors, one after the other, until one has come to the head: how many broke off.
    private func project(_ books: Books, _ model: BreakingModel) async throws -> Int {
        let head = try await books.store.head()
        for breaks in 0..<1000 {
            let projector = Projector(Balances(), from: books.store, into: model)
            let isThere = try await running(projector) {
                (try? await projector.model(atLeast: head, within: .seconds(120))) != nil
            }
            if isThere { return breaks }
        }
        return 1000
    }

    @Test("of two projectors of one projection, one is refused and nothing is doubled", arguments: Storage.stores)
    func fenced(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let other = try await books.place.model()
        let first = Projector(Balances(), from: books.store, into: books.model)
        let second = Projector(Balances(), from: books.store, into: other)
        let tasks = [Task { try await first.run() }, Task { try await second.run() }]
        for _ in 0..<200 { try await books.append(.deposited(cents: 1), 1) }
        let head = try await books.store.head()
        #expect(
            try await eventually {
                let status = try await first.readSide.status(of: "balances")
                return status.first?.position == head
            })
        tasks.forEach { $0.cancel() }
        for task in tasks { _ = await task.result }
        #expect(try await books.rows() == books.expected)
        await other.close()
        await books.model.close()
    }

    @Test(
        "leases: one runs each partition, the next takes over when it ends, nothing is doubled",
        arguments: Storage.stores)
    func leases(on storage: Storage) async throws {
        var random = SeededGenerator.printed("leases")
        var books = try await Books(storage, accounts: 20)
        let options = ProjectorOptions(
            partitions: 4, lease: .milliseconds(60), pollInterval: .milliseconds(20))
        let other = try await books.place.model()
        for _ in 0..<6 {
            let first = Projector(Balances(), from: books.store, into: books.model, options: options)
            let second = Projector(Balances(), from: books.store, into: other, options: options)
            try await running(first) {
                try await running(second) {
                    for _ in 0..<50 {
                        try await books.append(.deposited(cents: 1), .random(in: 1...20, using: &random))
                    }
                    let head = try await books.store.head()
                    #expect(
                        try await eventually {
                            try await first.readSide.status(of: "balances").first?.position == head
                        })
                }
            }
        }
        #expect(try await books.rows() == books.expected)
        let owners = try await books.model.rows("SELECT MIN(token) AS token FROM sillok_checkpoints")
        #expect((owners.first?["token"].integer ?? 0) >= 6)
        await other.close()
        await books.model.close()
    }

    @Test("a projection that stops names the event; corrected, it continues", arguments: Storage.stores)
    func stops(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let poison = try await books.append(.poisoned(cents: 5), 1)
        let last = try await books.append(.deposited(cents: 7), 1)
        let stop = ProjectorOptions(failures: .stop)
        for refusesInSQL in [false, true] {
            var rule = Balances()
            rule.refusesInSQL = refusesInSQL
            let projector = Projector(rule, from: books.store, into: books.model, options: stop)
            let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
            #expect(failure?.event?.position == poison.position)
            let isExpected = refusesInSQL ? failure?.cause is ChangeFailed : failure?.cause is Balances.Poisoned
            #expect(isExpected)
            let stored = try await projector.readSide.status().first
            #expect(stored?.build.failure?.contains("position 2") == true)
            await #expect(throws: ProjectionFailure.self) {
                try await projector.model(atLeast: last, within: .seconds(120))
            }
        }
        var mended = Balances()
        mended.isMended = true
        let again = Projector(mended, from: books.store, into: books.model, options: stop)
        try await running(again) { _ = try await again.model(atLeast: last, within: .seconds(120)) }
        #expect(try await books.rows() == books.expected)
        await books.model.close()
    }

    @Test(
        "an event of an unknown type stops, is parked or ignored, as is said",
        arguments: [
            UnknownTypePolicy.stop, .park, .ignore,
        ], Storage.stores)
    func unknownTypes(policy: UnknownTypePolicy, on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        try await books.store.append([EventData(type: "renamed", payload: [123, 125])], to: "account-1")
        let last = try await books.append(.deposited(cents: 7), 1)
        var rule = Balances()
        rule.unknownTypes = policy
        let projector = Projector(rule, from: books.store, into: books.model)
        if policy == .stop {
            let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
            #expect(failure?.cause is UnknownEventType)
            #expect(try await books.rows() == ["account-1": []])
        } else {
            try await running(projector) {
                if policy == .park {
                    await #expect(throws: ParkedEvent.self) {
                        try await projector.model(atLeast: last.position, within: .seconds(120))
                    }
                } else {
                    _ = try await projector.model(atLeast: last.position, within: .seconds(120))
                }
            }
            #expect(try await books.rows() == ["account-1": policy == .park ? [] : [7]])
            let states = try await projector.readSide.deadLetters().map(\.state)
            #expect(states == (policy == .park ? [.failed, .behind] : []))
        }
        await books.model.close()
    }

    @Test("N3: a position and a token are answered as the receipt of a parked event is", arguments: Storage.stores)
    func parkedPositions(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let parked = try await books.append(.poisoned(cents: 5), 1)
        let later = try await books.append(.opened(owner: "Eve"), 2)
        // A token travels in a body and in a header.
        let sent = try PlainCoding.decode(EventMark.self, from: PlainCoding.bytes(of: parked.mark))
        let header = try #require(EventMark("\(parked.mark)"))
        #expect(sent == parked.mark && header == parked.mark)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let time = Duration.seconds(20)
        try await running(projector) {
            _ = try await projector.model(atLeast: later.position, within: time)
            for ask in [
                { try await projector.model(atLeast: parked, within: time) },
                { try await projector.model(atLeast: parked.position, within: time) },
                { try await projector.model(atLeast: sent, within: time) },
            ] {
                let error = await #expect(throws: ParkedEvent.self) { _ = try await ask() }
                #expect(error?.position == parked.position)
            }
            _ = try await projector.model(atLeast: later.mark, within: time)
        }
        await books.model.close()
    }

    @Test("a model without a running projector is reported as stale within the given time", arguments: Storage.stores)
    func stale(on storage: Storage) async throws {
        var books = try await Books(storage)
        let receipt = try await books.append(.opened(owner: "Ada"), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let error = await #expect(throws: StaleModel.self) {
            try await projector.model(atLeast: receipt.position, within: .milliseconds(20))
        }
        #expect(error?.behind == 1)
        await books.model.close()
    }

    @Test("a checkpoint of another store is refused", arguments: Storage.stores)
    func otherStore(on storage: Storage) async throws {
        var books = try await Books(storage)
        let receipt = try await books.append(.opened(owner: "Ada"), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await running(projector) { _ = try await projector.model(atLeast: receipt, within: .seconds(120)) }
        let other = Projector(Balances(), from: MemoryEventStore(), into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await other.run() }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        await books.model.close()
    }

    @Test("a query waits for a projector in another process, and reports its failure", arguments: Storage.stores)
    func elsewhere(on storage: Storage) async throws {
        var books = try await Books(storage)
        let other = try await books.place.model()
        let stop = ProjectorOptions(failures: .stop)
        let runs = Projector(Balances(), from: books.store, into: books.model, options: stop)
        let reads = Projector(Balances(), from: books.store, into: other, options: stop)
        try await running(runs) {
            let receipt = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await reads.model(atLeast: receipt, within: .seconds(120))
            #expect(try await books.rows(in: other) == ["account-1": []])
            let poison = try await books.append(.poisoned(cents: 1), 1)
            let failure = await #expect(throws: ProjectionFailure.self) {
                try await reads.model(atLeast: poison, within: .seconds(120))
            }
            #expect(failure?.description.contains("Poisoned") == true)
        }
        await other.close()
        await books.model.close()
    }

    @Test("documents equal the fold, over restarts and in several partitions", arguments: [1, 4], Storage.stores)
    func documents(partitions: Int, on storage: Storage) async throws {
        var random = SeededGenerator.printed("documents")
        var books = try await Books(storage)
        let options = ProjectorOptions(partitions: partitions, batch: 7)
        try await books.fill(12, 300, &random)
        for _ in 0..<3 {
            let projector = Projector(
                documents: AccountDocuments(), from: books.store, into: books.model, options: options)
            try await running(projector) {
                for _ in 0..<20 {
                    try await books.append(.deposited(cents: 3), .random(in: 1...12, using: &random))
                }
                _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
            }
        }
        let rows = try await books.model.rows(
            "SELECT key, document FROM account_documents")
        #expect(rows.count == 12)
        for row in rows {
            let document = Array((row["document"].text ?? "").utf8)
            let account = try JSONDecoder().decode(AccountDocuments.Account.self, from: Data(document))
            #expect(account.steps == books.expected[row["key"].text ?? ""])
        }
        await books.model.close()
    }

    @Test("a live projection is replayed when it is asked", arguments: Storage.stores)
    func live(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let projector = Projector(Balances(), .live, from: books.store, into: books.model)
        for cents in 1...20 {
            let receipt = try await books.append(.deposited(cents: cents), 1)
            _ = try await projector.model(atLeast: receipt, within: .seconds(120))
            #expect(try await books.rows() == books.expected)
        }
        await books.model.close()
    }
}
