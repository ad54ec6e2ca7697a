import Sillok
import SillokProcesses

/// The events of the shop that a checkout listens to.
enum TorturedShopEvent: Codable, Sendable {
    case placed(item: String, units: Int, cents: Int)
    case paid(cents: Int)
    case withdrawn
}

/// An order is placed, stock is reserved, the card is charged when the payment arrives, an invoice is issued and the
/// order is confirmed. All of it is undone if the payment does not arrive in time, or if a step is refused.
struct TorturedCheckout: ProcessManager {
    typealias Event = TorturedShopEvent

    enum Request: Codable, Equatable, Sendable {
        case reserve(item: String, units: Int, order: String)
        case release(item: String, units: Int, order: String)
        case invoice(order: String, cents: Int)
        case credit(order: String, cents: Int)
        case confirm(order: String)
        case cancel(order: String, reason: String)
    }

    enum Effect: Codable, Equatable, Sendable {
        case charge(order: String, cents: Int)
        case refund(order: String, cents: Int)
    }

    enum Deadline: Codable, Hashable, Sendable { case payment }

    static let name = "checkout"
    /// Set once, before the runner starts: the version of the code of this process.
    nonisolated(unsafe) static var version = 1
    static let source = EventQuery.category("order").or(.category("payment"))
    /// How long a payment may take. Changed only by a rehearsal of other rules.
    nonisolated(unsafe) static var patience = Duration.milliseconds(1500)

    static func correlate(_ event: Recorded<TorturedShopEvent>) -> Correlation {
        let key = event.stream?.key ?? ""
        return switch event.payload {
        case .placed: .starts(key)
        case .paid: .joins(key, early: .held)
        case .withdrawn: .joins(key)
        }
    }

    var order = ""
    var item = ""
    var units = 0
    var cents = 0
    var isReserved = false
    var isPaid = false
    var isConfirming = false

    mutating func evolve(_ input: Input) {
        switch input {
        case .event(let event):
            switch event.payload {
            case .placed(let item, let units, let cents):
                (order, self.item, self.units, self.cents) = (event.stream?.key ?? "", item, units, cents)
            case .paid: isPaid = true
            case .withdrawn: break
            }
        case .request(.reserve, .accepted): isReserved = true
        case .request(.invoice, .accepted): isConfirming = true
        default: break
        }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): react(to: event.payload)
        case .request(.reserve, .accepted): isPaid ? [charge] : []
        case .request(.reserve, .refused): [.cancel(.payment)] + abandoned("sold out")
        case .effect(.charge, .done):
            [.request(.invoice(order: order, cents: cents), undo: .credit(order: order, cents: cents))]
        case .effect(.charge, .failed): abandoned("declined")
        case .request(.invoice, .accepted): [.request(.confirm(order: order))]
        case .request(.confirm, .accepted): [.complete]
        case .request(.confirm, .refused): abandoned("blocked")
        case .deadline(.payment, _): abandoned("unpaid")
        default: []
        }
    }

    private func react(to event: TorturedShopEvent) -> [Step] {
        switch event {
        case .placed:
            [
                .request(
                    .reserve(item: item, units: units, order: order),
                    undo: .release(item: item, units: units, order: order)),
                .schedule(.payment, after: Self.patience),
            ]
        case .paid: [.cancel(.payment)] + (isReserved ? [charge] : [])
        // What is being confirmed can no longer be withdrawn.
        case .withdrawn: isConfirming ? [] : [.cancel(.payment)] + abandoned("withdrawn")
        }
    }

    private var charge: Step {
        .perform(.charge(order: order, cents: cents), undo: .refund(order: order, cents: cents))
    }

    private func abandoned(_ reason: String) -> [Step] {
        [.compensate(reason), .request(.cancel(order: order, reason: reason)), .complete]
    }
}

/// The stock of an item.
struct TorturedStock: Decider {
    enum Command: Sendable { case reserve(units: Int, order: String), release(units: Int, order: String) }
    enum Event: Codable, Equatable, Sendable {
        case stocked(units: Int)
        case reserved(units: Int, order: String)
        case released(units: Int, order: String)
    }
    enum Refusal: Error { case soldOut, notReserved }

    var left = 0
    var orders: Set<String> = []

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .reserve(let units, let order):
            guard left >= units else { throw .soldOut }
            return [.reserved(units: units, order: order)]
        case .release(let units, let order):
            guard orders.contains(order) else { throw .notReserved }
            return [.released(units: units, order: order)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .stocked(let units): left += units
        case .reserved(let units, let order):
            left -= units
            orders.insert(order)
        case .released(let units, let order):
            left += units
            orders.remove(order)
        }
    }
}

/// The invoice and the credit note of an order.
struct TorturedInvoice: Decider {
    enum Command: Sendable { case issue(cents: Int), credit(cents: Int) }
    enum Event: Codable, Equatable, Sendable { case issued(cents: Int), credited(cents: Int) }
    enum Refusal: Error { case isIssued, isNotIssued }

    var open = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .issue(let cents):
            if open != 0 { throw .isIssued }
            return [.issued(cents: cents)]
        case .credit(let cents):
            if open == 0 { throw .isNotIssued }
            return [.credited(cents: cents)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .issued(let cents): open += cents
        case .credited(let cents): open -= cents
        }
    }
}

/// How an order ends. A blocked one can only be cancelled.
struct TorturedOutcome: Decider {
    enum Command: Sendable { case confirm, cancel(reason: String) }
    enum Event: Codable, Equatable, Sendable { case blocked, confirmed, cancelled(reason: String) }
    enum Refusal: Error { case blocked, decided }

    var isBlocked = false
    var isDecided = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        if isDecided { throw .decided }
        switch command {
        case .confirm:
            if isBlocked { throw .blocked }
            return [.confirmed]
        case .cancel(let reason): return [.cancelled(reason: reason)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .blocked: isBlocked = true
        case .confirmed, .cancelled: isDecided = true
        }
    }
}
