import SillokProcesses

/// The events of the shop that a checkout listens to.
enum ShopEvent: Codable, Equatable, Sendable {
    case placed(item: String, units: Int, cents: Int)
    case paid(cents: Int)
    case withdrawn
}

/// The test subject: an order is placed, stock is reserved, the card is charged when the payment arrives, and all of it
/// is undone if it does not arrive within 30 minutes.
struct Checkout: ProcessManager {
    typealias Event = ShopEvent

    enum Request: Codable, Equatable, Sendable {
        case reserve(item: String, units: Int, order: String)
        case release(item: String, units: Int, order: String)
        case confirm(order: String)
        case cancel(order: String, reason: String)
    }

    enum Effect: Codable, Equatable, Sendable {
        case charge(order: String, cents: Int)
        case refund(order: String, cents: Int)
        case invoice(order: String)
    }

    enum Deadline: Codable, Hashable, Sendable {
        case payment
        case reminder(number: Int)
    }

    static let name = "checkout"
    static let source = EventQuery.category("order").or(.category("payment"))

    static func correlate(_ event: Recorded<ShopEvent>) -> Correlation {
        let key = event.stream?.key ?? ""
        return switch event.payload {
        case .placed: .starts(key)
        case .paid: .joins(key, early: .held)
        case .withdrawn: .joins(key)
        }
    }

    var order = ""
    var cents = 0
    var isReserved = false
    var isPaid = false
    var isCharged = false

    mutating func evolve(_ input: Input) {
        switch input {
        case .event(let event):
            switch event.payload {
            case .placed(_, _, let cents): (order, self.cents) = (event.stream?.key ?? "", cents)
            case .paid: isPaid = true
            case .withdrawn: break
            }
        case .request(.reserve, .accepted): isReserved = true
        case .effect(.charge, .done): isCharged = true
        default: break
        }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): react(to: event.payload)
        case .request(.reserve, .accepted): isPaid ? [charge] : []
        case .request(.reserve, .refused(let reason)): [.cancel(.payment)] + abandoned(reason)
        case .effect(.charge, .done):
            [.request(.confirm(order: order)), .perform(.invoice(order: order)), .complete]
        case .effect(.charge, .failed(let reason)): abandoned(reason)
        case .deadline(.payment, _): abandoned("unpaid")
        default: []
        }
    }

    private func react(to event: ShopEvent) -> [Step] {
        switch event {
        case .placed(let item, let units, _):
            [
                .request(
                    .reserve(item: item, units: units, order: order),
                    undo: .release(item: item, units: units, order: order)),
                .schedule(.payment, after: .seconds(1800)),
            ]
        case .paid: [.cancel(.payment)] + (isReserved && !isCharged ? [charge] : [])
        case .withdrawn: [.cancel(.payment)] + abandoned("withdrawn")
        }
    }

    private var charge: Step {
        .perform(.charge(order: order, cents: cents), undo: .refund(order: order, cents: cents))
    }

    private func abandoned(_ reason: String) -> [Step] {
        [.compensate(reason), .request(.cancel(order: order, reason: reason)), .complete]
    }
}
