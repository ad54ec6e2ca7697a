import Logging
import Metrics
import MetricsTestKit
import ServiceLifecycle
import ServiceLifecycleTestKit
import SillokProcesses
import SillokProjections
import SillokSnapshots
import SillokSQLite
import SillokService
import Testing

private struct Notes: Projection {
    enum Event: Codable, Sendable { case noted(text: String) }

    let name = "notes"
    let version = 1
    let source = EventQuery.all
    let schema: [SQL] = ["CREATE TABLE \(table: "notes") (text TEXT NOT NULL)"]

    func project(_ event: Recorded<Event>) -> [SQL] {
        guard case .noted(let text) = event.payload else { return [] }
        return ["INSERT INTO \(table: "notes") VALUES (\(text))"]
    }
}

/// Does one thing for each note.
private struct Reminder: ProcessManager {
    typealias Event = Notes.Event

    enum Effect: Codable, Equatable, Sendable { case remind }
    enum Nothing: Codable, Hashable, Sendable { case nothing }
    typealias Request = Nothing
    typealias Deadline = Nothing

    static let name = "reminder"
    static let source = EventQuery.category("note")

    static func correlate(_ event: Recorded<Notes.Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] { if case .event = input { [.perform(.remind)] } else { [.complete] } }
}

private struct Unanswered: Error {}

private struct Silent: Decider {
    enum Event: Codable, Sendable { case nothing }
    enum Refusal: Error {}

    func decide(_ command: Int) throws(Refusal) -> [Event] { [] }

    mutating func evolve(_ event: Event) {}
}

@Suite struct ReadSideServiceTests {
    @Test func `a process runs next to projections, and its index is measured as one`() async throws {
        let monitor = ObjectiveMonitor([.lag(p99: .seconds(60), over: .seconds(3600))], logger: Logger(label: "test"))
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        let (calls, call) = AsyncStream<String>.makeStream()
        let reminders = ProcessRunner(Reminder.self, after: .start, in: store, index: model) { _ in
            .execute(0, on: "1", with: CommandHandler<Silent>("silent", in: store))
        } effects: { _ in
            EffectCall { attempt in
                call.yield(attempt.instance)
                return ""
            }
        }
        let notes = Projector(Notes(), from: MemoryEventStore(), into: model)
        let service = ReadSideService(notes, reminders, monitor: monitor)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                try await store.append([EventData(type: "noted", payload: Array(#"{"text":"a"}"#.utf8))], to: "note-7")
                #expect(await calls.first { _ in true } == "7")
                while try await reminders.readSide.objectives().count < 2 {
                    try await Task.sleep(for: .milliseconds(5))
                }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        #expect(try await reminders.readSide.objectives().map(\.subject).contains("process_reminder"))
        await model.close()
    }

    /// A process whose calls fail while the other side is down. Its kind of effect is paused after two calls.
    private static func reminders(
        in store: MemoryEventStore, _ model: SQLiteReadModel, _ isDown: Lock<Bool>
    ) -> ProcessRunner<Reminder> {
        ProcessRunner(Reminder.self, after: .start, in: store, index: model) { _ in
            .execute(0, on: "1", with: CommandHandler<Silent>("silent", in: store))
        } effects: { _ in
            var policy = EffectCall.Policy()
            (policy.failuresBeforePause, policy.pause) = (2, .milliseconds(1))
            policy.firstPauseOfKind = .milliseconds(500)
            return EffectCall(policy: policy) { _ in
                if isDown.withLock({ $0 }) { throw Unanswered() }
                return ""
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a process is measured, its objective is missed, and a kind of effect that is paused raises an alarm`()
        async throws
    {
        let metrics = TestMetrics()
        let (alarms, alarm) = AsyncStream<Alarm>.makeStream()
        let monitor = ObjectiveMonitor(
            [.steps(p99: .zero, over: .seconds(3600)), .parkedInstances(atMost: 0, over: .seconds(3600))],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: metrics
        ) { alarm.yield($0) }
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        let isDown = Lock(true)
        let reminders = Self.reminders(in: store, model, isDown)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ReadSideService(reminders, monitor: monitor).run() }
                for key in ["7", "8"] {
                    let note = EventData(type: "noted", payload: Array(#"{"text":"a"}"#.utf8))
                    try await store.append([note], to: StreamID("note", key))
                }
                var seen: [Alarm] = []
                for await next in alarms {
                    seen.append(next)
                    if next.kind == .paused(kind: "remind") {
                        if !next.isRaised { break }
                        isDown.withLock { $0 = false }
                    }
                }
                let paused = seen.filter { $0.kind == .paused(kind: "remind") }
                #expect(paused.map(\.isRaised) == [true, false] && paused.first?.subject == "process:reminder")
                #expect(paused.first?.description.contains("paused its effects of the kind remind: Unanswered") == true)
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        let statuses = monitor.statuses().filter { $0.subject == "process:reminder" }
        #expect(statuses.map(\.isMet) == [true, false])
        let process = [("process", "reminder")]
        #expect(try metrics.expectGauge("sillok_process_paused_kinds", process).values.contains(1))
        #expect(try metrics.expectCounter("sillok_process_retries_total", process).totalValue >= 2)
        let running = process + [("state", "running")]
        #expect(try metrics.expectGauge("sillok_process_instances", running).values.contains(2))
        await model.close()
    }

    @Test func `projections run as a service, are measured, and end when the server shuts down`() async throws {
        let metrics = TestMetrics()
        let monitor = ObjectiveMonitor(
            [.lag(p99: .seconds(60), over: .seconds(3600))], logger: Logger(label: "test"), metrics: metrics)
        let report = StoreMeasurement.reporter(metrics: metrics)
        let store = MeasuredEventStore(MemoryEventStore()) {
            monitor.record($0)
            report($0)
        }
        let model = try SQLiteReadModel()
        let notes = Projector(Notes(), from: store, into: model)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ReadSideService(notes, monitor: monitor).run() }
                let receipt = try await store.append([
                    EventData(type: "noted", payload: Array(#"{"text":"a"}"#.utf8))
                ])
                _ = try await notes.model(atLeast: receipt, within: .seconds(120))
                while try await notes.readSide.objectives().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        let reports = try await notes.readSide.objectives()
        #expect(reports.map(\.subject) == ["notes"])
        #expect(reports.allSatisfy { $0.isMet && $0.budgetLeft == 1 })
        let dimensions = [("projection", "notes")]
        #expect(try metrics.expectGauge("sillok_projection_lag_events", dimensions).lastValue != nil)
        #expect(try metrics.expectTimer("sillok_append_seconds").values.count == 1)
        await model.close()
    }

    @Test func `N4: a query before the first event finds the tables of a prepared service`() async throws {
        let model = try SQLiteReadModel()
        let service = ReadSideService(Projector(Notes(), from: MemoryEventStore(), into: model))
        await #expect(throws: StoreError.self) { try await model.rows("SELECT text FROM notes") }
        try await service.prepare()
        try await service.prepare()
        #expect(try await model.rows("SELECT text FROM notes").isEmpty)
        await model.close()
    }

    @Test func `every read model is measured, whatever number of projections it has`() async throws {
        let monitor = ObjectiveMonitor([.lag(p99: .seconds(60), over: .seconds(3600))], logger: Logger(label: "test"))
        let store = MemoryEventStore()
        let models = [try SQLiteReadModel(), try SQLiteReadModel()]
        let projectors = models.map { Projector(Notes(), from: store, into: $0) }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ReadSideService(projectors[0], projectors[1], monitor: monitor).run() }
                for projector in projectors {
                    while try await projector.readSide.objectives().isEmpty {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        for model in models { await model.close() }
    }

    @Test func `alarms are raised once and are over once`() throws {
        let metrics = TestMetrics()
        let monitor = ObjectiveMonitor(
            [.deadLetters(atMost: 2, over: .seconds(60))], logger: Logger(label: "test"), metrics: metrics)
        for count in [0, 1, 4, 5, 5] { monitor.record(.deadLetters(projection: "notes", count: count)) }
        #expect(
            try metrics.expectCounter("sillok_alarms_total", [("subject", "notes")]).totalValue == 2)
    }

    @Test func `snapshots are counted, and a reason is said once`() throws {
        let metrics = TestMetrics()
        let lines = Lock<[String]>([])
        let logger = Logger(label: "test") { _ in LinesHandler { line in lines.withLock { $0.append(line) } } }
        let record = SnapshotMeasurement.reporter(logger: logger, metrics: metrics)
        record(SnapshotMeasurement(decider: "Cart", .used))
        for subject in ["cart-1", "cart-2"] {
            let reason = "the fold's version has changed"
            record(SnapshotMeasurement(decider: "Cart", .ignored(subject: subject, reason: reason)))
        }
        record(SnapshotMeasurement(decider: "Cart", .failed("no space is left")))
        #expect(
            lines.withLock { $0 } == [
                "a snapshot of Cart for cart-1 is not used: the fold's version has changed",
                "a snapshot of Cart failed: no space is left",
            ])
        let ignored = [("decider", "Cart"), ("outcome", "ignored")]
        #expect(try metrics.expectCounter("sillok_snapshots_total", ignored).totalValue == 2)
    }
}

/// Hands over the lines of a log.
private struct LinesHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    let hear: @Sendable (String) -> Void

    init(_ hear: @escaping @Sendable (String) -> Void) { self.hear = hear }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { hear("\(event.message)") }
}
