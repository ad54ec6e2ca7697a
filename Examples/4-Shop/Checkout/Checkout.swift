import SillokProcesses

/// The life of an order across the domains: its pieces are reserved, its money is taken and booked. All of that is
/// undone if the order is sold out, is not paid in time, is cancelled, or comes back.
struct Checkout: ProcessManager {
    typealias Event = Order.Event

    enum Request: Codable, Equatable, Sendable {
        case reserve(item: String, units: Int, order: String)
        case release(item: String, order: String)
        case dispatch(item: String, order: String)
        case takeBack(item: String, order: String)
        case confirm(order: String)
        case pay(order: String, payment: String, cents: Int)
        case cancel(order: String, reason: String)
        case recordCharge(payment: String, order: String, cents: Int, day: String)
        case recordRefund(payment: String, order: String, cents: Int, day: String)
    }

    enum Effect: Codable, Equatable, Sendable {
        case charge(card: String, cents: Int)
        case refund(card: String, cents: Int)
        case tell(clerk: String)
    }

    enum Deadline: Codable, Hashable, Sendable { case payment }

    static let name = "checkout"
    static let source = EventQuery.category("order")

    static func correlate(_ event: Recorded<Order.Event>) -> Correlation {
        if case .orderPlaced = event.payload { .startsOnce(event.key) } else { .joins(event.key) }
    }

    private var order = Order()
    private var key = ""
    private var card: String?
    private var reserved: Set<String> = []

    mutating func evolve(_ input: Input) {
        switch input {
        case .event(let event):
            order.evolve(event.payload)
            key = event.key
            if case .orderSubmitted(let card) = event.payload { self.card = card }
        case .request(.reserve(let item, _, _), .accepted): reserved.insert(item)
        default: break
        }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): react(to: event.payload)
        case .request(.reserve, .accepted): reserved.count == order.lines.count ? [.request(.confirm(order: key))] : []
        case .request(.reserve, .refused): [cancel("sold out")]
        case .request(.recordCharge, .refused(let reason)), .request(.dispatch, .refused(let reason)):
            [.perform(.tell(clerk: "order \(key): \(reason)"))]
        case .effect(.charge, .done(let receipt)):
            [.request(.pay(order: key, payment: receipt, cents: order.total))]
        case .effect(.charge, .failed(let reason)): [cancel(reason)]
        case .deadline(.payment, _): [cancel("not paid in time")]
        default: []
        }
    }

    private func react(to event: Order.Event) -> [Step] {
        switch event {
        case .orderPlaced, .lineAdded, .lineRemoved: []
        case .orderSubmitted:
            order.lines.sorted { $0.key < $1.key }.map { item, line in
                .request(
                    .reserve(item: item, units: line.quantity, order: key), undo: .release(item: item, order: key))
            }
        case .orderConfirmed: [payment]
        case .orderPaid(let payment, let cents, let day):
            [
                .cancel(.payment),
                .request(.recordCharge(payment: payment, order: key, cents: cents, day: day)),
            ]
        case .orderShipped: items.map { .request(.dispatch(item: $0, order: key)) }
        case .orderCancelled(let reason, let day): undone(reason, day)
        case .orderReturned(let day): items.map { .request(.takeBack(item: $0, order: key)) } + undone("returned", day)
        }
    }

    private var items: [String] { order.lines.keys.sorted() }

    /// The card is charged, or the customer has two days for a transfer.
    private var payment: Step {
        guard let card else { return .schedule(.payment, after: .seconds(2 * 24 * 3600)) }
        return .perform(.charge(card: card, cents: order.total), undo: .refund(card: card, cents: order.total))
    }

    private func cancel(_ reason: String) -> Step { .request(.cancel(order: key, reason: reason)) }

    /// The end, however it came about: the refund is booked, and each executed step that has an undo is undone.
    private func undone(_ reason: String, _ day: String) -> [Step] {
        let refund = order.payment.map { payment in
            Step.request(
                .recordRefund(payment: payment.reference, order: key, cents: order.total, day: day))
        }
        return [refund, .compensate(reason), .complete].compactMap(\.self)
    }
}
