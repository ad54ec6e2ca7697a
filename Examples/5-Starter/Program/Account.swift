import Sillok

/// The rules of an account: two functions that do no I/O and read no clock.
struct Account: Decider {
    /// What a caller asks for. It can be refused.
    enum Command: Sendable {
        case open(owner: String)
        case deposit(cents: UInt32)
        case withdraw(cents: UInt32)
    }

    /// What has happened. The log stores a case under its name, and its values as JSON.
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String)
        case deposited(cents: UInt32)
        case withdrawn(cents: UInt32)
    }

    enum Refusal: Error, Equatable {
        case notOpen
        case insufficientFunds(balance: Int)
    }

    private var isOpen = false
    private var balance = 0

    /// Returns the events that a command causes in this state.
    func decide(_ command: Command) throws(Refusal) -> [Event] {
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

    /// Changes the state by an event. The state of an account is the result of all its events.
    mutating func evolve(_ event: Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let cents): balance += Int(cents)
        case .withdrawn(let cents): balance -= Int(cents)
        }
    }
}
