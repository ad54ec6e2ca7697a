import Sillok

struct BankAccount: Decider {
    enum Command: Sendable { case open(owner: String), deposit(Int), withdraw(Int), close }
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String), deposited(cents: Int), withdrawn(cents: Int), closed
    }
    enum Refusal: Error, Equatable { case notOpen, alreadyOpen, notAnAmount, notEmpty, insufficientFunds(balance: Int) }

    private var isOpen = false
    private var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open(let owner):
            if isOpen { throw .alreadyOpen }
            return [.opened(owner: owner)]
        case .deposit(let cents):
            try check(cents)
            return [.deposited(cents: cents)]
        case .withdraw(let cents):
            try check(cents)
            if cents > balance { throw .insufficientFunds(balance: balance) }
            return [.withdrawn(cents: cents)]
        case .close:
            if !isOpen { throw .notOpen }
            if balance > 0 { throw .notEmpty }
            return [.closed]
        }
    }

    private func check(_ cents: Int) throws(Refusal) {
        if !isOpen { throw .notOpen }
        if !(1...1_000_000_00).contains(cents) { throw .notAnAmount }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let cents): balance += cents
        case .withdrawn(let cents): balance -= cents
        case .closed: isOpen = false
        }
    }
}
