import BankModel
import Foundation
import Sillok
import Testing

@testable import BankAsCRUD

/// The same tests for both banks.
@Suite("A bank as tables, and as events", .serialized)
struct BothBanksTests {
    enum Kind: CaseIterable, Sendable { case tables, events }

    private func with(_ kind: Kind, _ body: (any Bank) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "bank.sqlite").path
        let bank: any Bank = kind == .tables ? try TableBank(path: path) : try await EventBank(path: path)
        try await body(bank)
        try await bank.close()
    }

    @Test("a withdrawal never makes the balance negative", arguments: Kind.allCases)
    func overdraft(_ kind: Kind) async throws {
        try await with(kind) { bank in
            try await bank.open("42", owner: "Ada")
            try await bank.deposit(30_00, into: "42")
            await #expect(throws: BankAccount.Refusal.insufficientFunds(balance: 30_00)) {
                try await bank.withdraw(30_01, from: "42")
            }
            try await bank.withdraw(30_00, from: "42")
            #expect(try await bank.balance(of: "42") == 0)
        }
    }

    @Test(
        "an account that is not open takes and gives nothing, and opening it twice changes nothing",
        arguments: Kind.allCases)
    func opening(_ kind: Kind) async throws {
        try await with(kind) { bank in
            await #expect(throws: BankAccount.Refusal.notOpen) { try await bank.deposit(1, into: "42") }
            await #expect(throws: BankAccount.Refusal.notOpen) { try await bank.withdraw(1, from: "42") }
            await #expect(throws: BankAccount.Refusal.notOpen) { _ = try await bank.balance(of: "42") }
            for _ in 1...2 { try await bank.open("42", owner: "Ada") }
            #expect(try await bank.history(of: "42").count == 1)
        }
    }

    @Test("of 100 withdrawals at the same time, as many succeed as the balance allows", arguments: Kind.allCases)
    func race(_ kind: Kind) async throws {
        try await with(kind) { bank in
            try await bank.open("42", owner: "Ada")
            try await bank.deposit(60, into: "42")
            let paid = await withTaskGroup(of: Int.self) { group in
                for _ in 1...100 {
                    group.addTask { (try? await bank.withdraw(1, from: "42")) == nil ? 0 : 1 }
                }
                return await group.reduce(0, +)
            }
            #expect(paid == 60)
            #expect(try await bank.balance(of: "42") == 0)
        }
    }

    @Test(
        "a request that is sent twice is executed once, and one that was refused may be sent again",
        arguments: Kind.allCases)
    func repeats(_ kind: Kind) async throws {
        try await with(kind) { bank in
            let (deposit, withdrawal) = (CommandID(), CommandID())
            try await bank.open("42", owner: "Ada")
            await #expect(throws: BankAccount.Refusal.insufficientFunds(balance: 0)) {
                try await bank.withdraw(5, from: "42", id: withdrawal)
            }
            for _ in 1...2 { try await bank.deposit(10, into: "42", id: deposit) }
            for _ in 1...2 { try await bank.withdraw(5, from: "42", id: withdrawal) }
            #expect(try await bank.balance(of: "42") == 5)
        }
    }

    @Test("the history has an entry for each change, and the sum covers all accounts", arguments: Kind.allCases)
    func history(_ kind: Kind) async throws {
        try await with(kind) { bank in
            for account in ["1", "2"] {
                try await bank.open(account, owner: "Ada")
                try await bank.deposit(10, into: account)
            }
            try await bank.withdraw(3, from: "1")
            #expect(try await bank.history(of: "1").count == 3)
            #expect(try await bank.total() == 17)
        }
    }
}
