import Sillok
import SillokHistory
import SillokTesting
import Testing

@Suite struct WhatIfTests {
    private let store = MemoryEventStore()

    /// Two percent are kept of each deposit from a moment on.
    private struct Kept: Fold {
        struct State: Sendable { var balance = 0, kept = 0 }
        let permille: Timeline<Int>
        let initial = State()

        func evolve(_ state: inout State, _ event: Recorded<BankAccount.Event>) {
            switch event.payload {
            case .deposited(let amount):
                let fee = amount * permille.rule(for: event) / 1000
                state.balance += amount - fee
                state.kept += fee
            case .withdrawn(let amount): state.balance -= amount
            case .opened, .closed: break
            }
        }
    }

    private func fill() async throws {
        let accounts = CommandHandler<Limited>("account", in: store).recordingCommands()
        for key in ["1", "2", "3"] {
            try await accounts.execute(.open(owner: "Ada"), on: key)
            if key != "3" { try await accounts.execute(.deposit(1000), on: key) }
            if key == "2" { try await accounts.execute(.withdraw(700), on: key) }
        }
    }

    @Test func `states and sums that differ are told by key and in sum`() async throws {
        try await fill()
        let past = try await store.past()
        let none = Timeline(0), some = Timeline(20)
        let report = try await past.compare(
            Kept(permille: none), with: Kept(permille: some), over: .category("account"))
        #expect(report.events == 6 && report.keys == 3 && report.differing == 2 && !report.isSame)
        #expect(report.differences.map(\.key) == ["account-1", "account-2"])
        #expect(report.differences[1].changes.map(\.description) == ["balance: 300 → 280", "kept: 0 → 20"])
        #expect(report.totals.map(\.path) == ["balance", "kept"])
        #expect(report.totals[1].would == .integer(40) && report.totals[1].keys == 2)
        #expect(report.description.contains("kept: 0 → 40 (+40, 2 keys)"))
        #expect(
            report.json.hasPrefix(#"{"events":6,"through":6,"keys":3,"differing":2,"differences":[{"key":"account-1""#))
        let same = try await past.compare(Kept(permille: some), with: Kept(permille: some), over: .stream("account-1"))
        #expect(same.isSame && same.keys == 1)
    }

    @Test func `commands that were recorded are decided once more`() async throws {
        try await fill()
        let past = try await store.past()
        let report = try await past.compare(deciders: BankAccount.self, with: Limited.self, over: .category("account"))
        #expect(report.commands?.decided == 6 && report.commands?.refused == 0 && report.isSame)
        let strict = try await Limited.$limit.withValue(500) {
            try await past.compare(deciders: BankAccount.self, with: Limited.self, over: .category("account"))
        }
        #expect(strict.commands?.refused == 2 && strict.differing == 0)
        #expect(strict.commands?.changes.map(\.key) == ["account-1", "account-2"])
        #expect(strict.commands?.changes.first?.ending == .refused("tooMuch"))
        let course = try await Limited.$limit.withValue(500) {
            try await past.compare(
                deciders: BankAccount.self, with: Limited.self, over: .category("account"), course: .decided)
        }
        // Without the deposit the withdrawal is refused too.
        #expect(course.commands?.refused == 3 && course.differing == 2)
        #expect(course.totals.first { $0.path == "balance" }?.would == .integer(0))
    }

    @Test func `a command with other events is told, and commands are tried at the end`() async throws {
        try await fill()
        let past = try await store.past()
        let report = try await past.compare(
            deciders: Limited.self, with: Generous.self, over: .category("account"),
            trying: [("account-2", .withdraw(400)), ("account-1", .withdraw(1)), ("account-9", .deposit(1))])
        #expect(report.commands?.otherEvents == 2)
        #expect(
            report.commands?.changes.first?.ending
                == .otherEvents(
                    was: [#"deposited {"amount":1000}"#],
                    would: [#"deposited {"amount":1000}"#, #"deposited {"amount":1}"#]))
        #expect(report.commands?.accepted == 1)
        #expect(report.description.contains("accepted, it was refused"))
    }

    @Test func `the command stands with the first of its events alone`() async throws {
        try await fill()
        let events = try await store.read(.all).events
        #expect(events.allSatisfy { $0.metadata[Metadata.Key.command] != nil })
        #expect(events[1].metadata[Metadata.Key.command] == #"{"deposit":{"_0":1000}}"#)
        let generous = CommandHandler<Generous>("account", in: store).recordingCommands()
        let receipt = try await generous.execute(.deposit(5), on: "1").receipt
        let two = try await store.read(.all, after: receipt?.firstPosition.previous ?? .start).events
        #expect(two.map { $0.metadata[Metadata.Key.command] != nil } == [true, false])
        #expect(two.allSatisfy { $0.metadata.commandID != nil })
    }

    @Test func `the past takes no appends, and the store is as before`() async throws {
        try await fill()
        let head = try await store.head()
        let past = try await store.past()
        _ = try await past.compare(Kept(permille: Timeline(0)), with: Kept(permille: Timeline(1)))
        #expect(try await store.head() == head)
    }
}

@Suite struct TimelineTests {
    private func at(_ seconds: Int64) -> Timestamp { Timestamp(microsecondsSince1970: seconds * 1_000_000) }

    @Test func `each rule holds from its moment until the next`() {
        let rules = Timeline("a", (from: at(20), "c"), (from: at(10), "b"))
        let seen = [-1, 0, 9, 10, 19, 20, 1000].map { rules.rule(at: at($0)) }
        #expect(seen == ["a", "a", "a", "b", "b", "c", "c"])
        #expect(rules.rule(at: at(10).advanced(byMicroseconds: -1)) == "a")
        #expect(rules.changing(from: at(15), to: "x").rule(at: at(30)) == "x")
        #expect(rules.changing(from: at(15), to: "x").rule(at: at(14)) == "b")
    }

    @Test func `any number of changes agrees with a look at all of them`() {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let changes = (0..<Int.random(in: 0...9, using: &random)).map { index in
                Timeline<Int>.Change(from: at(Int64.random(in: 0...20, using: &random)), rule: index + 1)
            }
            let rules = Timeline(0, changes)
            for second in Int64(-1)...21 {
                let plain = changes.filter { $0.from <= at(second) }.max { ($0.from, $0.rule) < ($1.from, $1.rule) }
                #expect(rules.rule(at: at(second)) == plain?.rule ?? 0, "SILLOK_SEED=\(seed)")
            }
        }
    }
}

/// The state of an account, which its rules decide on.
private protocol Account: Decider {
    var isOpen: Bool { get set }
    var balance: Int { get set }
}

extension Account {
    mutating func evolve(_ event: BankAccount.Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let amount): balance += amount
        case .withdrawn(let amount): balance -= amount
        case .closed: isOpen = false
        }
    }
}

/// An account whose deposits have a limit.
private struct Limited: Account {
    enum Command: Codable, Sendable, Equatable { case open(owner: String), deposit(Int), withdraw(Int) }
    enum Refusal: Error { case tooMuch, refused }

    @TaskLocal static var limit = 10_000

    var isOpen = false
    var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [BankAccount.Event] {
        switch command {
        case .open(let owner): return [.opened(owner: owner)]
        case .deposit(let amount):
            if amount > Self.limit { throw .tooMuch }
            return [.deposited(amount: amount)]
        case .withdraw(let amount):
            if amount > balance { throw .refused }
            return [.withdrawn(amount: amount)]
        }
    }
}

/// An account that gives a bonus with each deposit, and lends.
private struct Generous: Account {
    typealias Command = Limited.Command
    typealias Refusal = Limited.Refusal

    var isOpen = false
    var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [BankAccount.Event] {
        switch command {
        case .open(let owner): [.opened(owner: owner)]
        case .deposit(let amount) where amount > 0: [.deposited(amount: amount), .deposited(amount: 1)]
        case .deposit(let amount): [.deposited(amount: amount)]
        case .withdraw(let amount): [.withdrawn(amount: amount)]
        }
    }
}
