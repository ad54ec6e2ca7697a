import Sillok
import SillokCore

/// The customers of the tortured shop: what they do follows from the seed. Their events have fixed ids, so a process
/// that continues after a kill makes none of them twice.
struct Customers: Sendable {
    /// What happens to an order besides that it is placed.
    enum Fate: String, Sendable {
        case paid, paidEarly, unpaid, paidAtTheDeadline, withdrawn, withdrawnUnpaid, blocked, poisoned

        static func of(_ number: Int, seed: UInt64) -> Fate {
            var random = SeededGenerator(seed, UInt64(number), 3)
            return switch random.below(40) {
            case 0..<22: .paid
            case 22..<25: .paidEarly
            case 25..<29: .unpaid
            case 29..<32: .paidAtTheDeadline
            case 32..<34: .withdrawn
            case 34..<36: .withdrawnUnpaid
            case 36..<38: .blocked
            default: .poisoned
            }
        }
    }

    /// An event, and when it happens in milliseconds from the first.
    struct Happening: Sendable {
        let time: Int
        let stream: StreamID
        let event: EventData
    }

    let seed: UInt64
    let orders: Int
    /// Milliseconds between two orders.
    let pace: Int

    static let rareUnits = 4

    /// Fills the stock, and places orders that are older than the process. Returns the head, from which it starts.
    static func setUp(_ store: any EventStore, seed: UInt64) async throws -> Position {
        let ids = (UInt64(1)...5).map { EventID(high: seed << 24, low: $0) }
        let stock = EventCoding<TorturedStock.Event>()
        let orders = EventCoding<TorturedShopEvent>()
        try await store.append([try stock.encode(.stocked(units: 1_000_000), id: ids[0])], to: StreamID("stock", "tea"))
        try await store.append(
            [try stock.encode(.stocked(units: rareUnits), id: ids[1])], to: StreamID("stock", "rare"))
        for id in ids[2...] {
            let placed = try orders.encode(.placed(item: "tea", units: 1, cents: 100), id: id)
            try await store.append([placed], to: StreamID("order", "old\(id.low)"))
        }
        return try await store.head()
    }

    /// Lets everything happen that has not happened yet, at its time.
    func run(_ store: any EventStore) async throws {
        let start = ContinuousClock.now
        var skipped: Int?
        for happening in try plan().sorted(by: { $0.time < $1.time }) {
            if skipped == nil {
                if try await store.event(happening.event.id) != nil { continue }
                skipped = happening.time
            }
            let time = start + .milliseconds(happening.time - (skipped ?? 0))
            if time > .now { try await ContinuousClock().sleep(until: time) }
            while true {
                do {
                    try await store.append([happening.event], to: happening.stream)
                    break
                } catch {
                    guard error.failure != nil else { throw error }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }
    }

    private func plan() throws -> [Happening] {
        let shop = EventCoding<TorturedShopEvent>()
        let outcomes = EventCoding<TorturedOutcome.Event>()
        var all: [Happening] = []
        for number in 0..<orders {
            var random = SeededGenerator(seed, UInt64(number), 9)
            let (start, key) = (200 + number * pace, "\(number)")
            let item = random.below(10) == 0 ? "rare" : "tea"
            let cents = 100 + number
            func id(_ kind: UInt64) -> EventID { EventID(high: seed << 24 | UInt64(number + 1), low: kind) }
            func add(_ time: Int, _ category: StreamCategory, _ event: EventData) {
                all.append(Happening(time: start + time, stream: StreamID(category, key), event: event))
            }
            add(0, "order", try shop.encode(.placed(item: item, units: 1, cents: cents), id: id(1)))
            let paid = try shop.encode(.paid(cents: cents), id: id(2))
            let withdrawn = try shop.encode(.withdrawn, id: id(3))
            switch Fate.of(number, seed: seed) {
            case .paid: add(random.below(800), "payment", paid)
            case .paidEarly: add(-1 - random.below(200), "payment", paid)
            case .unpaid: break
            case .paidAtTheDeadline: add(1300 + random.below(500), "payment", paid)
            case .withdrawn:
                add(random.below(500), "payment", paid)
                add(50 + random.below(1200), "order", withdrawn)
            case .withdrawnUnpaid: add(50 + random.below(1700), "order", withdrawn)
            case .blocked:
                add(-1, "outcome", try outcomes.encode(.blocked, id: id(4)))
                add(random.below(500), "payment", paid)
            case .poisoned:
                add(random.below(500), "payment", EventData(id: id(2), type: "paid", text: "{\"cents\":\"many\"}"))
            }
        }
        return all
    }
}
