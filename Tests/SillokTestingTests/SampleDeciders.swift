import Sillok

struct BankAccount: Decider {
    enum Command: Sendable { case open(owner: String), deposit(Int), withdraw(Int) }
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String), deposited(amount: Int), withdrawn(amount: Int)
    }
    enum Refusal: Error, Equatable { case notOpen, insufficientFunds(balance: Int) }

    private var isOpen = false
    private(set) var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open(let owner): return [.opened(owner: owner)]
        case .deposit(let amount): return amount == 0 ? [] : [.deposited(amount: amount)]
        case .withdraw(let amount):
            guard isOpen else { throw .notOpen }
            guard amount <= balance else { throw .insufficientFunds(balance: balance) }
            return [.withdrawn(amount: amount)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let amount): balance += amount
        case .withdrawn(let amount): balance -= amount
        }
    }
}

struct Forgetful: Decider {
    struct Lossy: Codable, Equatable, Sendable {
        var kept: Int
        var lost = 0

        enum CodingKeys: String, CodingKey { case kept }

        init(kept: Int, lost: Int) { (self.kept, self.lost) = (kept, lost) }
        init(from decoder: any Decoder) throws {
            kept = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .kept)
        }
    }
    enum Event: Codable, Equatable, Sendable { case noted(Lossy) }
    enum Refusal: Error, Equatable {}

    func decide(_ command: Void) throws(Refusal) -> [Event] { [.noted(Lossy(kept: 1, lost: 2))] }
    mutating func evolve(_ event: Event) {}
}

struct Seat: BoundaryDecider {
    enum Command: Sendable { case take(seat: String, by: String) }
    enum Event: Codable, Equatable, Sendable { case taken(seat: String, by: String), renamed(seat: String) }
    enum Refusal: Error, Equatable { case isTaken(by: String) }

    private var owner: String?

    static func boundary(of command: Command) -> EventQuery {
        switch command {
        case .take(let seat, _): .tags(EventTag("seat", seat)).of("taken")
        }
    }

    static func tags(of event: Event) -> [EventTag] {
        switch event {
        case .taken(let seat, _), .renamed(let seat): [EventTag("seat", seat)]
        }
    }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .take(let seat, let person):
            if let owner { throw .isTaken(by: owner) }
            return [.taken(seat: seat, by: person)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .taken(_, let person): owner = person
        case .renamed: owner = nil
        }
    }
}
