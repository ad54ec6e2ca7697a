import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTestSupport
import SillokTesting

/// A store, an index, a bank and a clock that tests move.
final class World: Sendable {
    let clock: ManualClock
    let store: any EventStore
    /// The store of the stock and of the outcomes, if it is not the one of the orders.
    let other: (any EventStore)?
    let bank = Bank()
    let index: Lock<SQLiteReadModel>
    let ids = IDGenerator(random: SeededNumbers(seed: 7))
    private let folders: [TemporaryFolder]

    /// - Parameters:
    ///   - store: by default one in memory.
    ///   - clock: the clock of the store.
    ///   - other: the store of the stock and of the outcomes, if it is another one.
    ///   - folders: the folders of the stores, which are removed with this world.
    init(
        _ store: (any EventStore)? = nil, _ clock: ManualClock = ManualClock(), other: (any EventStore)? = nil,
        folders: [TemporaryFolder] = []
    ) throws {
        (self.clock, self.other, self.folders) = (clock, other, folders)
        self.store = store ?? MemoryEventStore(clock: clock.wallClock)
        index = Lock(try SQLiteReadModel())
    }

    /// A runner, by default over the store and the index of this world.
    func runner(
        over store: (any EventStore)? = nil, targets: (any EventStore)? = nil, index: (any ReadModel)? = nil,
        options: ProcessOptions = World.options, policy: EffectCall.Policy = World.policy, hasLookUp: Bool = true,
        charge: (@Sendable (Checkout.Effect, EffectAttempt) async throws -> String)? = nil
    ) -> ProcessRunner<Checkout> {
        let used = store ?? self.store
        let (stock, outcomes) = World.handlers(targets ?? other ?? used)
        let (bank, log) = (bank, self.store)
        return ProcessRunner(
            Checkout.self, after: .start, in: used, index: index ?? self.index.withLock { $0 }, options: options
        ) { request in
            switch request {
            case .reserve(let item, let units, let order):
                .execute(.reserve(units: units, order: order), on: item, with: stock)
            case .release(let item, let units, let order):
                .execute(.release(units: units, order: order), on: item, with: stock)
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            case .cancel(let order, let reason): .execute(.cancel(reason: reason), on: order, with: outcomes)
            }
        } effects: { effect in
            let call: @Sendable (EffectAttempt) async throws -> String = { attempt in
                // A store that does not answer now proves nothing.
                let records = try? await log.read(.stream(Checkout.stream(of: attempt.instance))).events
                if let records { bank.note(attempt, records: records) }
                if let charge { return try await charge(effect, attempt) }
                return try bank.call(effect, key: attempt.idempotencyKey)
            }
            if !hasLookUp { return EffectCall(policy: policy, call) }
            return EffectCall(policy: policy, lookUp: { bank.find($0.idempotencyKey) }, call)
        }
    }

    static func handlers(_ store: any EventStore) -> (CommandHandler<Stock>, CommandHandler<Outcome>) {
        (CommandHandler("stock", in: store), CommandHandler("outcome", in: store))
    }

    static var options: ProcessOptions {
        var options = ProcessOptions(pollInterval: .milliseconds(20))
        options.random = { SeededNumbers(seed: 1) }
        options.longestPause = .milliseconds(50)
        return options
    }

    static var policy: EffectCall.Policy {
        var policy = EffectCall.Policy()
        policy.attempts = 3
        policy.pause = .seconds(1)
        return policy
    }

    // MARK: What happens in the shop

    func stock(_ item: String, _ units: Int) async throws {
        let data = try EventCoding<Stock.Event>().encode(.stocked(units: units), id: ids.next())
        try await (other ?? store).append([data], to: StreamID("stock", item))
    }

    @discardableResult
    func happens(
        _ event: ShopEvent, to order: String, in category: StreamCategory = "order", after hops: Int = 0
    ) async throws -> EventID {
        var data = try EventCoding<ShopEvent>().encode(event, id: ids.next())
        if hops > 0 { data.metadata.hops = hops }
        try await store.append([data], to: StreamID(category, order))
        return data.id
    }

    func place(_ order: String, units: Int = 1) async throws {
        try await happens(.placed(item: "tea", units: units, cents: 500), to: order)
    }

    func pay(_ order: String) async throws { try await happens(.paid(cents: 500), to: order, in: "payment") }

    /// Runs until nothing is left to do at this time, also what a failure postponed.
    func settle(_ runner: ProcessRunner<Checkout>) async throws {
        for _ in 0..<6 {
            try await runner.catchUp()
            clock.advance(by: .seconds(5))
        }
        try await runner.catchUp()
    }

    // MARK: What the log says

    func records(_ order: String) async throws -> [(record: ProcessRecord, event: RecordedEvent)] {
        var found: [(ProcessRecord, RecordedEvent)] = []
        for try await page in store.pages(.stream(Checkout.stream(of: order))) {
            for event in page.events {
                for record in try ProcessRecord.coding.decode(event) { found.append((record, event)) }
            }
        }
        return found
    }

    func names(_ order: String) async throws -> [String] { try await records(order).map { $0.event.type.text } }

    func outcome(_ order: String, in other: (any EventStore)? = nil) async throws -> String {
        let page = try await (other ?? self.other ?? store).read(.stream(StreamID("outcome", order)))
        return page.events.map(\.type.text).joined(separator: " ")
    }

    func stockEvents(in other: (any EventStore)? = nil) async throws -> [String] {
        try await (other ?? self.other ?? store).read(.category("stock")).events.map(\.type.text)
    }
}

/// Random numbers that a seed repeats.
struct SeededNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
