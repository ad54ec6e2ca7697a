import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("decisions of operators")
struct DecisionTests {
    private let ada = Operator("Ada", because: "ticket 7")

    private func version(_ version: Int, isMended: Bool = false, sees source: EventQuery = .category("account"))
        -> Balances
    {
        var rule = Balances()
        rule.version = version
        rule.isMended = isMended
        rule.source = source
        return rule
    }

    /// Six accounts, all projected by version 1, and events in five of them that only a mended rule can project.
    private func sixAccounts(_ books: inout Books) async throws {
        for account in 1...6 { try await books.append(.opened(owner: "Ada"), account) }
        for account in 2...6 { try await books.append(.poisoned(cents: 1), account) }
        try await Projector(version(1, isMended: true), from: books.store, into: books.model).catchUp()
        #expect(try await books.rows().count == 6)
    }

    @Test("O1: skipped and replaced events stay so in a rebuild and in a new version", arguments: Storage.stores)
    func carried(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let skipped = try await books.append(.poisoned(cents: 1), 1).position
        let damaged = try await books.store.append([EventData(type: "deposited", text: "{}")], to: "account-1").position
        try await books.append(.deposited(cents: 4), 1)
        let projector = Projector(version(1), from: books.store, into: books.model)
        try await projector.catchUp()
        try await projector.readSide.skip("balances", at: skipped, by: ada)
        try await projector.catchUp()
        try await projector.readSide.replace("balances", at: damaged, with: #"{"cents":3}"#, by: ada)
        try await projector.catchUp()
        #expect(try await books.rows() == ["account-1": [3, 4]])

        try await projector.rebuild(by: ada)
        try await projector.readSide.promote("balances", by: ada)
        #expect(try await books.rows() == ["account-1": [3, 4]])
        let second = Projector(version(2), from: books.store, into: books.model)
        try await second.catchUp()
        #expect(try await second.readSide.status().first { $0.build.state == .live }?.build.id.version == 2)
        #expect(try await books.rows() == ["account-1": [3, 4]])
        let letters = try await second.readSide.deadLetters(of: "balances")
        #expect(letters.map(\.state) == [.skipped] && letters.first?.position == skipped)
        #expect(try await second.readSide.verify("balances").findings.isEmpty)
        try await second.rebuild(sequence: "account-1", events: .stream("account-1"), by: ada)
        #expect(try await books.rows() == ["account-1": [3, 4]])
        await books.model.close()
    }

    @Test("O1: a decision reaches a build that is made next to the live one", arguments: Storage.stores)
    func reachesOtherBuilds(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let poison = try await books.append(.poisoned(cents: 1), 1).position
        try await books.append(.deposited(cents: 4), 1)
        let projector = Projector(version(1), from: books.store, into: books.model)
        try await projector.catchUp()
        let id = try await projector.rebuild(by: ada)
        try await projector.readSide.skip("balances", at: poison, by: ada)
        try await running(projector) {
            let isSettled = try await eventually {
                try await projector.readSide.status().first { $0.build.id == id }?.deadLetters == 0
            }
            #expect(isSettled)
        }
        try await projector.readSide.promote("balances", by: ada)
        #expect(try await books.rows() == ["account-1": [4]])
        await books.model.close()
    }

    @Test("O1: a decision reaches a build that comes to the event later", arguments: Storage.stores)
    func reachesBuildBehind(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let projector = Projector(version(1), from: books.store, into: books.model)
        try await projector.catchUp()
        let id = try await projector.rebuild(by: ada)
        // Only the live build comes to the poison, so the other one has no dead letter that could carry the decision.
        let poison = try await books.append(.poisoned(cents: 1), 1).position
        try await books.append(.deposited(cents: 4), 1)
        try await projector.catchUp()
        let side = projector.readSide
        #expect(try await side.status().map(\.deadLetters).sorted() == [0, 2])
        try await side.skip("balances", at: poison, by: ada)
        try await running(projector) {
            let isThere = try await eventually {
                try await side.status().allSatisfy { $0.behind == 0 && $0.deadLetters == 0 }
            }
            #expect(isThere)
        }
        try await side.promote("balances", by: ada)
        #expect(try await side.status().first { $0.build.state == .live }?.build.id == id)
        #expect(try await books.rows() == ["account-1": [4]])
        await books.model.close()
    }

    @Test("O1: decisions that an older version kept with dead letters are carried over", arguments: Storage.stores)
    func upgraded(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        let poison = try await books.append(.poisoned(cents: 1), 1).position
        try await books.append(.deposited(cents: 4), 1)
        let projector = Projector(version(1), from: books.store, into: books.model)
        try await projector.catchUp()
        try await projector.readSide.skip("balances", at: poison, by: ada)
        try await projector.catchUp()
        try await books.model.write(ReadModelWrite(ReadModelUpgradeTests.downgrade))
        await books.model.close()
        let model = try await books.place.model()
        #expect(try await model.rows("SELECT action FROM sillok_decisions").map(\.values) == [["skip"]])
        let second = Projector(version(2), from: books.store, into: model)
        try await second.catchUp()
        #expect(try await books.rows(in: model) == ["account-1": [4]])
        await model.close()
    }

    @Test("O1: a new version that loses rows is not promoted until an operator forces it", arguments: Storage.stores)
    func keepsRows(on storage: Storage) async throws {
        var books = try await Books(storage)
        try await sixAccounts(&books)
        let second = Projector(version(2), from: books.store, into: books.model)
        try await second.catchUp()
        let side = second.readSide
        #expect(try await side.status().first { $0.build.state == .live }?.build.id.version == 1)
        let refusal = await #expect(throws: ProjectionRefusal.self) { try await side.promote("balances", by: ada) }
        #expect(refusal?.description.contains("has 5 dead letters that the live balances v1 does not have") == true)
        #expect(try await books.rows().count == 6)
        try await side.promote("balances", by: ada, force: true)
        let entry = try #require(try await side.audit().first)
        #expect(
            entry.action == "promote" && entry.reason == "ticket 7"
                && entry.detail.contains("forced: balances v2 has 5"))
        await books.model.close()
    }

    @Test("O1: a new version that handles fewer events is not promoted automatically", arguments: Storage.stores)
    func handlesAsMany(on storage: Storage) async throws {
        var books = try await Books(storage)
        try await sixAccounts(&books)
        // A name that was spelled wrong.
        let second = Projector(version(2, sees: .category("acount")), from: books.store, into: books.model)
        try await second.catchUp()
        #expect(try await books.rows().count == 6)
        let refusal = await #expect(throws: ProjectionRefusal.self) {
            try await second.readSide.promote("balances", by: ada)
        }
        #expect(refusal?.description.contains("has handled 11 fewer events") == true)
        await books.model.close()
    }

    @Test("O2: an old version that starts once more is not promoted over the newer one", arguments: Storage.stores)
    func onlyUpwards(on storage: Storage) async throws {
        let books = try await Books(storage, accounts: 1)
        for number in [1, 3] {
            try await Projector(version(number), from: books.store, into: books.model).catchUp()
        }
        let side = Projector(version(3), from: books.store, into: books.model).readSide
        func live() async throws -> Int? {
            try await side.status().first { $0.build.state == .live }?.build.id.version
        }
        #expect(try await live() == 3)
        for number in [1, 2, 1] {
            try await Projector(version(number), from: books.store, into: books.model).catchUp()
            #expect(try await live() == 3)
        }
        // An operator may say so.
        try await side.promote("balances", by: ada)
        #expect(try await live() == 2)
        await books.model.close()
    }

    @Test("H3: a build with a partition behind that of the live one is not promoted", arguments: Storage.stores)
    func partitions(on storage: Storage) async throws {
        var random = SeededGenerator.printed("partitions")
        var books = try await Books(storage)
        try await books.fill(9, 60, &random)
        let options = ProjectorOptions(partitions: 3)
        let projector = Projector(Balances(), from: books.store, into: books.model, options: options)
        try await projector.catchUp()
        let id = try await projector.rebuild(by: ada)
        let whose: SQL = "projection = 'balances' AND version = 1"
        // The live one has a slow partition, and one that is further; the smallest positions alone would not tell.
        try await books.model.write(
            ReadModelWrite([
                .init("UPDATE sillok_checkpoints SET position = 10 WHERE \(whose) AND build = 1 AND \"partition\" = 0"),
                .init("UPDATE sillok_checkpoints SET position = 20 WHERE \(whose) AND build = 2 AND \"partition\" = 2"),
            ]))
        let refusal = await #expect(throws: ProjectionRefusal.self) {
            try await projector.readSide.promote("balances", by: ada)
        }
        let text = refusal?.description ?? ""
        #expect(text.contains("Wait until it has caught up"), "\(text)")
        #expect(text.contains("force: true") && text.contains("promote --force"), "\(text)")
        #expect(try await projector.readSide.status().first { $0.build.id == id }?.build.state == .building)
        await books.model.close()
    }
}
