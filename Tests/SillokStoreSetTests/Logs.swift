import Sillok
import SillokCore
import SillokProcesses
import SillokProjections
import SillokSQL
import SillokStoreSet
import SillokTestSupport

/// What happens in the two logs: orders in `sales`, payments in `money`.
enum ShopEvent: Codable, Equatable, Sendable {
    case placed(cents: Int)
    case paid(cents: Int)
}

/// A store whose user dies at a random append: before it, or after it and before the answer. Then nothing answers.
final class MortalStore: ForwardingEventStore {
    let base: any EventStore
    private let left: Lock<Int>
    private let isStored: Bool

    init(_ base: any EventStore, dyingAt append: Int, isStored: Bool) {
        (self.base, left, self.isStored) = (base, Lock(append), isStored)
    }

    private var isDead: Bool { left.withLock { $0 <= 0 } }
    private var dead: StoreError { StoreError(.closed, "the process has died.", outcome: .unknown) }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        if isDead { throw .failed(dead) }
        if request.entries.isEmpty { return try await base.append(request) }
        let number = left.withLock { left in
            left -= 1
            return left
        }
        if number <= 0 && !isStored { throw .failed(dead) }
        let receipt = try await base.append(request)
        if number <= 0 { throw .failed(dead) }
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        if isDead { throw dead }
        return try await base.read(request)
    }

    func tracking(of source: TrackingSource) async throws -> Tracking? {
        if isDead { throw dead }
        return try await base.tracking(of: source)
    }
}

/// Two logs with the events of some orders.
struct Logs {
    let sales = MemoryEventStore()
    let money = MemoryEventStore()
    let set: StoreSet

    init() throws {
        set = try StoreSet(
            ["sales": sales, "money": money],
            categories: ["order": "sales", "shipment": "sales", "payment": "money"])
    }

    func happens(_ event: ShopEvent, in category: StreamCategory, _ key: Int) async throws {
        let data = try EventCoding<ShopEvent>().encode(event, id: EventID())
        try await set.store(for: category).append([data], to: StreamID(category, "\(key)"))
    }

    /// Appends the events of an order to both logs.
    func order(_ key: Int) async throws {
        try await happens(.placed(cents: key), in: "order", key)
        try await happens(.paid(cents: key), in: "payment", key)
    }

    func ids(_ store: any EventStore, _ query: EventQuery = .all) async throws -> [EventID] {
        var ids: [EventID] = []
        for try await page in store.pages(query) { ids += page.events.map(\.id) }
        return ids
    }
}

/// The sums of what was ordered and paid.
struct Totals: Projection {
    let name = "totals"
    let version = 1
    let source = EventQuery.category("order").or(.category("payment"))
    let schema: [SQL] = [
        "CREATE TABLE \(table: "totals") (key TEXT PRIMARY KEY, cents BIGINT NOT NULL, events BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<ShopEvent>) -> [SQL] { [Self.change(event.payload)] }

    static func change(_ event: ShopEvent) -> SQL {
        let (key, cents) =
            switch event {
            case .placed(let cents): ("placed", cents)
            case .paid(let cents): ("paid", cents)
            }
        return """
            INSERT INTO \(table: "totals") AS t VALUES (\(key), \(cents), 1)
            ON CONFLICT (key) DO UPDATE SET cents = t.cents + excluded.cents, events = t.events + 1
            """
    }
}

/// A row of the sums.
struct Total: Decodable, Equatable {
    let key: String
    let cents: Int
    let events: Int
}

/// Ships an order when it is paid: its inputs come from two logs, and its command goes to one of them.
struct Delivery: ProcessManager {
    typealias Event = ShopEvent

    enum Request: Codable, Equatable, Sendable { case ship(order: String) }
    enum Effect: Codable, Equatable, Sendable { case none }
    enum Deadline: Codable, Hashable, Sendable { case none }

    static let name = "delivery"
    static let source = EventQuery.category("order").or(.category("payment"))

    static func correlate(_ event: Recorded<ShopEvent>) -> Correlation {
        let key = event.stream?.key ?? ""
        return switch event.payload {
        case .placed: .starts(key)
        case .paid: .joins(key, early: .held)
        }
    }

    var order = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { order = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        guard case .event(let event) = input, case .paid = event.payload else { return [] }
        return [.request(.ship(order: order)), .complete]
    }
}

/// A shipment, which refuses nothing: a doubled command would be a doubled event.
struct Shipment: Decider {
    enum Command: Sendable { case ship }
    enum Event: Codable, Equatable, Sendable { case shipped }
    enum Refusal: Error { case never }

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.shipped] }
    mutating func evolve(_ event: Event) {}
}
