import Sillok

package struct BankAccount: Decider {
    package enum Command: Sendable {
        case open(owner: String)
        case deposit(UInt32)
        case withdraw(UInt32)
    }
    package enum Event: Codable, Equatable, Sendable {
        case opened(owner: String)
        case deposited(cents: UInt32)
        case withdrawn(cents: UInt32)
    }
    package enum Refusal: Error, Equatable {
        case notOpen
        case insufficientFunds(balance: Int)
    }

    private var isOpen = false
    package private(set) var balance = 0

    package init() {}

    package func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open(let owner):
            return isOpen ? [] : [.opened(owner: owner)]
        case .deposit(let cents):
            if !isOpen { throw .notOpen }
            return [.deposited(cents: cents)]
        case .withdraw(let cents):
            if !isOpen { throw .notOpen }
            if cents > balance { throw .insufficientFunds(balance: balance) }
            return [.withdrawn(cents: cents)]
        }
    }

    package mutating func evolve(_ event: Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let cents): balance += Int(cents)
        case .withdrawn(let cents): balance -= Int(cents)
        }
    }
}
