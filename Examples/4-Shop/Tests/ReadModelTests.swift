import Foundation
import SillokProcesses
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import Shop

/// Days of the shop at random, with everything done twice: what the read models contain, and what the streams say.
@Suite struct ReadModelTests {
    @Test(arguments: [1, 4]) func `the read models equal the streams if steps are repeated or come early`(
        partitions: Int
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = MemoryEventStore()
        let model = try SQLiteReadModel(path: folder.appendingPathComponent("model.sqlite").path)
        let options = ProjectorOptions(partitions: partitions)
        let orders = Projector(OrderList(), from: store, into: model, options: options)
        let dashboard = Projector(Dashboard(), from: store, into: model, options: options)
        for day in ["mon", "tue", "wed"] {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await orders.run() }
                group.addTask { try await dashboard.run() }
                try await live(Shop(in: store, day: day))
                group.cancelAll()
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await orders.run() }
            group.addTask { try await dashboard.run() }
            let head = try await store.head()
            _ = try await orders.model(atLeast: head, within: .seconds(20))
            _ = try await dashboard.model(atLeast: head, within: .seconds(20))
            group.cancelAll()
        }
        let list = try await model.rows("SELECT id, state, items, total, paid FROM orders ORDER BY id").map(\.values)
        #expect(try await list == Recount(store).orders)
        let sums = try await model.rows(
            """
            SELECT SUM(placed), SUM(placed - finished), SUM(stocked), SUM(charged - refunded - fees) FROM days
            """)
        #expect(try await sums.map(\.values) == [Recount(store).dashboard])
        await model.close()
        guard partitions == 1 else { return }
        let another: @Sendable () throws -> SQLiteReadModel = {
            try SQLiteReadModel(path: folder.appendingPathComponent("\(UUID()).sqlite").path)
        }
        let rows: SQL = "SELECT id, customer, state, items, total, paid FROM orders ORDER BY id"
        try await ProjectionMatrix(OrderList(), rows: rows, model: another).check(store)
        try await ProjectionMatrix(Dashboard(), rows: Dashboard.days, model: another).check(store)
    }

    /// A day of ten orders at once: each step is done twice at the same time, by customers and by two runners of the
    /// checkouts, and some money comes before its order is paid.
    private func live(_ shop: Shop) async throws {
        try await shop.settlements.execute(.open, on: shop.day)
        try await shop.deliver(12, of: "lamp")
        try await atOnce(0..<10) { number in
            let (order, id) = ("\(shop.day)\(number)", CommandID())
            let lines = [Shop.Line(item: "lamp", quantity: number % 3 + 1, cents: 7)]
            if number == 3 {
                let early = Settlement.Command.recordCharge(payment: order, order: order, cents: 7)
                try await shop.settlements.execute(early, on: shop.day)
            }
            return try await twice { try await shop.buy(order, for: "Ada", lines, id: id) }
        }
        try await checkOut(shop)
        try await each(.confirmed, of: shop) { number, order in
            if number % 4 > 0 { try await twice { try await shop.pay(order, payment: order) } }
        }
        try await checkOut(shop)
        try await each(.paid, of: shop) { number, order in
            if number % 4 == 1 {
                try await twice { try await shop.cancel(order, because: "") }
            } else {
                try await twice { try await shop.ship(order) }
            }
            if number % 4 == 3 { try await twice { try await shop.takeBack(order) } }
        }
        try await checkOut(shop)
        try await shop.close(feePermille: 15)
    }

    @discardableResult
    private func twice(_ step: @escaping @Sendable () async throws -> Position) async throws -> Position {
        try await atOnce(0..<2) { _ in try await step() }
    }

    /// Does the same for all orders of the day in a stage, at the same time.
    private func each(
        _ stage: Order.Stage, of shop: Shop, _ body: @escaping @Sendable (Int, String) async throws -> Void
    ) async throws {
        try await atOnce(0..<10) { number in
            let order = "\(shop.day)\(number)"
            if try await shop.orders.state(of: order).state.stage == stage { try await body(number, order) }
            return .start
        }
    }

    private func checkOut(_ shop: Shop) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...2 {
                group.addTask {
                    let index = try SQLiteReadModel()
                    try await shop.checkouts(index: index, bank: Bank()).catchUp()
                    await index.close()
                }
            }
            try await group.waitForAll()
        }
    }
}

/// The rows as the deciders' own states tell them.
private struct Recount {
    let store: MemoryEventStore
    let shop: Shop

    init(_ store: MemoryEventStore) {
        self.store = store
        shop = Shop(in: store, day: "")
    }

    var orders: [[SQLValue]] {
        get async throws {
            let paid = try await payments()
            var rows: [[SQLValue]] = []
            for stream in try await store.streams(in: "order", after: nil, limit: 1000) {
                let order = try await shop.orders.state(of: stream.id.key).state
                let items = order.lines.values.reduce(0) { $0 + $1.quantity }
                rows.append([
                    .text(stream.id.key), .text("\(order.stage)"), items.sqlValue, order.total.sqlValue,
                    (paid[stream.id.key] ?? 0).sqlValue,
                ])
            }
            return rows
        }
    }

    var dashboard: [SQLValue] {
        get async throws {
            let placed = try await orders
            let open = placed.count {
                [.text("basket"), .text("submitted"), .text("confirmed"), .text("paid")].contains($0[1])
            }
            var revenue = 0
            for stream in try await store.streams(in: "settlement", after: nil, limit: 1000) {
                revenue += try await shop.settlements.state(of: stream.id.key).state.balance
            }
            let stock = try await shop.stock.state(of: "lamp").state.onShelf
            return [placed.count.sqlValue, open.sqlValue, stock.sqlValue, revenue.sqlValue]
        }
    }

    private func payments() async throws -> [String: Int] {
        var paid: [String: Int] = [:]
        let coding = EventCoding<Settlement.Event>()
        for try await page in store.pages(.category("settlement")) {
            for event in try page.events.flatMap({ try coding.decode($0) }) {
                switch event {
                case .chargeRecorded(_, let order, let cents): paid[order, default: 0] += cents
                case .refundRecorded(_, let order, let cents): paid[order, default: 0] -= cents
                default: break
                }
            }
        }
        return paid
    }
}
