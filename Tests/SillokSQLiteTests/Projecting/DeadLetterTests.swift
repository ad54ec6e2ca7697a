import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("dead letters")
struct DeadLetterTests {
    private let ada = Operator("Ada", because: "the payload was mended")

    @Test(
        "a poison event parks only its sequence; corrected, it is redriven in order while new events arrive",
        arguments: [false, true], Storage.stores)
    func redrive(refusesInSQL: Bool, on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 3)
        try await books.append(.deposited(cents: 1), 1)
        let poison = try await books.append(.poisoned(cents: 2), 1)
        for cents in 3...9 {
            try await books.append(.deposited(cents: cents), 1)
            try await books.append(.deposited(cents: cents), 2)
        }
        var rule = Balances()
        rule.refusesInSQL = refusesInSQL
        let poisoned = Projector(rule, from: books.store, into: books.model)
        let receipt = try await books.append(.deposited(cents: 10), 1)
        try await running(poisoned) {
            await #expect(throws: ParkedEvent.self) {
                try await poisoned.model(atLeast: receipt, within: .seconds(120))
            }
            let letters = try await poisoned.readSide.deadLetters(of: "balances")
            #expect(letters.map(\.state) == [.failed] + Array(repeating: .behind, count: 8))
            #expect(letters.first?.position == poison.position)
            #expect(letters.first?.attempts == 3)
            var rows = books.expected
            rows["account-1"] = [1]
            #expect(try await books.rows() == rows)
            // Retried without being mended, it stays where it is.
            #expect(try await poisoned.readSide.retry("balances", by: ada) == 9)
            #expect(
                try await eventually {
                    try await poisoned.readSide.deadLetters(of: "balances").first?.attempts == 4
                })
            #expect(try await books.rows() == rows)
        }
        rule.isMended = true
        let mended = Projector(rule, from: books.store, into: books.model)
        try await running(mended) {
            for cents in 11...30 {
                try await books.append(.deposited(cents: cents), 1)
                if cents == 20 { try await mended.readSide.retry("balances", sequence: "account-1", by: ada) }
            }
            #expect(try await eventually { try await mended.readSide.deadLetters(of: "balances").isEmpty })
            _ = try await mended.model(atLeast: books.store.head(), within: .seconds(120))
        }
        #expect(try await books.rows() == books.expected)
        #expect(try await mended.readSide.verify("balances").findings.isEmpty)
        let audit = try await mended.readSide.audit()
        #expect(audit.map(\.action) == ["retry", "retry"])
        #expect(audit.first?.actor == "Ada")
        await books.model.close()
    }

    @Test("two runners without a lease that retry the same dead letters project each once", arguments: Storage.stores)
    func retriedTwice(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        try await books.append(.poisoned(cents: 1), 1)
        try await books.append(.deposited(cents: 2), 1)
        let poisoned = Projector(Balances(), from: books.store, into: books.model)
        let side = poisoned.readSide
        let areParked = try await running(poisoned) {
            try await eventually { try await side.deadLetters(of: "balances").count == 2 }
        }
        #expect(areParked)
        try await side.retry("balances", by: ada)
        var rule = Balances()
        rule.isMended = true
        let (store, model, mended) = (books.store, books.model, rule)
        let late = WatchedModel(books.model)
        let (ended, end) = AsyncStream<Void>.makeStream()
        // While the first one is about to write what it has made of the letters, the second one retries them too.
        late.before("DELETE FROM sillok_dead_letters") {
            let areGone = try await running(Projector(mended, from: store, into: model)) {
                try await eventually { try await side.deadLetters(of: "balances").isEmpty }
            }
            #expect(areGone)
            end.yield()
        }
        let first = Projector(rule, from: books.store, into: late)
        try await running(first) {
            for await _ in ended { break }
            let last = try await books.append(.deposited(cents: 3), 1)
            _ = try await first.model(atLeast: last, within: .seconds(120))
        }
        #expect(try await books.rows() == books.expected)
        #expect(try await side.deadLetters(of: "balances").isEmpty)
        await books.model.close()
    }

    @Test("skipped and replaced events are settled, and the events behind them continue", arguments: Storage.stores)
    func settled(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let first = try await books.append(.poisoned(cents: 1), 1)
        try await books.append(.deposited(cents: 2), 1)
        try await books.store.append([EventData(type: "deposited", payload: Array("{}".utf8))], to: "account-1")
        try await books.append(.deposited(cents: 4), 1)
        let damaged = Position(first.position.value + 2)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let side = projector.readSide
        try await running(projector) {
            #expect(try await eventually { try await side.deadLetters(of: "balances").count == 4 })
            try await side.skip("balances", at: first.position, by: ada)
            #expect(
                try await eventually {
                    try await side.deadLetters(of: "balances").map(\.state) == [.skipped, .failed, .behind]
                })
            await #expect(throws: ProjectionRefusal.self) {
                try await side.replace("balances", at: damaged, with: "{", by: ada)
            }
            try await side.replace("balances", at: damaged, with: #"{"cents":3}"#, by: ada)
            #expect(try await eventually { try await side.deadLetters(of: "balances").count == 1 })
            let last = try await books.append(.deposited(cents: 5), 1)
            _ = try await projector.model(atLeast: last, within: .seconds(120))
        }
        #expect(try await books.rows() == ["account-1": [2, 3, 4, 5]])
        let (_, event) = try await side.deadLetter(of: "balances", at: first.position)
        #expect(event.type == "poisoned")
        #expect(try await side.verify("balances").findings.isEmpty)
        #expect(Set(try await side.audit().map(\.action)) == ["skip", "replace"])
        await books.model.close()
    }

    @Test("full dead letters stop the projection; nothing is skipped", arguments: Storage.stores)
    func full(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 5)
        for account in 1...5 { try await books.append(.poisoned(cents: 1), account) }
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 3))
        let projector = Projector(Balances(), from: books.store, into: books.model, options: options)
        for _ in 0..<2 {
            let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
            #expect(failure?.cause is DeadLettersFull)
            #expect(failure?.event?.position == 9)
        }
        #expect(try await projector.readSide.deadLetters().count == 3)
        #expect(try await projector.readSide.verify("balances").findings.isEmpty)
        await books.model.close()
    }
}
