import SillokProjections

/// Orders with their payments. The events come from two streams: `order-…` and `payment-…`.
enum OrderFact: Codable, Sendable {
    case orderPlaced(customer: String)
    case paymentReceived(order: String, cents: Int)
}

/// It assumes that an order is known before its money.
struct HastyOrders: Projection {
    let name = "hasty_orders"
    let version = 1
    let source = EventQuery.category("order").or(.category("payment"))
    let schema: [SQL] = [
        "CREATE TABLE \(table: "orders") (id TEXT PRIMARY KEY, customer TEXT NOT NULL, paid BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<OrderFact>) -> [SQL] {
        switch event.payload {
        case .orderPlaced(let customer):
            let id = event.stream?.key ?? ""
            return ["INSERT INTO \(table: "orders") VALUES (\(id), \(customer), 0)"]
        case .paymentReceived(let order, let cents):
            return ["UPDATE \(table: "orders") SET paid = paid + \(cents) WHERE id = \(order)"]
        }
    }
}

/// The first event of either stream creates the row.
struct PatientOrders: Projection {
    let name = "patient_orders"
    let version = 1
    let source = EventQuery.category("order").or(.category("payment"))
    let schema: [SQL] = [
        "CREATE TABLE \(table: "orders") (id TEXT PRIMARY KEY, customer TEXT NOT NULL, paid BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<OrderFact>) -> [SQL] {
        switch event.payload {
        case .orderPlaced(let customer):
            let id = event.stream?.key ?? ""
            return [row(id), "UPDATE \(table: "orders") SET customer = \(customer) WHERE id = \(id)"]
        case .paymentReceived(let order, let cents):
            return [row(order), "UPDATE \(table: "orders") SET paid = paid + \(cents) WHERE id = \(order)"]
        }
    }

    private func row(_ id: String) -> SQL {
        "INSERT INTO \(table: "orders") VALUES (\(id), '', 0) ON CONFLICT (id) DO NOTHING"
    }
}
