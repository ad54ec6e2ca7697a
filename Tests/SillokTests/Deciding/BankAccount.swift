import Sillok

struct BankAccount: Decider {
    enum Command: Sendable, Equatable { case open(owner: String), deposit(Int), withdraw(Int), close }
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String)
        case deposited(amount: Int)
        case withdrawn(amount: Int)
        case closed
    }
    enum Refusal: Error, Equatable { case alreadyOpen, notOpen, notEmpty, insufficientFunds(balance: Int) }

    private(set) var isOpen = false
    private(set) var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open(let owner):
            guard !isOpen else { throw .alreadyOpen }
            return [.opened(owner: owner)]
        case .deposit(let amount):
            guard isOpen else { throw .notOpen }
            return amount == 0 ? [] : [.deposited(amount: amount)]
        case .withdraw(let amount):
            guard isOpen else { throw .notOpen }
            guard amount <= balance else { throw .insufficientFunds(balance: balance) }
            return [.withdrawn(amount: amount)]
        case .close:
            guard isOpen else { throw .notOpen }
            guard balance == 0 else { throw .notEmpty }
            return [.closed]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let amount): balance += amount
        case .withdrawn(let amount): balance -= amount
        case .closed: isOpen = false
        }
    }

    static func tags(of event: Event) -> [EventTag] {
        if case .opened(let owner) = event { return [EventTag("owner", owner)] }
        return []
    }
}
