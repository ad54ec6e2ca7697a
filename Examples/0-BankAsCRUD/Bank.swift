import BankModel
import Sillok

/// What both banks do. The tests and the measurements use nothing else.
protocol Bank: Sendable {
    typealias Refusal = BankAccount.Refusal

    func open(_ account: String, owner: String) async throws
    /// A request with the same id is executed once.
    func deposit(_ cents: UInt32, into account: String, id: CommandID) async throws
    func withdraw(_ cents: UInt32, from account: String, id: CommandID) async throws
    func balance(of account: String) async throws -> Int
    /// The sum of all balances.
    func total() async throws -> Int
    /// What happened to an account, in order.
    func history(of account: String) async throws -> [String]
    func close() async throws
}

extension Bank {
    func deposit(_ cents: UInt32, into account: String) async throws {
        try await deposit(cents, into: account, id: CommandID())
    }

    func withdraw(_ cents: UInt32, from account: String) async throws {
        try await withdraw(cents, from: account, id: CommandID())
    }
}
