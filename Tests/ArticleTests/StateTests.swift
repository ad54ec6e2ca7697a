import BankModel
import SillokHistory
import SillokProjections
import SillokSQLite
import SillokSnapshots
import SillokTesting
import Testing

@testable import BankWithReadModel

/// The decider of the article `SnapshotsOfLongStreams`: a list that grows long.
struct Cart: SnapshottedDecider {
    static let foldVersion = 1

    enum Command: Sendable { case add(item: String) }
    enum Event: Codable, Equatable, Sendable { case added(item: String) }
    enum Refusal: Error { case full }

    private(set) var items: [String] = []

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .add(let item):
            if items.count >= 1000 { throw .full }
            return [.added(item: item)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .added(let item): items.append(item)
        }
    }
}

/// The code of the articles `SnapshotsOfLongStreams` and `TimeTravelAndWhatIf`.
@Suite struct StateTests {
    func handler(_ store: any EventStore, _ snapshots: Snapshots) -> CommandHandler<Cart> {
        CommandHandler("cart", in: store, options: .init(cache: AggregateCache(), snapshots: snapshots))
    }

    @Test func `a snapshot is written after a hundred events, and equals the replay`() async throws {
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        let snapshots = Snapshots(in: model, .every(100))
        let carts = handler(store, snapshots)
        for number in 1...100 { try await carts.execute(.add(item: "\(number)"), on: "7") }
        await snapshots.flush()
        let report = try await snapshots.verify(Cart.self, in: store, sample: 10)
        #expect(report.checked == 1 && report.findings.isEmpty)
        #expect(try await handler(store, snapshots).state(of: "7").state.items.count == 100)
        await model.close()
    }

    @Test func `a past state and past rows are those of the moment`() async throws {
        let clock = ManualClock("2026-11-23T12:00:00Z")
        let store = MemoryEventStore(clock: clock.wallClock)
        let carts = CommandHandler<Cart>("cart", in: store)
        let accounts = CommandHandler<BankAccount>("account", in: store)
        try await carts.execute(.add(item: "lamp"), on: "7")
        try await accounts.execute(.open(owner: "Ada"), on: "42")
        try await accounts.execute(.deposit(100), on: "42")
        clock.advance(by: .seconds(24 * 3600))
        try await carts.execute(.add(item: "ink"), on: "7")
        try await accounts.execute(.withdraw(100), on: "42")

        let monday = try await store.past(at: "2026-11-23T18:00:00Z")
        let cart = try await monday.state(of: Cart.self, "cart-7").state
        #expect(cart.items == ["lamp"])
        let model = try await monday.model(of: AccountBalance(), in: SQLiteReadModel())
        let rows = try await model.rows("SELECT owner, cents FROM account_balance", as: Balance.self)
        #expect(rows.map(\.cents) == [100])
        await model.close()
    }
}
