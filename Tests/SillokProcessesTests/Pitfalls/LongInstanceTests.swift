import Sillok
import SillokCore
@testable import SillokProcessMachine
@testable import SillokProcesses
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

/// A counter of rings that asks for something after each hundredth, and can be stored.
private struct Bell: ProcessManager, Codable {
    enum Event: Codable, Sendable { case rung }
    enum Request: Codable, Sendable { case note(Int) }
    enum Effect: Codable, Sendable { case none }
    enum Deadline: Codable, Sendable { case quiet }

    static let name = "bell"
    static let source = EventQuery.category("tower")

    var rings = 0
    var notes = 0

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts("all") }

    mutating func evolve(_ input: Input) {
        switch input {
        case .event: rings += 1
        case .request(.note, .accepted): notes += 1
        default: break
        }
    }

    func react(to input: Input) -> [Step] {
        guard case .event = input else { return [] }
        let waits: [Step] = [.schedule(.quiet, after: .seconds(3600))]
        return rings % 100 == 0 ? waits + [.request(.note(rings))] : waits
    }
}

/// A process whose state is no JSON.
private struct Gauge: ProcessManager, Codable {
    typealias Event = Bell.Event
    typealias Request = Bell.Request
    typealias Effect = Bell.Effect
    typealias Deadline = Bell.Deadline

    static let name = "gauge"
    static let source = Bell.source

    var rings = 0
    var level = Double.nan

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts("all") }
    mutating func evolve(_ input: Input) { rings += 1 }
    func react(to input: Input) -> [Step] { [] }
}

private struct Note: Decider {
    enum Command: Sendable { case write }
    enum Event: Codable, Sendable { case written }
    enum Refusal: Error {}
    func decide(_ command: Command) throws(Refusal) -> [Event] { [.written] }
    mutating func evolve(_ event: Event) {}
}

/// A store that counts the events that are read.
private final class CountingReads: ForwardingEventStore {
    let base: any EventStore
    let count = Lock(0)

    init(_ base: any EventStore) { self.base = base }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let page = try await base.read(request)
        if request.query.items.contains(where: { $0.stream?.category == Bell.category }) {
            count.withLock { $0 += page.events.count }
        }
        return page
    }
}

@Suite(.timeLimit(.minutes(10))) struct LongInstanceTests {
    /// The number of inputs.
    private static let inputs = Environment.count("SILLOK_LONG_INSTANCE", default: 3000)

    private func runner(_ store: any EventStore, _ model: any ReadModel) -> ProcessRunner<Bell> {
        ProcessRunner(Bell.self, after: .start, in: store, index: model) { request in
            switch request {
            case .note(let number):
                .execute(.write, on: "\(number)", with: CommandHandler<Note>("note", in: store))
            }
        } effects: { _ in
            EffectCall { _ in "" }
        }
    }

    private func ring(_ count: Int, _ store: any EventStore) async throws {
        var left = count
        while left > 0 {
            let rings = try (0..<min(left, 500)).map { _ in try EventCoding<Bell.Event>().encode(.rung) }
            try await store.append(rings, to: "tower-1")
            left -= rings.count
        }
    }

    @Test("PRC-25: an input of a very long instance costs no more than one of a short one, also after a restart")
    func long() async throws {
        let clock = ManualClock()
        let store = CountingReads(MemoryEventStore(clock: clock.wallClock))
        let model = try SQLiteReadModel()
        let first = runner(store, model)
        try await ring(Self.inputs, store)
        try await first.catchUp()
        #expect(try await first.state(of: "all")?.rings == Self.inputs)
        let records = try #require(try await store.stream(Bell.stream(of: "all"))?.revision.value)
        #expect(try await first.status().longestInstance == records)
        // Each record is read a few times, and not once for each later input.
        #expect(store.count.withLock { $0 } <= Int(records) * 2)

        store.count.withLock { $0 = 0 }
        let elapsed = ContinuousClock.now
        let second = runner(store, model)
        try await second.prepare()
        let state = try #require(try await second.state(of: "all"))
        print("PRC-25: \(records) records, loaded in \(elapsed.duration(to: .now)) after a restart")
        #expect(state.rings == Self.inputs && state.notes == Self.inputs / 100)
        #expect(store.count.withLock { $0 } < 1000)
        // The instance is the one that its whole stream gives.
        let replayed = try await runner(store, SQLiteReadModel()).instances.load("all")
        let restored = try await second.instances.load("all")
        #expect(restored.state.rings == replayed.state.rings && restored.revision == replayed.revision)
        #expect(restored.waiting == replayed.waiting && restored.steps == replayed.steps)
        #expect(restored.handled == replayed.handled && restored.streams == replayed.streams)
        #expect(restored.order == replayed.order && restored.first == replayed.first)
        try await ring(3, store)
        try await second.catchUp()
        #expect(try await second.state(of: "all")?.rings == Self.inputs + 3)
    }

    @Test("PRC-25: an event that an instance has forgotten is known by the log")
    func forgotten() async throws {
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        try await ring(HandledEvents.limit + 200, store)
        let runner = runner(store, model)
        try await runner.catchUp()
        let head = try await store.head()
        let old = try #require(try await store.read(Bell.source).events.first)
        let instance = try await runner.instances.load("all")
        #expect(instance.mayHaveForgotten(old))
        let id = ProcessIndex<Bell>.id
        let work = ProcessTables(process: Bell.name).work
        let row: SQL = """
            INSERT INTO \(table: work) (id, key, kind, name, shard, look, position, due, attempts)
            VALUES (\(old.id.description), 'all', 'input', '', 0, 0, \(old.position), 0, 0)
            """
        try await model.write(ReadModelWrite([.init(row, of: id)]))
        try await within(.seconds(300)) { try await runner.catchUp() }
        #expect(try await store.head() == head)
        #expect(try await runner.status().waiting["input"] == nil)
    }

    @Test("PRC-25: an instance whose state cannot be stored as a snapshot continues")
    func withoutSnapshot() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        try await ring(600, store)
        let runner = ProcessRunner(Gauge.self, after: .start, in: store, index: model) { _ in
            .execute(.write, on: "all", with: CommandHandler<Note>("note", in: store))
        } effects: { _ in
            EffectCall { _ in throw EffectFailed("there is none") }
        }
        for _ in 0..<2 { try await runner.catchUp() }
        let instance = try await runner.instances.load("all")
        #expect(instance.parked == nil && instance.state.rings == 600)
    }

    @Test("PRC-25: a snapshot that is damaged, of another version, or of a log that went back is not used")
    func unusable() async throws {
        let model = try SQLiteReadModel()
        let store = MemoryEventStore()
        try await ring(800, store)
        let first = runner(store, model)
        try await first.catchUp()
        let id = ProcessIndex<Bell>.id
        let table = ProcessTables(process: Bell.name).snapshots
        let stored = try await model.rows("SELECT snapshot FROM \(table: table)", of: id)
        #expect(stored.count == 1)
        let text = try #require(stored.first?["snapshot"].text)
        let changed = text.replacing("\"rings\":", with: "\"rings\":1")
        #expect(changed != text)
        let change: SQL = "UPDATE \(table: table) SET snapshot = \(changed)"
        try await model.write(ReadModelWrite([.init(change, of: id)]))
        let second = runner(store, model)
        try await second.prepare()
        #expect(try await second.state(of: "all")?.rings == 800)
        // Another log: the place of the snapshot is not in it.
        let other = MemoryEventStore()
        try await ring(2, other)
        let third = InstanceStore<Bell>(
            store: other, source: first.instances.source, time: first.instances.time, cache: InstanceCache(limit: 10),
            snapshots: first.instances.snapshots)
        #expect(try await third.load("all").status == .unknown)
    }
}
