import Sillok
import SillokReadSide
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokSnapshots

@Suite struct SnapshotTests {
    @Test(arguments: Storage.tested)
    func `one is written every so many events, and the newest ones stay`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots(.every(5).retaining(2))
        let handler = bench.handler(snapshots)
        for _ in 0..<4 { try await bench.add(5, handler, snapshots) }
        #expect(try await bench.positions == [15, 20])
        #expect(bench.told.written == 4)
        #expect(try await handler.state(of: "1").state == bench.replay())
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `one is written when the last is old, by the time of events`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let clock = SettableClock()
        let store = MemoryEventStore(clock: clock.wallClock)
        let snapshots = bench.snapshots(.every(100, orOlderThan: .seconds(60)))
        let handler = CommandHandler<Tally>("tally", in: store, options: .init(snapshots: snapshots))
        for second in [0, 30, 59, 60, 61, 119, 120, 300] {
            clock.now = Timestamp(microsecondsSince1970: Int64(second) * 1_000_000)
            try await handler.execute(.add(1, note: "\(second)"), on: "1")
            await snapshots.flush()
        }
        #expect(try await bench.positions == [7, 8])
        #expect(bench.told.written == 3)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `a long stream is read from its snapshot on`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots(.every(50))
        try await bench.add(120, bench.handler(snapshots), snapshots)
        let counting = CountingStore(bench.store)
        let handler = CommandHandler<Tally>("tally", in: counting, options: .init(snapshots: snapshots))
        let (state, revision) = try await handler.state(of: "1")
        #expect(try await state == bench.replay() && revision == 120)
        // The last event of the snapshot is looked at once more.
        #expect(counting.events == 21)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `other code does not use it, and says why`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        try await bench.add(10, bench.handler(before), before)
        let used = bench.told.used
        let changes: [(Release, String)] = [
            (Release(factor: 2, foldVersion: 2), "the fold's version has changed"),
            (
                Release(storedNames: ["added": "plus", "removed": "minus", "other": "others"]),
                "the reading of its events has changed"
            ),
        ]
        for (release, reason) in changes {
            try await Release.$current.withValue(release) {
                let (kept, replayed) = (
                    try await bench.handler(bench.snapshots(.every(1000))).state(of: "1").state,
                    try await bench.replay()
                )
                #expect(kept == replayed)
            }
            #expect(bench.told.reasons.last == reason)
        }
        #expect(bench.told.used == used)
        _ = try await bench.handler(before).state(of: "1")
        #expect(bench.told.used == used + 1)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `planted bug: without a version the states of two releases are mixed`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        try await bench.add(10, bench.handler(before), before)
        let release = Release(factor: 2, foldVersion: 2)
        try await Release.$current.withValue(release) {
            let current = SnapshotVersion(of: Tally.self).description
            let blind = TroubledModel(inner: bench.model) { $0.pretending(current) }
            let planted = CommandHandler<Tally>(
                "tally", in: bench.store, options: .init(snapshots: Snapshots(in: blind, .every(1000))))
            let (mixed, replayed) = (try await planted.state(of: "1").state, try await bench.replay())
            #expect(mixed != replayed)
        }
        await bench.model.close()
    }

    @Test(
        arguments: ["state = state || ' '", "events = events + 1", "event = 'x'", "recorded_at = 1", "state = '{}'"],
        Storage.tested)
    func `one that was damaged is dropped with a reason`(damage: String, on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots(.every(5).retaining(3))
        let handler = bench.handler(snapshots)
        for _ in 0..<3 { try await bench.add(5, handler, snapshots) }
        try await bench.model.write(
            ReadModelWrite([.init("UPDATE sillok_snapshots SET \(raw: damage) WHERE position = 15")]))
        #expect(try await handler.state(of: "1").state == bench.replay())
        #expect(bench.told.reasons == ["it is corrupt"])
        await snapshots.flush()
        // The one before it is used, and the damaged one is gone.
        #expect(try await bench.positions.first == 5 && bench.told.used > 0)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `one that is ahead of a restored store, or of another store, is dropped`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots()
        try await bench.add(10, bench.handler(snapshots), snapshots)
        let id = try await bench.store.storeID()
        let restored = MemoryEventStore(id: id)
        for event in try await bench.store.read(.all, limit: 7).events {
            try await restored.append([event.data], to: event.stream)
        }
        let handler = CommandHandler<Tally>("tally", in: restored, options: .init(snapshots: snapshots))
        #expect(try await handler.state(of: "1").revision == 7)
        #expect(bench.told.reasons == ["it has events that its stream does not have, or belongs to another log"])
        await snapshots.flush()
        #expect(try await bench.positions.contains(10) == false)
        for number in 1...9 { try await handler.execute(.add(number, note: "another history"), on: "1") }
        let plain = CommandHandler<Tally>("tally", in: restored)
        #expect(try await handler.state(of: "1").state == plain.state(of: "1").state)

        let other = CommandHandler<Tally>("tally", in: MemoryEventStore(), options: .init(snapshots: snapshots))
        #expect(try await other.state(of: "1").revision == .none)
        #expect(bench.told.reasons.last == "it belongs to another store")
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `one of another history is not used without a look at the log after a read that failed`(
        on storage: Storage
    ) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots()
        try await bench.add(10, bench.handler(snapshots), snapshots)
        let restored = MemoryEventStore(id: try await bench.store.storeID())
        let plain = CommandHandler<Tally>("tally", in: restored)
        for number in 1...10 { try await plain.execute(.add(number, note: "another history"), on: "1") }
        let store = Interrupted(base: restored)
        let handler = CommandHandler<Tally>(
            "tally", in: store, options: .init(cache: AggregateCache(), snapshots: snapshots))
        await #expect(throws: StoreError.self) { try await handler.execute(.add(1, note: "lost"), on: "1") }
        store.isInterrupted.withLock { $0 = false }
        let outcome = try await handler.execute(.add(1, note: "kept"), on: "1")
        #expect(try await outcome.state == plain.state(of: "1").state)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `a read model that fails costs no command anything`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let broken = Snapshots(
            in: TroubledModel(inner: bench.model, fails: true), .every(1), onMeasurement: bench.told.hear)
        let handler = bench.handler(broken)
        for _ in 0..<10 { try await handler.execute(.add(3, note: "x"), on: "1") }
        await broken.flush()
        #expect(try await handler.state(of: "1").state == bench.replay())
        #expect(bench.told.written == 0 && bench.told.all.contains { if case .failed = $0 { true } else { false } })
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `a snapshot that is too large is not written`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        var policy = SnapshotPolicy.every(1)
        policy.maximumBytes = 10
        let snapshots = bench.snapshots(policy)
        try await bench.add(8, bench.handler(snapshots), snapshots)
        #expect(bench.told.written == 0)
        #expect(try await bench.positions.isEmpty)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `verify finds a fold that changed under the same version, and nothing rests on its snapshots any more`(
        on storage: Storage
    )
        async throws
    {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        try await bench.add(10, bench.handler(before), before)
        #expect(try await before.verify(Tally.self, in: bench.store) == .init(checked: 2, findings: []))
        try await Release.$current.withValue(Release(factor: 2)) {
            let snapshots = bench.snapshots()
            let report = try await snapshots.verify(Tally.self, in: bench.store)
            #expect(report.findings.count == 2)
            #expect(report.findings.first?.differences.contains { $0.hasPrefix("total is ") } == true)
            #expect(try await bench.handler(snapshots).state(of: "1").state == bench.replay())
            #expect(try await bench.positions.isEmpty)
        }
        await bench.model.close()
    }

    @Test("C4: verify removes wrong snapshots although too much waits in the background", arguments: Storage.tested)
    func removesAtOnce(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        try await bench.add(10, bench.handler(before), before)
        try await Release.$current.withValue(Release(factor: 2)) {
            let snapshots = bench.snapshots()
            let kind = Snapshots.Kind(of: Tally.self)
            let store = NamedStore(bench.store)
            let found: ReplayStart<Tally>? = await snapshots.find(kind, "tally-1", of: store, at: nil)
            let start = try #require(found)
            // The first piece works until the end. Behind it waits a snapshot that is no longer to be written.
            let (ends, end) = AsyncStream.makeStream(of: Void.self)
            let hasBegun = Lock(false)
            snapshots.work.add("first") {
                hasBegun.withLock { $0 = true }
                for await _ in ends {}
            }
            #expect(try await eventually { hasBegun.withLock { $0 } })
            snapshots.work.add("snapshot") { await snapshots.write(start, kind, "tally-1", of: store) }
            var number = 0
            while snapshots.work.add(StreamID("\(number)"), {}) { number += 1 }
            let verifying = Task { try await snapshots.verify(Tally.self, in: bench.store) }
            let areRemoved = try await eventually { try await bench.positions.isEmpty }
            #expect(areRemoved)
            if !areRemoved { end.finish() }
            #expect(try await verifying.value.findings.count == 2)
            end.finish()
            await snapshots.flush()
            #expect(try await bench.positions.isEmpty)
        }
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `the first that is used is compared in the background`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        try await bench.add(10, bench.handler(before), before)
        try await Release.$current.withValue(Release(factor: 2)) {
            let snapshots = bench.snapshots()
            let cached = CommandHandler<Tally>(
                "tally", in: bench.store, options: .init(cache: AggregateCache(), snapshots: snapshots))
            _ = try await cached.state(of: "1")
            await snapshots.flush()
            #expect(bench.told.reasons.contains { $0.hasPrefix("it differs from the replay of its events: ") })
            #expect(try await cached.state(of: "1").state == bench.replay())
        }
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `verify finds a property that was added under the same version`(on storage: Storage) async throws {
        let bench = try await SnapshotBench(storage)
        let before = bench.snapshots()
        let handler = CommandHandler<Counter>("tally", in: bench.store, options: .init(snapshots: before))
        for _ in 0..<5 { try await handler.execute(.count, on: "1") }
        await before.flush()
        let (old, new) = (Snapshots.Kind(of: Counter.self), Snapshots.Kind(of: CounterOfNextRelease.self))
        #expect(old.version == new.version)
        try await bench.rewrite { row, sum in
            "decider = \(new.decider), checksum = \(sum([new.decider] + row.dropFirst()))"
        }
        var policy = SnapshotPolicy.every(1000)
        policy.checkedShare = 0
        let snapshots = bench.snapshots(policy)
        let after = CommandHandler<CounterOfNextRelease>(
            "tally", in: bench.store, options: .init(snapshots: snapshots))
        // It decodes, and is wrong.
        #expect(try await after.state(of: "1").state.last == nil)
        let report = try await snapshots.verify(CounterOfNextRelease.self, in: bench.store)
        #expect(report.checked == 1 && report.findings.count == 1)
        #expect(report.findings.first?.differences.isEmpty == false)
        #expect(try await after.state(of: "1").state.last == 5)
        await bench.model.close()
    }

    @Test(arguments: Storage.tested)
    func `one that an older version of Sillok wrote is not used, and the next one replaces it`(
        on storage: Storage
    ) async throws {
        let bench = try await SnapshotBench(storage)
        let snapshots = bench.snapshots()
        try await bench.add(5, bench.handler(snapshots), snapshots)
        try await bench.model.write(
            ReadModelWrite([.init("UPDATE sillok_snapshots SET fingerprint = '1/2/3', began = 7, checksum = 8")]))
        let handler = bench.handler(bench.snapshots(.every(1000)))
        #expect(try await handler.state(of: "1").state == bench.replay())
        #expect(bench.told.reasons == ["another version of Sillok wrote it"])
        #expect(try await bench.positions == [5])
        try await bench.add(5, bench.handler(snapshots), snapshots)
        #expect(try await bench.positions == [6])
        await bench.model.close()
    }
}

/// Counts, and in the next release keeps the last number too, without a new version.
private struct Counter: SnapshottedDecider {
    enum Command: Sendable { case count }
    enum Event: Codable, Sendable { case counted(number: Int) }
    enum Refusal: Error {}

    static let foldVersion = 1
    private(set) var count = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.counted(number: count + 1)] }
    mutating func evolve(_ event: Event) { count += 1 }
}

private struct CounterOfNextRelease: SnapshottedDecider {
    typealias Command = Counter.Command
    typealias Event = Counter.Event
    typealias Refusal = Counter.Refusal

    static let foldVersion = 1
    private(set) var count = 0
    private(set) var last: Int?

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.counted(number: count + 1)] }
    mutating func evolve(_ event: Event) {
        guard case .counted(let number) = event else { return }
        (count, last) = (count + 1, number)
    }
}

/// Counts the events that are read.
private final class CountingStore: ForwardingEventStore {
    let base: any EventStore
    private let count = Lock(0)
    init(_ base: MemoryEventStore) { self.base = base }

    var events: Int { count.withLock { $0 } }
    func read(_ request: ReadRequest) async throws -> EventBatch {
        let batch = try await base.read(request)
        count.withLock { $0 += batch.events.count }
        return batch
    }
}

extension SQLRow {
    /// The row for a reader that ignores versions.
    fileprivate func pretending(_ version: String) -> SQLRow {
        let texts =
            ["decider", "subject", "event", "store"].map { self[$0].text ?? "" } + [
                version, self["state"].text ?? "",
            ]
        let numbers = ["position", "events", "recorded_at"].map { self[$0].integer ?? 0 }
        let sum = SnapshotRow.sum(texts, numbers)
        let changed: [String: SQLValue] = ["fingerprint": .text(version), "checksum": .integer(sum)]
        return SQLRow(columns: columns, values: columns.map { changed[$0] ?? self[$0] })
    }
}

/// A store that cannot be read for a while.
private struct Interrupted: ForwardingEventStore {
    let base: any EventStore
    let isInterrupted = Lock(true)

    func read(_ request: ReadRequest) async throws -> EventBatch {
        if isInterrupted.withLock({ $0 }) { throw StoreError(.unavailable, "the store is away.") }
        return try await base.read(request)
    }
}
