import SillokProjections

/// The orders as a list to ask by customer and state, each a row: what it costs, what of it is paid, when it last
/// changed. Fed by two domains: what is paid is known to the settlement, all else to the order.
struct OrderList: Projection {
    /// Of each type no more than the list needs.
    enum Event: Codable, Sendable, EvolvingEvent {
        case orderPlaced(customer: String)
        case lineAdded(quantity: Int, cents: Int)
        case lineRemoved(quantity: Int, cents: Int)
        case orderSubmitted, orderConfirmed, orderPaid, orderShipped, orderCancelled, orderReturned
        case chargeRecorded(order: String, cents: Int)
        case refundRecorded(order: String, cents: Int)

        /// A new version of a type is read here as the enum that writes it says.
        static let schema = EventSchema.of(Order.Event.self, Settlement.Event.self)
    }

    let name = "orders"
    let version = 1
    let source = EventQuery.category("order").or(.category("settlement"))
    /// Openings, fees and closings of settlements do not concern it.
    let unknownTypes = UnknownTypePolicy.ignore

    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "orders") (
            id TEXT PRIMARY KEY, customer TEXT NOT NULL, state TEXT NOT NULL, items BIGINT NOT NULL,
            total BIGINT NOT NULL, paid BIGINT NOT NULL, changed TEXT NOT NULL)
        """,
        "CREATE INDEX \(index: "orders_of_customer") ON \(table: "orders") (customer, state)",
    ]

    /// The orders of a customer, those that changed last first.
    static func orders(of customer: String) -> SQL {
        "SELECT * FROM orders WHERE customer = \(customer) ORDER BY changed DESC, id"
    }

    /// How many orders are in each state, and what they come to.
    static let states: SQL = """
        SELECT state, COUNT(*) AS orders, SUM(total) AS total, SUM(paid) AS paid FROM orders
        GROUP BY state ORDER BY state
        """

    func project(_ event: Recorded<Event>) -> [SQL] {
        switch event.payload {
        case .orderPlaced(let customer): [row(event.key), set("customer = \(customer), state = 'basket'", event)]
        case .lineAdded(let quantity, let cents):
            [set("items = items + \(quantity), total = total + \(quantity) * \(cents)", event)]
        case .lineRemoved(let quantity, let cents):
            [set("items = items - \(quantity), total = total - \(quantity) * \(cents)", event)]
        case .orderSubmitted: [set("state = 'submitted'", event)]
        case .orderConfirmed: [set("state = 'confirmed'", event)]
        case .orderPaid: [set("state = 'paid'", event)]
        case .orderShipped: [set("state = 'shipped'", event)]
        case .orderCancelled: [set("state = 'cancelled'", event)]
        case .orderReturned: [set("state = 'returned'", event)]
        case .chargeRecorded(let order, let cents): [row(order), set("paid = paid + \(cents)", event, of: order)]
        case .refundRecorded(let order, let cents): [row(order), set("paid = paid - \(cents)", event, of: order)]
        }
    }

    /// Makes sure of a row: the money of an order may be known before the order is.
    private func row(_ order: String) -> SQL {
        "INSERT INTO \(table: "orders") VALUES (\(order), '', 'expected', 0, 0, 0, '') ON CONFLICT (id) DO NOTHING"
    }

    private func set(_ columns: SQL, _ event: Recorded<Event>, of order: String? = nil) -> SQL {
        "UPDATE \(table: "orders") SET \(columns), changed = \(event.moment) WHERE id = \(order ?? event.key)"
    }
}

extension Recorded {
    /// What its stream is called within its category.
    var key: String { stream?.key ?? "" }

    /// When it was recorded, to the second, in UTC.
    var moment: String { String(recordedAt.description.prefix(19)) }

    /// The day on which it was recorded, in UTC.
    var day: String { String(recordedAt.description.prefix(10)) }
}
