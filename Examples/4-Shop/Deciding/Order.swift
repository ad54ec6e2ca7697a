import Sillok

/// One customer's order, from the empty basket to the parcel that comes back.
///
/// Every step may be asked for twice: a payment is known by its reference, the others by where the order stands. Where
/// money moves, the order keeps the day whose books it went into first.
struct Order: Decider {
    enum Command: Sendable {
        case place(customer: String)
        case addLine(item: String, quantity: Int, cents: Int)
        case removeLine(item: String)
        case submit(card: String?)
        case confirm
        case pay(payment: String, cents: Int, day: String)
        case ship
        case cancel(reason: String, day: String)
        case takeBack(day: String)
    }

    enum Event: Codable, Equatable, Sendable {
        case orderPlaced(customer: String)
        case lineAdded(item: String, quantity: Int, cents: Int)
        case lineRemoved(item: String, quantity: Int, cents: Int)
        /// The customer pays with this card of the bank, or by transfer.
        case orderSubmitted(card: String?)
        /// All of its pieces are reserved.
        case orderConfirmed
        case orderPaid(payment: String, cents: Int, day: String)
        case orderShipped
        case orderCancelled(reason: String, day: String)
        case orderReturned(day: String)
    }

    enum Refusal: Error, Equatable {
        case notPlaced, alreadyPlaced, notALine, basketIsFull, noSuchLine, basketIsEmpty, notOpen
        case notSubmitted, notConfirmed, wrongAmount(due: Int), notPaid, notShipped, alreadyShipped
    }

    enum Stage: Sendable { case none, basket, submitted, confirmed, paid, shipped, cancelled, returned }

    /// A line's quantity and what one piece costs.
    struct Line: Sendable { let quantity, cents: Int }

    static let maximumLines = 50

    private(set) var stage = Stage.none
    private(set) var lines: [String: Line] = [:]
    private(set) var payment: (reference: String, day: String)?
    private(set) var lastDay = ""

    var total: Int { lines.values.reduce(0) { $0 + $1.quantity * $1.cents } }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .place(let customer):
            guard stage == .none else { throw .alreadyPlaced }
            return [.orderPlaced(customer: customer)]
        case _ where stage == .none: throw .notPlaced
        case .addLine, .removeLine, .submit: return try fill(command)
        case .confirm:
            if [.confirmed, .paid, .shipped, .returned].contains(stage) { return [] }
            guard stage == .submitted else { throw .notSubmitted }
            return [.orderConfirmed]
        case .pay(let reference, let cents, let day):
            if payment?.reference == reference { return [] }
            guard stage == .confirmed else { throw .notConfirmed }
            guard cents == total else { throw .wrongAmount(due: total) }
            return [.orderPaid(payment: reference, cents: cents, day: day)]
        case .ship:
            if stage == .shipped || stage == .returned { return [] }
            guard stage == .paid else { throw .notPaid }
            return [.orderShipped]
        case .cancel(let reason, let day):
            if stage == .cancelled { return [] }
            guard stage != .shipped, stage != .returned else { throw .alreadyShipped }
            return [.orderCancelled(reason: reason, day: day)]
        case .takeBack(let day):
            if stage == .returned { return [] }
            guard stage == .shipped else { throw .notShipped }
            return [.orderReturned(day: day)]
        }
    }

    /// What is decided about the basket.
    private func fill(_ command: Command) throws(Refusal) -> [Event] {
        if case .submit = command, stage != .basket, stage != .cancelled { return [] }
        guard stage == .basket else { throw .notOpen }
        switch command {
        case .addLine(let item, let quantity, let cents):
            guard (1...1000).contains(quantity), (1...1_000_000_00).contains(cents) else { throw .notALine }
            guard lines[item] == nil, lines.count < Self.maximumLines else { throw .basketIsFull }
            return [.lineAdded(item: item, quantity: quantity, cents: cents)]
        case .removeLine(let item):
            guard let line = lines[item] else { throw .noSuchLine }
            return [.lineRemoved(item: item, quantity: line.quantity, cents: line.cents)]
        case .submit(let card):
            if lines.isEmpty { throw .basketIsEmpty }
            return [.orderSubmitted(card: card)]
        default: return []
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .orderPlaced: stage = .basket
        case .lineAdded(let item, let quantity, let cents): lines[item] = Line(quantity: quantity, cents: cents)
        case .lineRemoved(let item, _, _): lines[item] = nil
        case .orderSubmitted: stage = .submitted
        case .orderConfirmed: stage = .confirmed
        case .orderPaid(let reference, _, let day): (stage, payment) = (.paid, (reference, day))
        case .orderShipped: stage = .shipped
        case .orderCancelled(_, let day): (stage, lastDay) = (.cancelled, day)
        case .orderReturned(let day): (stage, lastDay) = (.returned, day)
        }
    }
}
