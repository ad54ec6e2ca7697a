import SillokProjections
import SillokSQLite
import SillokSnapshots

let snapshotLessons = [
    Lesson("snapshots", "A long stream with snapshots, and without them") { try await LongStream().every() },
    Lesson("daily-snapshots", "A snapshot a day") { try await LongStream().daily() },
]

/// A stream of a thousand events, read with and without snapshots.
struct LongStream {
    /// The number of events that were read from the store since the last look.
    private let read = Guarded(0)
    private let outcomes = Guarded<[String]>([])
    private let time = Guarded<Timestamp>("2026-11-23T00:00:00Z")

    /// A log in which Kim has earned five points a thousand times.
    private func makeStore() async throws -> some EventStore {
        let (time, read) = (time, read)
        let log = MemoryEventStore(clock: WallClock { time.withLock { $0 } })
        let store = MeasuredEventStore(log) { measurement in
            if case .read(let events, _) = measurement { read.withLock { $0 += events } }
        }
        let points = CommandHandler<Points>("points", in: store)
        for _ in 1...10 { try await points.execute(Array(repeating: ("kim", .earn(5)), count: 100)) }
        return store
    }

    private func makeSnapshots(_ policy: SnapshotPolicy, in model: SQLiteReadModel) -> Snapshots {
        var policy = policy
        // The comparison with the replay would read events too, and this program counts what is read.
        policy.checkedShare = 0
        let outcomes = outcomes
        return Snapshots(in: model, policy) { measurement in outcomes.withLock { $0.append("\(measurement.outcome)") } }
    }

    /// Loads the state, and shows how many events that took, and what became of snapshots meanwhile.
    private func show(_ title: String, _ handler: CommandHandler<Points>, _ snapshots: Snapshots? = nil) async throws {
        read.withLock { $0 = 0 }
        let points = try await handler.state(of: "kim").state.points
        let events = read.withLock { $0 }
        await snapshots?.flush()
        let outcomes = outcomes.withLock { outcomes in
            defer { outcomes = [] }
            return outcomes
        }
        print((["\(title): \(points) points from \(events) events"] + outcomes).joined(separator: ", "))
    }

    func every() async throws {
        let store = try await makeStore()
        try await show("without snapshots", CommandHandler("points", in: store))

        let model = try SQLiteReadModel()
        let snapshots = makeSnapshots(.every(100), in: model)
        let handler = CommandHandler<Points>("points", in: store, options: .init(snapshots: snapshots))
        try await show("the first time", handler, snapshots)
        try await show("the second time", handler, snapshots)
        for _ in 1...10 { try await CommandHandler<Points>("points", in: store).execute(.earn(5), on: "kim") }
        try await show("ten events later", handler, snapshots)
        let report = try await snapshots.verify(Points.self, in: store)
        print("compared with the replay: \(report.checked), different: \(report.findings.count)")

        try await model.write(ReadModelWrite([.init("DELETE FROM sillok_snapshots")]))
        try await show("all snapshots deleted", handler, snapshots)
        try await show("and once more", handler, snapshots)
        await model.close()
    }

    func daily() async throws {
        let store = try await makeStore()
        let model = try SQLiteReadModel()
        let snapshots = makeSnapshots(.olderThan(.seconds(24 * 3600)), in: model)
        let handler = CommandHandler<Points>("points", in: store, options: .init(snapshots: snapshots))
        try await show("on the first day", handler, snapshots)
        time.withLock { $0 = "2026-11-24T00:00:00Z" }
        try await CommandHandler<Points>("points", in: store).execute(.redeem(1_000), on: "kim")
        try await show("a day later", handler, snapshots)
        try await show("and once more", handler, snapshots)
        await model.close()
    }
}
