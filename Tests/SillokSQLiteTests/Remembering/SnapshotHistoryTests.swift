import Sillok
import SillokHistory
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokSnapshots

/// SNP-1/2: for any snapshots, of any code, also damaged or lost: the state always equals the replay of the log.
@Suite struct SnapshotHistoryTests {
    @Test(arguments: Storage.tested)
    func `a state is the replay, through snapshots of random histories, releases, damage and restored stores`(
        on storage: Storage
    ) async throws {
        let seed = Environment.seed
        for round in 0..<Environment.count("SILLOK_SNAPSHOT_HISTORIES", default: 6) {
            var history = try await History(seed: seed &+ UInt64(round), on: storage)
            try await history.run()
            await history.model.close()
        }
    }

    @Test func `planted bug: reading the past one event off is caught`() async throws {
        var history = try await History(seed: Environment.seed, on: .sqlite)
        history.isOffByOne = true
        var isCaught = false
        try await history.run { isCaught = isCaught || !$0 }
        #expect(isCaught)
    }
}

private struct History {
    let seed: UInt64
    var random: SeededGenerator
    let place: Place
    let model: TestedModel
    var store: MemoryEventStore
    var isOffByOne = false
    let told = Told()
    let keys = ["1", "2", "\u{e9}", "e\u{301}"]

    init(seed: UInt64, on storage: Storage) async throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        place = Place(storage)
        model = try await place.freshModel()
        store = MemoryEventStore()
    }

    mutating func run(expecting: (Bool) -> Void = { _ in }) async throws {
        let interval = 1 + below(12, &random)
        let retained = 1 + below(4, &random)
        var release = Release()
        for _ in 0..<6 {
            switch below(6, &random) {
            case 0: release = Release(factor: release.factor + 1, foldVersion: release.foldVersion + 1)
            case 1: release.storedNames["other\(below(3, &random))"] = "others"
            case 2: try await damage()
            case 3: store = try await restored()
            default: break
            }
            var policy = SnapshotPolicy.every(interval).retaining(retained)
            policy.checkedShare = 3
            let snapshots = Snapshots(in: model, policy, onMeasurement: told.hear)
            let cache = Bool.random(using: &random) ? AggregateCache(states: 3) : nil
            var day = self
            try await Release.$current.withValue(release) { try await day.live(cache, snapshots, expecting) }
            random = day.random
        }
    }

    /// Commands through the handler and past it, and looks at now and at then.
    private mutating func live(
        _ cache: AggregateCache?, _ snapshots: Snapshots, _ expecting: (Bool) -> Void
    ) async throws {
        let handler = CommandHandler<Tally>("tally", in: store, options: .init(cache: cache, snapshots: snapshots))
        let elsewhere = CommandHandler<Tally>("tally", in: store)
        for _ in 0..<12 {
            let key = keys[below(keys.count, &random)]
            let writer = below(4, &random) == 0 ? elsewhere : handler
            for _ in 0...below(6, &random) {
                do {
                    try await writer.execute(.add(below(200, &random) - 60, note: "n\(below(4, &random))"), on: key)
                } catch is Tally.Refusal {}
            }
            if below(3, &random) == 0 { await snapshots.flush() }
            let plain = try await elsewhere.state(of: key)
            let kept = try await handler.state(of: key)
            check(kept.state == plain.state && kept.revision == plain.revision, expecting)
            try await lookBack(key, handler, expecting)
        }
        await snapshots.flush()
        #expect(try await snapshots.verify(Tally.self, in: store).findings.allSatisfy { $0.differences.isEmpty })
    }

    /// The state as of a random moment, against a fold of the events up to it.
    private mutating func lookBack(
        _ key: String, _ handler: CommandHandler<Tally>, _ expecting: (Bool) -> Void
    ) async throws {
        let all = try await store.read(.all).events
        guard let chosen = all.randomElement(using: &random) else { return }
        let moment: Moment =
            switch below(3, &random) {
            case 0: .position(chosen.position)
            case 1: .time(chosen.recordedAt)
            default: .revision(Revision(UInt64(below(20, &random))))
            }
        var (state, revision) = (Tally(), Revision.none)
        let coding = EventCoding<Tally.Event>()
        for event in all where event.stream == StreamID("tally", key) && moment.holds(event) {
            for event in try coding.decode(event) { state.evolve(event) }
            revision = event.revision
        }
        let asked = isOffByOne ? moment.off : moment
        let then = try await handler.state(of: key, at: asked)
        check(then.state == state && then.revision == revision, expecting)
        let past = try await store.past(at: chosen.position).state(of: Tally.self, StreamID("tally", key))
        let byPosition = try await handler.state(of: key, at: .position(chosen.position))
        check(past.state == byPosition.state && past.revision == byPosition.revision, expecting)
    }

    private func check(_ holds: Bool, _ expecting: (Bool) -> Void) {
        expecting(holds)
        if !isOffByOne { #expect(holds, "SILLOK_SEED=\(seed)") }
    }

    private mutating func damage() async throws {
        let changes: [SQL] = [
            "state = replace(state, '1', '2')", "events = events + 1", "position = position + 1", "checksum = 0",
            "fingerprint = '1/2/3'", "store = ''", "event = ''",
        ]
        let change = changes[below(changes.count, &random)]
        try? await model.write(
            ReadModelWrite([.init("UPDATE sillok_snapshots SET \(change) WHERE position % 2 = \(below(2, &random))")]))
    }

    /// The store restored from an older backup, which then gets other events.
    private mutating func restored() async throws -> MemoryEventStore {
        let events = try await store.read(.all).events
        let other = MemoryEventStore(id: try await store.storeID())
        for event in events.prefix(below(events.count + 1, &random)) {
            try await other.append([event.data], to: event.stream)
        }
        return other
    }
}

private func below(_ count: Int, _ random: inout SeededGenerator) -> Int { Int.random(in: 0..<count, using: &random) }

extension Moment {
    fileprivate func holds(_ event: RecordedEvent) -> Bool {
        switch self {
        case .position(let position): event.position <= position
        case .time(let time): event.recordedAt <= time
        case .revision(let revision): event.revision <= revision
        }
    }

    /// The bug: one before.
    fileprivate var off: Moment {
        switch self {
        case .position(let position): .position(position.previous)
        case .time(let time): .time(time.advanced(byMicroseconds: -1))
        case .revision(let revision): .revision(Revision(revision.value == 0 ? 0 : revision.value - 1))
        }
    }
}
