import SillokHistory
import SillokProjections
import SillokSQLite
import SillokTerminal

/// Five days of the shop, printed on the terminal. Each day the store is opened again, and projections and checkouts
/// continue where they stopped.
struct Week {
    let folder: String
    let model: SQLiteReadModel
    let bank = Bank()

    init(in folder: String) throws {
        self.folder = folder
        model = try SQLiteReadModel(path: folder + "/model.sqlite")
    }

    func run() async throws {
        try await day("2026-11-23", everybodyAtOnce)
        try await day("2026-11-24", everythingTwice)
        try await day("2026-11-25", outAndBack)
        try await badDays()
        try await show()
        try await review()
        await model.close()
    }

    func day(
        _ name: String, at time: String = "12:00:00", feePermille: Int = 20, _ story: (Day) async throws -> Void
    ) async throws {
        print("\n\(name)")
        let day = try Day(name, at: time, in: folder, model, bank)
        try await day.shop.settlements.execute(.open, on: name)
        try await story(day)
        try await day.shop.close(feePermille: feePermille)
        try await day.projecting {}
        await day.store.close()
    }

    /// Twenty-four customers want twenty lamps at the same moment, and look at the list of orders. Their checkouts
    /// reserve the lamps.
    private func everybodyAtOnce(_ day: Day) async throws {
        try await day.shop.deliver(20, of: "lamp")
        try await day.shop.deliver(100, of: "ink")
        let position = try await atOnce(1...24) { number in
            try await day.shop.buy("\(number)", for: number % 3 == 0 ? "Ada" : "Grace", Self.lampAndInk)
        }
        print(
            """
              24 customers have ordered. The list of orders, read at once, has \(day.orders.position) of \
            \(position) events
            """
        )
        do {
            _ = try await day.list(OrderList.states, at: position, within: .milliseconds(50))
        } catch let stale as StaleModel {
            print("  the query for the orders fails: \(stale)")
        }
        try await day.projecting {
            for row in try await day.list(OrderList.states, at: position) { print("  with its projector:", row.line) }
            try await day.checkOut()
            for row in try await day.list(OrderList.states, at: day.store.head()) {
                print("  after the checkouts:", row.line)
            }
            try await lookAtOnce(day)
            try await day.checkOut()
        }
    }

    /// Ten customers order and look for their order in the list: just so, and saying how far it must be.
    private func lookAtOnce(_ day: Day) async throws {
        var (found, foundFresh) = (0, 0)
        for number in 31...40 {
            let position = try await day.shop.buy("\(number)", for: "Barbara", Self.ink)
            let order: SQL = "SELECT id FROM orders WHERE id = \("\(number)")"
            found += try await model.rows(order).count
            foundFresh += try await day.list(order, at: position).count
        }
        print(
            """
              10 customers look for their order: \(found) find it at once, \(foundFresh) after waiting for \
            their position
            """
        )
    }

    /// A provider reports each payment three times, a customer sends an order twice, an append is made again, and money
    /// comes before its order.
    private func everythingTwice(_ day: Day) async throws {
        try await day.projecting {
            let early = Settlement.Command.recordCharge(payment: "early", order: "25", cents: 4_50)
            let position = try await day.shop.settlements.execute(early, on: day.shop.day).position
            print("  money first:", try await day.list(OrderList.orders(of: ""), at: position)[0].line)
            let id = CommandID()
            try await atOnce(1...2) { _ in try await day.shop.buy("25", for: "Ada", Self.ink, id: id) }
            try await day.checkOut()
            let confirmed = try await day.list("SELECT id FROM orders WHERE state = 'confirmed'", at: day.store.head())
            let payments = confirmed.compactMap { $0["id"].text }.flatMap { [$0, $0, $0] }
            try await atOnce(payments) { order in
                try await day.shop.pay(order, payment: order == "25" ? "early" : "p\(order)")
            }
            try await day.checkOut()
            let request = AppendRequest([
                .init(
                    stream: "stock-ink", event: EventData(type: "stockReceived", payload: Array(#"{"units":5}"#.utf8)))
            ])
            let receipts = [try await day.store.append(request), try await day.store.append(request)]
            print("  \(payments.count) reports of payments, one append made twice: \(receipts[0] == receipts[1])")
            for row in try await day.list(OrderList.states, at: day.store.head()) {
                print(" ", row.line)
            }
        }
    }

    /// What is paid for is sent, two come back, and a count finds one piece missing.
    private func outAndBack(_ day: Day) async throws {
        try await day.projecting {
            let paid = try await day.list("SELECT id FROM orders WHERE state = 'paid'", at: day.store.head())
            try await atOnce(paid.compactMap { $0["id"].text }.dropLast(3)) { try await day.shop.ship($0) }
            for order in paid.compactMap({ $0["id"].text }).prefix(2) { try await day.shop.takeBack(order) }
            try await day.checkOut()
            let ink = try await day.shop.stock.state(of: "ink").state.onShelf
            let position = try await day.shop.stock.execute(.count(units: ink - 1), on: "ink").position
            print("  Ada's orders")
            for row in try await day.list(OrderList.orders(of: "Ada"), at: position) { print("   ", row.line) }
        }
    }

    /// The dashboard as a table.
    private func show() async throws {
        var table = Table(
            .left("day"), .right("placed"), .right("open"), .right("charged"), .right("refunded"), .right("revenue"),
            .right("stock"))
        for row in try await model.rows(Dashboard.days, as: Dashboard.Row.self) {
            table.add(
                row.day, "\(row.placed)", "\(row.open)", "\(row.charged)", "\(row.refunded)", "\(row.revenue)",
                "\(row.stock)")
        }
        print("\nDashboard, sums in cents")
        for line in table.lines(for: Console.current.outputTerminal) { print(line) }
        let sums = try await model.rows("SELECT SUM(charged - refunded - fees), SUM(stocked) FROM days")
        print("The streams, asked one by one, say the same: \(sums.first?.values == (try await countStreams()))")
    }

    /// The fees once more: by the rules that held on each day, and by those that are proposed.
    private func review() async throws {
        let store = try SQLiteEventStore(path: folder + "/shop.sqlite", mode: .readOnly)
        let review = FeeReview(past: try await store.past())
        print("\nFees as they were taken, and by the rules that held:", try await review.mistakes())
        print("\nFees by the rules that held, and by those that are proposed:", try await review.proposal())
        await store.close()
    }

    /// The revenue and the stock once more, from the deciders' own states.
    private func countStreams() async throws -> [SQLValue] {
        let store = try SQLiteEventStore(path: folder + "/shop.sqlite")
        let shop = Shop(in: store, day: "")
        var (revenue, stock) = (0, 0)
        for stream in try await store.streams(in: "settlement", after: nil, limit: 100) {
            revenue += try await shop.settlements.state(of: stream.id.key).state.balance
        }
        for stream in try await store.streams(in: "stock", after: nil, limit: 100) {
            stock += try await shop.stock.state(of: stream.id.key).state.onShelf
        }
        await store.close()
        return [revenue.sqlValue, stock.sqlValue]
    }

    private static let ink = [Shop.Line(item: "ink", quantity: 1, cents: 4_50)]
    private static let lampAndInk = [
        Shop.Line(item: "ink", quantity: 2, cents: 4_50), Shop.Line(item: "lamp", quantity: 1, cents: 39_00),
    ]
}

/// Does the same for all at the same time: the last position that any of it led to.
@discardableResult func atOnce<Member: Sendable>(
    _ members: some Sequence<Member>, _ body: @escaping @Sendable (Member) async throws -> Position
) async throws -> Position {
    try await withThrowingTaskGroup(of: Position.self) { group in
        for member in members { group.addTask { try await body(member) } }
        return try await group.reduce(.start) { max($0, $1) }
    }
}

extension SQLRow {
    /// Its columns and values on a line.
    fileprivate var line: String { zip(columns, values).map { "\($0) \($1.plain)" }.joined(separator: ", ") }
}

extension SQLValue {
    fileprivate var plain: String { text ?? integer.map { "\($0)" } ?? "" }
}
