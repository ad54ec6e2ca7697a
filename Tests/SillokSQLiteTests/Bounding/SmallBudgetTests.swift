import Foundation
import Sillok
import SillokCore
import SillokConformance
import SillokIndex
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// For every number of steps, pages and verdicts are those of a plain look at every event.
@Suite struct SmallBudgetTests {
    private static let tags: [EventTag] = ["t:1", "t:2", "t:3", "t:4"]
    private static let types: [EventType] = ["x", "y"]
    private let folder = TemporaryFolder()

    private static func drawnEntries(_ count: Int, _ random: inout SeededGenerator) -> [AppendRequest.Entry] {
        (0..<count).map { number in
            let some = tags.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
            let stream = StreamID(
                "\(["a", "b"][Int.random(in: 0..<2, using: &random)])-\(Int.random(in: 0..<3, using: &random))")
            return entry(
                number, in: Int.random(in: 0..<5, using: &random) == 0 ? nil : stream,
                type: types[Int.random(in: 0..<2, using: &random)], tags: some)
        }
    }

    private static func drawnItem(_ random: inout SeededGenerator) -> EventQuery.Item {
        var item = EventQuery.Item()
        item.tags = tags.filter { _ in Bool.random(using: &random) }
        if Int.random(in: 0..<12, using: &random) == 0 { item.tags.append("nowhere") }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: item.stream = StreamID("a-\(Int.random(in: 0..<4, using: &random))")
        case 1: item.category = "b"
        default: break
        }
        item.types = types.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        return item
    }

    /// The same item with its tags in every order.
    private static func orders(of item: EventQuery.Item) -> [EventQuery.Item] {
        item.tags.permutations.map {
            EventQuery.Item(stream: item.stream, category: item.category, types: item.types, tags: $0)
        }
    }

    /// The steps to try: every small number, and some larger ones.
    private static let steps = Array(1...24) + [31, 32, 33, 50, 64, 100, 257, 1_000, 100_000]

    @Test("W1, W2: pages of every small number of steps, joined, are the whole answer in both directions")
    func joinedPages() async throws {
        var random = SeededGenerator.printed("pages of few steps")
        for tuning in [Tuning(), .tiny] {
            let entries = Self.drawnEntries(300, &random)
            let log = try await Budgeted(entries, tuning: tuning)
            defer { withExtendedLifetime(log) {} }
            let reader = try log.reader()
            let events = try reader.pages(of: ReadRequest(.all), steps: 1_000_000).flatMap(\.events)
            #expect(events.count == 300)
            for _ in 0..<12 {
                let items = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.drawnItem(&random) }
                let orders = Self.orders(of: items[0])
                for (index, steps) in Self.steps.enumerated() {
                    let query = EventQuery([orders[index % orders.count]] + items.dropFirst())
                    try Self.compare(query, steps, events, reader, &random)
                }
            }
        }
    }

    private static func compare(
        _ query: EventQuery, _ steps: Int, _ events: [RecordedEvent], _ reader: EventReader,
        _ random: inout SeededGenerator
    ) throws {
        let low = Bool.random(using: &random) ? UInt64.random(in: 0...300, using: &random) : nil
        let high = Bool.random(using: &random) ? UInt64.random(in: 1...302, using: &random) : nil
        let matching = events.filter { event in
            query.matches(event) && (low.map { event.position.value > $0 } ?? true)
                && (high.map { event.position.value < $0 } ?? true)
        }.map(\.position.value)
        for direction in [ReadRequest.Direction.forward, .backward] {
            let request = ReadRequest(
                query, after: low.map { .position(Position($0)) }, before: high.map { .position(Position($0)) },
                direction: direction, limit: Int.random(in: 1...400, using: &random))
            let pages = try reader.pages(of: request, steps: steps)
            let found = pages.flatMap(\.events).map(\.position.value)
            #expect(found == (direction == .forward ? matching : matching.reversed()), "\(request) with \(steps) steps")
            var edge = direction == .forward ? low ?? 0 : high ?? 301
            for page in pages.dropLast() {
                let (through, isForward) = (page.through.value, direction == .forward)
                #expect(isForward ? through > edge : through < edge, "no progress: \(request) with \(steps) steps")
                #expect(isForward ? through < high ?? 302 : through > low ?? 0, "beyond its bounds: \(request)")
                edge = through
            }
        }
    }

    @Test("W1, W2: a condition has the verdict of the plain model, or none, for every small number of steps")
    func verdicts() async throws {
        var random = SeededGenerator.printed("verdicts of few steps")
        for tuning in [Tuning(), .tiny] {
            let log = try await Budgeted(Self.drawnEntries(300, &random), tuning: tuning)
            defer { withExtendedLifetime(log) {} }
            let reader = try log.reader()
            let events = try reader.pages(of: ReadRequest(.all), steps: 1_000_000).flatMap(\.events)
            for _ in 0..<60 {
                let condition = Self.drawnCondition(events, &random)
                let held = UInt64.random(in: 0...300, using: &random)
                let broken = Self.isBroken(condition, events)
                let heldThere = !Self.isBroken(condition, Array(events.prefix(Int(held))))
                var decided = 0
                for steps in Self.steps {
                    var judged = JudgedCondition(condition)
                    if heldThere { judged.heldThrough = Int64(held) }
                    let verdict = try reader.connection.reading {
                        try ConditionJudge(reader, head: 300, limits: Limits(), StepBudget(steps: steps)).verdict(
                            on: judged)
                    }
                    switch verdict {
                    case .holds: #expect(!broken, "\(condition) with \(steps) steps")
                    case .conflict(let conflict):
                        #expect(broken, "\(condition) with \(steps) steps")
                        #expect(conflict.events.allSatisfy { Self.breaks($0, condition, events) })
                        #expect(conflict.head == 300 && (!conflict.streams.isEmpty || !conflict.events.isEmpty))
                    case .undecided: continue
                    }
                    decided += 1
                }
                #expect(decided > 0, "\(condition) is never decided")
            }
        }
    }

    private static func drawnCondition(_ events: [RecordedEvent], _ random: inout SeededGenerator) -> AppendCondition {
        var condition = AppendCondition()
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let stream = StreamID("a-\(Int.random(in: 0..<4, using: &random))")
            let actual = events.last { $0.stream == stream }?.revision ?? .none
            condition.revisions[stream] = Bool.random(using: &random) ? actual : actual.next
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let items = (0..<Int.random(in: 0...3, using: &random)).map { _ in drawnItem(&random) }
            let since = Position(UInt64.random(in: 200...300, using: &random))
            condition.unchanged.append(.init(EventQuery(items), since: since))
        }
        return condition
    }

    /// Whether a condition does not hold at the end of a log, by looking at all of it.
    private static func isBroken(_ condition: AppendCondition, _ events: [RecordedEvent]) -> Bool {
        condition.revisions.contains { stream, expected in
            expected.value != UInt64(events.count { $0.stream == stream })
        }
            || events.contains { event in
                condition.unchanged.contains { event.position > $0.since && $0.query.matches(event) }
            }
    }

    private static func breaks(_ event: RecordedEvent, _ condition: AppendCondition, _ events: [RecordedEvent]) -> Bool
    {
        condition.unchanged.contains { event.position > $0.since && $0.query.matches(event) }
            || (event.stream.flatMap { condition.revisions[$0] }.map { event.revision > $0 } ?? false)
    }

    @Test(
        "W1, W2: random operations on a store of few steps answer what the reference model answers",
        arguments: [1, 2, 3, 7, 40])
    func referenceModel(steps: Int) async throws {
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 60),
            open: { place in
                var (limits, tuning) = (place.limits, Tuning.tiny)
                limits.pageSteps = steps
                tuning.writerSteps = steps
                return try SQLiteEventStore(
                    path: folder(place.name), mode: .create, limits: limits, clock: place.clock, tuning: tuning)
            },
            close: { store, _ in await (store as? SQLiteEventStore)?.close() },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder(place.name + suffix))
                }
            })
        try await suite.run(EventStoreSuite.randomCheck)
        let memory = EventStoreSuite(sequences: 100) { place in
            var limits = place.limits
            limits.pageSteps = steps
            return MemoryEventStore(limits: limits, clock: place.clock)
        }
        try await memory.run(EventStoreSuite.randomCheck)
    }

    @Test(
        "W1: a store whose conditions are all judged outside the writer keeps its promises",
        arguments: EventStoreSuite.checks)
    func judgedOutside(_ check: EventStoreSuite.Check) async throws {
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 30),
            open: { place in
                var tuning = Tuning()
                tuning.writerSteps = 1
                tuning.groupSteps = 1
                return try SQLiteEventStore(
                    path: folder(place.name), mode: .create, limits: place.limits, clock: place.clock,
                    tuning: tuning)
            },
            close: { store, _ in await (store as? SQLiteEventStore)?.close() },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder(place.name + suffix))
                }
            })
        try await suite.run(check)
    }
}
