import Sillok

/// The actions of customers and clerks. Each is one append; what follows from it is the work of a ``Checkout``.
///
/// They return the position to wait for to see the action in a read model.
struct Shop: Sendable {
    /// The day whose settlement takes the money, such as `2026-11-23`.
    let day: String
    let store: any EventStore
    let orders: CommandHandler<Order>
    let stock: CommandHandler<StockItem>
    let settlements: CommandHandler<Settlement>

    /// An item that a customer orders, and its price.
    struct Line: Sendable { let item: String, quantity: Int, cents: Int }

    init(in store: any EventStore, day: String) {
        self.day = day
        self.store = store
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

    /// Submits an order that is paid with a card, or by transfer if there is none.
    @discardableResult func buy(
        _ order: String, for customer: String, _ lines: [Line], card: String? = nil, id: CommandID = CommandID()
    ) async throws -> Position {
        let added = lines.map { line in
            Order.Command.addLine(item: line.item, quantity: line.quantity, cents: line.cents)
        }
        let commands = [.place(customer: customer)] + added + [.submit(card: card)]
        return try await orders.execute(commands.map { (order, $0) }, id: id).position
    }

    /// Takes the payment of an order, which its provider may report more than once.
    @discardableResult func pay(_ order: String, payment: String) async throws -> Position {
        let due = try await orders.state(of: order).state.total
        return try await orders.execute(.pay(payment: payment, cents: due, day: day), on: order).position
    }

    /// Sends an order off.
    @discardableResult func ship(_ order: String) async throws -> Position {
        try await orders.execute(.ship, on: order).position
    }

    /// Cancels an order.
    @discardableResult func cancel(_ order: String, because reason: String) async throws -> Position {
        try await orders.execute(.cancel(reason: reason, day: day), on: order).position
    }

    /// Takes back what was shipped.
    @discardableResult func takeBack(_ order: String) async throws -> Position {
        try await orders.execute(.takeBack(day: day), on: order).position
    }

    /// Ends the day: the fee is taken, the rest is to be paid out. The id is that of the closing.
    @discardableResult func close(feePermille: Int, id: CommandID = CommandID()) async throws -> Position {
        try await settlements.execute([(day, .applyFee(permille: feePermille)), (day, .close)], id: id).position
    }
}
