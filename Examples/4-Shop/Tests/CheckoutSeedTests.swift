import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

@testable import Shop

/// A store whose program dies at an append: before it, or after it and before the answer. Then nothing answers.
private final class DyingStore: ForwardingEventStore {
    let base: any EventStore
    private let diesAfter: Bool
    private let left: Lock<Int>

    init(_ base: any EventStore, atAppend number: Int, after: Bool) {
        (self.base, diesAfter, left) = (base, after, Lock(number))
    }

    private func check() throws(StoreError) {
        if left.withLock({ $0 <= 0 }) { throw StoreError(.closed, "the program has died.", outcome: .unknown) }
    }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let number = left.withLock { left in
            if !request.entries.isEmpty { left -= 1 }
            return left
        }
        do throws(StoreError) { if number < 0 || !diesAfter { try check() } } catch { throw .failed(error) }
        let receipt = try await base.append(request)
        do throws(StoreError) { try check() } catch { throw .failed(error) }
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        try check()
        return try await base.read(request)
    }

    func event(_ id: EventID) async throws -> RecordedEvent? {
        try check()
        return try await base.event(id)
    }
}

/// Weeks of the shop at random: what the bank, the shelf and the books have is what the orders say.
@Suite(.timeLimit(.minutes(10))) struct CheckoutSeedTests {
    private static let lastSeed = UInt64(Environment.count("SILLOK_PROCESS_SEEDS", default: 20))
    private static let cents = 39_00
    private static let orders = (1...6).map { "\($0)" }
    private static let byCard = ["2", "4", "6"]

    private let clock = ManualClock()
    private let bank = Bank()

    @Test(arguments: 1...lastSeed)
    func `crashes, lost answers, refusals, cancellations and late transfers cost nobody anything`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed: seed)
        let store = MemoryEventStore(clock: clock.wallClock)
        let shop = Shop(in: store, day: "2026-01-01")
        try await shop.settlements.execute(.open, on: shop.day)
        try await shop.deliver(Int.random(in: 3...8, using: &random), of: "lamp")
        let delivered = try await shop.stock.state(of: "lamp").state.available
        for order in Self.orders {
            let card = Self.byCard.contains(order) ? "card-\(order)" : nil
            try await shop.buy(order, for: order, [.init(item: "lamp", quantity: 1, cents: Self.cents)], card: card)
        }
        var model = try SQLiteReadModel()
        for _ in 1...12 {
            try await act(shop, &random)
            let dying = DyingStore(
                store, atAppend: Int.random(in: 1...12, using: &random), after: random.once(in: 2))
            if random.once(in: 4) { model = try SQLiteReadModel() }
            try? await Shop(in: dying, day: shop.day).checkouts(index: model, bank: bank).catchUp()
            clock.advance(by: .seconds(Int.random(in: -600...40_000, using: &random)))
        }
        try await end(shop, model)
        try await check(shop, delivered: delivered)
        if seed == Self.lastSeed { print("PRC-2: the checkout of the shop with the seeds 1 to \(seed)") }
    }

    /// Customers pay or cancel, and the bank is in some mood.
    private func act(_ shop: Shop, _ random: inout SeededGenerator) async throws {
        let order = random.pick(Self.orders, or: "1")
        do {
            if !Self.byCard.contains(order) { try await shop.pay(order, payment: "transfer-\(order)") }
            if random.once(in: 6) { try await shop.cancel(order, because: "changed my mind") }
        } catch is Order.Refusal {}
        let answers = (0..<4).map { _ in random.pick([Bank.Answer.works, .losesAnswer, .declines], or: .works) }
        let isReachable = random.once(in: 2)
        bank.books.withLock { ($0.answers, $0.isReachable) = (answers, isReachable) }
    }

    /// Everything works from now on, and each transfer that was not made is late.
    private func end(_ shop: Shop, _ model: SQLiteReadModel) async throws {
        bank.books.withLock { ($0.answers, $0.isReachable) = ([], true) }
        for _ in 1...20 {
            try await shop.checkouts(index: model, bank: bank).catchUp()
            clock.advance(by: .seconds(40_000))
        }
    }

    private func check(_ shop: Shop, delivered: Int) async throws {
        var (byCard, sold) = (0, 0)
        for order in Self.orders {
            let state = try await shop.orders.state(of: order).state
            #expect([.paid, .cancelled].contains(state.stage), "order \(order)")
            guard state.stage == .paid else { continue }
            sold += 1
            if state.payment?.reference.hasPrefix("receipt") == true { byCard += 1 }
        }
        let books = bank.books.withLock { $0 }
        #expect(books.total == byCard * Self.cents)
        #expect(books.messages.isEmpty, "\(books.messages)")
        #expect(try await shop.stock.state(of: "lamp").state.available == delivered - sold)
        #expect(try await shop.settlements.state(of: shop.day).state.balance == sold * Self.cents)
    }
}
