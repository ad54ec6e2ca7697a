import Foundation
import Sillok
import SillokProcesses
import SillokSQLite

/// An order is placed; its process requests a reservation, a payment and a shipment, and completes: 13 durable events,
/// as in `Peers/eventsourcing_processes.py`.
struct Checkout: ProcessManager {
    enum Event: Codable, Sendable { case placed(item: String, units: Int, cents: Int) }
    enum Request: Codable, Sendable { case reserve(order: String), pay(order: String), ship(order: String) }
    enum Effect: Codable, Sendable { case none }
    enum Deadline: Codable, Hashable, Sendable { case none }

    static let name = "checkout"
    static let source = EventQuery.category("order")
    static let eventsEach = 13

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    var order = ""

    mutating func evolve(_ input: Input) { if case .event(let event) = input { order = event.stream?.key ?? "" } }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event: [.request(.reserve(order: order))]
        case .request(.reserve, .accepted): [.request(.pay(order: order))]
        case .request(.pay, .accepted): [.request(.ship(order: order))]
        case .request(.ship, .accepted): [.complete]
        default: []
        }
    }
}

/// What answers the requests.
struct Answer: Decider {
    enum Command: Sendable { case give(request: String) }
    enum Event: Codable, Sendable { case given(request: String) }
    enum Refusal: Error { case isGiven }

    var isGiven = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        if isGiven { throw .isGiven }
        switch command {
        case .give(let request): return [.given(request: request)]
        }
    }

    mutating func evolve(_ event: Event) { isGiven = true }
}

/// Counts by name.
final class Tally: @unchecked Sendable {
    private let lock = NSLock()
    private var counts: [String: Int] = [:]

    func add(_ name: String) { lock.withLock { counts[name, default: 0] += 1 } }

    subscript(_ name: String) -> Int { lock.withLock { counts[name] ?? 0 } }
}

/// A store that counts what its users do.
final class CountingStore: ForwardingEventStore {
    let base: any EventStore
    let counts = Tally()

    init(_ base: any EventStore) { self.base = base }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let receipt = try await base.append(request)
        counts.add("appends")
        if request.entries.contains(where: { $0.event.type == "completed" }) { counts.add("completed") }
        if request.entries.contains(where: { $0.event.type == "deadlineFired" }) { counts.add("fired") }
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        counts.add("reads")
        return try await base.read(request)
    }

    func head() async throws -> Position {
        counts.add("heads")
        return try await base.head()
    }

    func event(_ id: EventID) async throws -> RecordedEvent? {
        counts.add("events")
        return try await base.event(id)
    }

    func stream(_ id: StreamID) async throws -> StreamFacts? {
        counts.add("streams")
        return try await base.stream(id)
    }
}

/// A read model that counts its queries and writes.
final class CountingModel: ReadModel {
    let base: any ReadModel
    let counts = Tally()

    init(_ base: any ReadModel) { self.base = base }

    func write(_ write: ReadModelWrite) async throws {
        counts.add("writes of the index")
        try await base.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        counts.add("queries of the index")
        return try await base.rows(query, of: projection)
    }
}

/// The shop: a store, and the runner of its process.
struct CheckoutShop {
    let store: SQLiteEventStore
    let counting: CountingStore
    let index: SQLiteReadModel
    let model: CountingModel
    let runner: ProcessRunner<Checkout>

    init(_ plan: Plan, partitions: Int) throws {
        store = try plan.store("processes")
        counting = CountingStore(store)
        index = try SQLiteReadModel(path: plan.fresh("process-index"))
        model = CountingModel(index)
        let (reservations, payments, shipments) = Self.handlers(counting)
        runner = ProcessRunner(
            Checkout.self, after: .start, in: counting, index: model, options: ProcessOptions(partitions: partitions)
        ) { request in
            switch request {
            case .reserve(let order): .execute(.give(request: "reserve"), on: order, with: reservations)
            case .pay(let order): .execute(.give(request: "pay"), on: order, with: payments)
            case .ship(let order): .execute(.give(request: "ship"), on: order, with: shipments)
            }
        } effects: { _ in
            EffectCall { _ in "" }
        }
    }

    private static func handlers(
        _ store: any EventStore
    ) -> (CommandHandler<Answer>, CommandHandler<Answer>, CommandHandler<Answer>) {
        (
            CommandHandler("reservation", in: store), CommandHandler("payment", in: store),
            CommandHandler("shipment", in: store)
        )
    }

    /// Places orders from 32 tasks.
    func place(_ count: Int) async throws {
        let coding = EventCoding<Checkout.Event>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<32 {
                group.addTask {
                    for number in stride(from: writer, to: count, by: 32) {
                        let placed = try coding.encode(.placed(item: "tea", units: 1, cents: 100 + number))
                        try await store.append([placed], to: StreamID("order", "\(number)"))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    func close() async {
        await index.close()
        await store.close()
    }
}
