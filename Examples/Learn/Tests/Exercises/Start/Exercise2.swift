import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// Exercise 2: two read models of the same events. One is for a customer, and one for the owner of the shop.
enum Exercise2 {
    enum Event: Codable, Equatable, Sendable {
        case orderPlaced(customer: String)
        case orderPaid(cents: Int)
    }

    /// The orders of each customer, with their state: `placed` or `paid`.
    struct OrdersOfCustomer: Projection {
        let name = "orders_of_customer"
        let version = 1
        let source = EventQuery.category("order")
        let schema: [SQL] = [
            """
            CREATE TABLE \(table: "orders_of_customer") (
                id TEXT PRIMARY KEY, customer TEXT NOT NULL, state TEXT NOT NULL)
            """
        ]

        func project(_ event: Recorded<Event>) -> [SQL] {
            []
        }
    }

    /// What was paid on each day, in UTC.
    struct SalesOfDay: Projection {
        let name = "sales_of_day"
        let version = 1
        let source = EventQuery.category("order")
        let schema: [SQL] = ["CREATE TABLE \(table: "sales_of_day") (day TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

        func project(_ event: Recorded<Event>) -> [SQL] {
            []
        }
    }
}

@Suite(.enabled(if: Exercises.areOpen)) struct Exercise2Tests {
    private let store = MemoryEventStore(clock: ManualClock("2026-11-23T12:00:00Z").wallClock)

    @discardableResult private func happened(_ event: Exercise2.Event, to order: String) async throws -> Receipt {
        try await store.append([EventCoding().encode(event)], to: StreamID("order", order))
    }

    @Test func `both models have their rows, and lag hurts only one of them`() async throws {
        let model = try SQLiteReadModel()
        let orders = Projector(Exercise2.OrdersOfCustomer(), from: store, into: model)
        let sales = Projector(Exercise2.SalesOfDay(), from: store, into: model)
        try await happened(.orderPlaced(customer: "Kim"), to: "1")
        try await happened(.orderPaid(cents: 100), to: "1")
        try await orders.catchUp()
        try await sales.catchUp()
        try await happened(.orderPlaced(customer: "Kim"), to: "2")
        let payment = try await happened(.orderPaid(cents: 50), to: "2")

        // Kim has just paid order 2, and a list without it looks like lost money. So the query must not show old rows.
        await #expect(throws: StaleModel.self) {
            try await orders.model(atLeast: payment, within: .milliseconds(1))
        }
        // The owner looks at the sum of the day. A number that is a second old is as good.
        let early = try await model.rows("SELECT cents FROM sales_of_day WHERE day = '2026-11-23'")
        #expect(early.map { $0["cents"].integer } == [100])

        try await orders.catchUp()
        try await sales.catchUp()
        let fresh = try await orders.model(atLeast: payment, within: .seconds(1))
        let states = try await fresh.rows("SELECT state FROM orders_of_customer WHERE customer = 'Kim' ORDER BY id")
        #expect(states.map { $0["state"].text } == ["paid", "paid"])
        let late = try await model.rows("SELECT cents FROM sales_of_day WHERE day = '2026-11-23'")
        #expect(late.map { $0["cents"].integer } == [150])
        await model.close()
    }
}
