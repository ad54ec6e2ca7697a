import Sillok

/// The actions of customers and clerks: commands on several streams, one after the other.
///
/// Each stream is consistent; between two of them the program may be stopped. So every function may be called again,
/// any number of times: what was done already is not done twice. They return the position to wait for
/// to see it in a read model.
struct Shop: Sendable {
    /// The day whose settlement takes the money, such as `2026-11-23`.
    let day: String
    let orders: CommandHandler<Order>
    let stock: CommandHandler<StockItem>
    let settlements: CommandHandler<Settlement>

    /// An item that a customer orders, and its price.
    struct Line: Sendable { let item: String, quantity: Int, cents: Int }

    init(in store: any EventStore, day: String) {
        self.day = day
        orders = CommandHandler("order", in: store)
        stock = CommandHandler("stock", in: store)
        settlements = CommandHandler("settlement", in: store)
    }

    /// Puts pieces of an item on its shelf. The id is that of the delivery.
    @discardableResult func deliver(_ units: Int, of item: String, id: CommandID = CommandID()) async throws -> Position
    {
        if try await stock.state(of: item).revision == .none {
            try await stock.execute(.introduce(name: item), on: item)
        }
        return try await stock.execute(.receive(units: units), on: item, id: id).position
    }

    /// Places an order, and confirms it if all of its pieces could be reserved; otherwise cancels it.
    @discardableResult func buy(
        _ order: String, for customer: String, _ lines: [Line], id: CommandID = CommandID()
    ) async throws -> Position {
        let commands = lines.map { line in
            (order, Order.Command.addLine(item: line.item, quantity: line.quantity, cents: line.cents))
        }
        try await orders.execute([(order, .place(customer: customer))] + commands, id: id)
        guard try await orders.state(of: order).state.stage == .basket else { return try await latest(order) }
        do {
            for line in lines { try await stock.execute(.reserve(order: order, units: line.quantity), on: line.item) }
            return try await orders.execute(.confirm, on: order).position
        } catch StockItem.Refusal.outOfStock, Order.Refusal.notOpen {
            return try await cancel(order, because: "sold out")
        }
    }

    /// Takes the payment of an order, which its provider may report more than once.
    @discardableResult func pay(_ order: String, payment: String) async throws -> Position {
        let due = try await orders.state(of: order).state.total
        let paid = try await orders.execute(.pay(payment: payment, cents: due, day: day), on: order).state
        return try await settlements.execute(
            .recordCharge(payment: payment, order: order, cents: due), on: paid.payment?.day ?? day
        ).position
    }

    /// Sends an order off.
    @discardableResult func ship(_ order: String) async throws -> Position {
        for item in try await items(of: order) { try await stock.execute(.dispatch(order: order), on: item) }
        return try await orders.execute(.ship, on: order).position
    }

    /// Cancels an order: its pieces are for others, its money goes back.
    @discardableResult func cancel(_ order: String, because reason: String) async throws -> Position {
        try await orders.execute(.cancel(reason: reason, day: day), on: order)
        for item in try await items(of: order) { try await stock.execute(.release(order: order), on: item) }
        return try await refund(order)
    }

    /// Takes back what was shipped: its pieces return to the shelf, its money goes back.
    @discardableResult func takeBack(_ order: String) async throws -> Position {
        try await orders.execute(.takeBack(day: day), on: order)
        for item in try await items(of: order) { try await stock.execute(.takeBack(order: order), on: item) }
        return try await refund(order)
    }

    /// Ends the day: the fee is taken, the rest is to be paid out. The id is that of the closing.
    @discardableResult func close(feePermille: Int, id: CommandID = CommandID()) async throws -> Position {
        try await settlements.execute([(day, .applyFee(permille: feePermille)), (day, .close)], id: id).position
    }

    private func items(of order: String) async throws -> [String] {
        try await orders.state(of: order).state.lines.keys.sorted()
    }

    private func latest(_ order: String) async throws -> Position {
        try await orders.transact(on: order) { _ in [] }.position
    }

    private func refund(_ order: String) async throws -> Position {
        let state = try await orders.state(of: order).state
        guard let payment = state.payment else { return try await latest(order) }
        return try await settlements.execute(
            .recordRefund(payment: payment.reference, order: order, cents: state.total), on: state.lastDay
        ).position
    }
}
