import BankModel
import Sillok
import Testing

/// The code of the article `Deciding`.
@Suite struct DecidingTests {
    func pay(_ cents: UInt32, from account: String, id: CommandID, in store: any EventStore) async throws -> String {
        let accounts = CommandHandler<BankAccount>("account", in: store)
        do {
            let outcome = try await accounts.execute(.withdraw(cents), on: account, id: id)
            return outcome.isRepeat ? "paid before" : "paid"
        } catch BankAccount.Refusal.insufficientFunds(let balance) {
            return "only \(balance) cents are left"
        }
    }

    func transfer(_ cents: UInt32, from payer: String, to payee: String, in store: any EventStore) async throws {
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute([(payer, .withdraw(cents)), (payee, .deposit(cents))])
    }

    func withdraw(
        _ cents: UInt32, from account: String, shownAt revision: Revision, in store: any EventStore
    ) async throws {
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await accounts.execute(.withdraw(cents), on: account, expecting: revision)
    }

    @Test func `a command is executed once, refused with a reason, and bound to what was shown`() async throws {
        let store = MemoryEventStore()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        for account in ["1", "2"] {
            try await accounts.execute(.open(owner: "Ada"), on: account)
            try await accounts.execute(.deposit(100), on: account)
        }
        let id = CommandID()
        #expect(try await pay(70, from: "1", id: id, in: store) == "paid")
        #expect(try await pay(70, from: "1", id: id, in: store) == "paid before")
        #expect(try await pay(70, from: "1", id: CommandID(), in: store) == "only 30 cents are left")
        try await transfer(30, from: "1", to: "2", in: store)
        #expect(try await pay(1, from: "1", id: CommandID(), in: store) == "only 0 cents are left")
        await #expect(throws: AppendConflict.self) {
            try await withdraw(130, from: "2", shownAt: 2, in: store)
        }
        try await withdraw(130, from: "2", shownAt: 3, in: store)
    }
}
