import Sillok

/// The stock of an item.
struct Stock: Decider {
    enum Command: Sendable { case reserve(units: Int, order: String), release(units: Int, order: String) }
    enum Event: Codable, Equatable, Sendable {
        case stocked(units: Int)
        case reserved(units: Int, order: String)
        case released(units: Int, order: String)
    }
    enum Refusal: Error { case soldOut, notReserved }

    var left = 0
    var orders: [String: Int] = [:]

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .reserve(let units, let order):
            guard left >= units else { throw .soldOut }
            return [.reserved(units: units, order: order)]
        case .release(let units, let order):
            guard orders[order] != nil else { throw .notReserved }
            return [.released(units: units, order: order)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .stocked(let units): left += units
        case .reserved(let units, let order):
            left -= units
            orders[order, default: 0] += units
        case .released(let units, let order):
            left += units
            orders[order] = nil
        }
    }
}

/// What is known of an order besides its checkout.
struct Outcome: Decider {
    enum Command: Sendable { case confirm, cancel(reason: String) }
    enum Event: Codable, Equatable, Sendable { case confirmed, cancelled(reason: String) }
    enum Refusal: Error { case decided }

    var isDecided = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        if isDecided { throw .decided }
        return switch command {
        case .confirm: [.confirmed]
        case .cancel(let reason): [.cancelled(reason: reason)]
        }
    }

    mutating func evolve(_ event: Event) { isDecided = true }
}
