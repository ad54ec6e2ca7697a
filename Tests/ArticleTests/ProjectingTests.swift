import BankModel
import SillokProjections
import SillokSQLite
import Testing

@testable import BankWithReadModel

/// The code of the articles `InlineOrAsync` and `OperatingProjections`.
@Suite struct ProjectingTests {
    private let query: SQL = "SELECT owner, cents FROM account_balance WHERE account = 'account-42'"

    @Test func `inline, the rows contain an event when its append returns`() async throws {
        try await withFolder { folder in
            let store = try SQLiteEventStore(path: folder + "/bank.sqlite")
            let balances = Projector(AccountBalance(), .inline, from: store, into: store.readModel)
            try await balances.attach()
            let accounts = CommandHandler<BankAccount>("account", in: store)
            try await accounts.execute(.open(owner: "Ada"), on: "42")
            let rows = try await store.readModel.rows(query, as: Balance.self)
            #expect(rows.map(\.owner) == ["Ada"])
            await store.close()
        }
    }

    func list(_ side: ReadSide) async throws -> [String] {
        var lines: [String] = []
        for status in try await side.status() {
            lines.append("\(status.build.id): \(status.behind) behind, \(status.deadLetters) dead letters")
        }
        return lines
    }

    func rebuild(_ balances: Projector<SQLiteReadModel>, by ada: Operator) async throws -> Bool {
        try await balances.rebuild(by: ada)
        let comparison = try await balances.readSide.diff("account_balance")
        guard comparison.differences.isEmpty else { return false }
        try await balances.readSide.promote("account_balance", by: ada)
        return true
    }

    @Test func `a build is compared with the live one before it is promoted`() async throws {
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        let balances = Projector(AccountBalance(), from: store, into: model)
        try await balances.catchUp()
        try await accounts.execute(.deposit(10), on: "42")
        let before = try await list(balances.readSide)
        #expect(before.count == 1 && before.first?.hasSuffix(": 1 behind, 0 dead letters") == true)
        try await balances.catchUp()
        let ada = Operator("Ada", because: "a disk was replaced")
        #expect(try await rebuild(balances, by: ada))
        #expect(try await model.rows(query, as: Balance.self).map(\.cents) == [10])
        #expect(try await balances.readSide.audit().map(\.action) == ["promote", "rebuild"])
        #expect(try await balances.readSide.verify("account_balance").findings.isEmpty)
        try await balances.readSide.rollback("account_balance", by: ada)
        await model.close()
    }
}

/// The code of the article `DeadLetters`.
@Suite struct DeadLettersTests {
    func list(_ side: ReadSide) async throws -> [String] {
        var lines: [String] = []
        for letter in try await side.deadLetters(of: "account_balance") {
            lines.append("\(letter.position) of \(letter.sequence) is \(letter.state): \(letter.reason)")
        }
        return lines
    }

    func correct(_ letter: DeadLetter, in side: ReadSide) async throws {
        let ada = Operator("Ada", because: "an import wrote a text instead of a number")
        try await side.replace("account_balance", at: letter.position, with: #"{"cents":10}"#, by: ada)
    }

    @Test func `a payload is replaced for the projection, and the events behind it follow`() async throws {
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        try await store.append([EventData(type: "deposited", text: #"{"cents":"ten"}"#)], to: "account-42")
        try await store.append([EventData(type: "deposited", text: #"{"cents":5}"#)], to: "account-42")
        try await accounts.execute(.open(owner: "Eve"), on: "43")
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 100))
        let balances = Projector(AccountBalance(), from: store, into: model, options: options)
        try await balances.catchUp()
        let lines = try await list(balances.readSide)
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("2 of account-42 is failed: ") == true)
        #expect(lines.last?.hasPrefix("3 of account-42 is behind: ") == true)
        let letters = try await balances.readSide.deadLetters(of: "account_balance")
        try await correct(try #require(letters.first), in: balances.readSide)
        try await balances.catchUp()
        #expect(try await list(balances.readSide).isEmpty)
        let rows = try await model.rows("SELECT owner, cents FROM account_balance ORDER BY account", as: Balance.self)
        #expect(rows.map(\.cents) == [15, 0])
        await model.close()
    }
}
