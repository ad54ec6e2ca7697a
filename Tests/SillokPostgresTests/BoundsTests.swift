#if Postgres
import Sillok
import SillokCore
import SillokSQL
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokPostgres

/// W1 and W2: every request has a budget of steps, and the rarest part of a query decides what it costs.
@Suite("PostgreSQL: bounds", .serialized, .enabled(if: TestServer.isThere))
struct BoundsTests {
    private static let never = EventQuery.tags("half:a", "half:b")

    /// A store with events that have one of two tags, and no event with both.
    private func withHalves(
        _ count: Int = 3000, condition: Int = 100_000, page: Int = 200_000,
        _ body: (PostgresEventStore) async throws -> Void
    ) async throws {
        var limits = Limits()
        (limits.conditionSteps, limits.pageSteps) = (condition, page)
        try await withStore(limits: limits) { store in
            for start in stride(from: 0, to: count, by: 1000) {
                try await store.append(
                    (start..<min(count, start + 1000)).map { tagged($0 % 2 == 0 ? "half:a" : "half:b", "common") })
            }
            try await body(store)
        }
    }

    private func tagged(_ tags: EventTag...) -> EventData { EventData(type: "noted", tags: tags, text: "1") }

    @Test("W1: a condition of two frequent tags that never meet is refused with its name, and takes no lock")
    func expensiveCondition() async throws {
        try await withHalves(condition: 1000) { store in
            let head = try await store.head()
            let holder = try Connection(ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing)
            _ = try holder.run([.begin, Query("SELECT FROM \"\(store.schema)\".store FOR UPDATE")])
            let isDone = Lock(false)
            let appending = Task {
                defer { isDone.withLock { $0 = true } }
                return try await store.append([tagged("new")], if: .absent(Self.never))
            }
            // It has to end while another session holds the lock, and so the writer.
            var waits = false
            while !waits, !isDone.withLock({ $0 }) { waits = try waiting(store) > 0 }
            _ = try holder.run(.rollback)
            let error = await #expect(throws: AppendError.self) { try await appending.value }?.failure
            #expect(!waits && error?.code == .tooExpensive && error?.outcome == .definite)
            #expect(error?.message.contains("half:a") == true && error?.message.contains("half:b") == true)
            #expect(try await store.head() == head)
        }
    }

    @Test("W1: a writer that does not know the log judges no expensive condition under the lock")
    func unknownHead() async throws {
        try await withHalves(12_000, condition: 1000) { store in
            var limits = Limits()
            limits.conditionSteps = 100_000
            let other = try await PostgresEventStore(TestServer.connection, schema: store.schema, limits: limits)
            // What a group may take under the lock does not suffice, what a reader may take does.
            let verdicts = writer(store, limits).carryOut([
                .append(
                    PreparedAppend(AppendRequest([.init(stream: nil, event: tagged("new"))], if: .absent(Self.never))))
            ])
            guard case .judged(let verdict) = try verdicts[0].get(), case .undecided = verdict.status else {
                Issue.record("the condition was judged under the lock")
                return
            }
            #expect(try await other.append([tagged("new")], if: .absent(Self.never)).position == 12_001)
            // What was judged before the lock is judged again for what came after.
            try await store.append([tagged("half:a", "half:b")])
            let conflict =
                await #expect(throws: AppendError.self) {
                    try await other.append([tagged("new")], if: .absent(Self.never))
                }?.underlyingError as? AppendConflict
            #expect(conflict?.events.map(\.position) == [12_002])
            await other.close()
        }
    }

    private func writer(_ store: PostgresEventStore, _ limits: Limits) -> Writer {
        let session = Session(
            ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing, timeout: .seconds(15))
        return Writer(session, limits: limits, clock: .system)
    }

    @Test("W1: an append that was made before is found although its condition has become too expensive")
    func repeated() async throws {
        try await withHalves(condition: 1000) { store in
            let cheap = try await PostgresEventStore(TestServer.connection, schema: store.schema)
            let request = AppendRequest([.init(stream: nil, event: tagged("new"))], if: .absent(Self.never))
            let receipt = try await cheap.append(request)
            #expect(try await store.append(request) == receipt)
            await cheap.close()
        }
    }

    @Test("W1: equal items of a condition are judged once")
    func equalItems() async throws {
        // Enough for one item: about three steps for each of 3,000 events.
        try await withHalves(condition: 20_000) { store in
            let items = (0..<100).map {
                EventQuery.Item(tags: $0 % 2 == 0 ? ["half:a", "half:b"] : ["half:b", "half:a"])
            }
            let condition = AppendCondition(unchanged: (0..<20).map { _ in .init(EventQuery(items), since: .start) })
            let receipt = try await store.append([tagged("new")], if: condition)
            #expect(receipt.position == 3001)
        }
    }

    @Test("W1: a page that finds nothing is cut short, and returns how far it searched")
    func cutPages() async throws {
        try await withHalves(page: 2000) { store in
            let last = try await store.append([tagged("half:a", "half:b")]).position
            for direction in [ReadRequest.Direction.forward, .backward] {
                var (pages, found, through): (Int, [Position], [Position]) = (0, [], [])
                for try await page in store.pages(ReadRequest(Self.never, direction: direction)) {
                    pages += 1
                    found += page.events.map(\.position)
                    through.append(page.through)
                }
                #expect(found == [last])
                #expect(pages > 3 && pages < 100)
                #expect(through == (direction == .forward ? through.sorted() : through.sorted().reversed()))
                #expect(Set(through).count == pages)
            }
        }
    }

    @Test("W1: a cancelled read ends the work of the server, and of those that wait behind it")
    func cancelled() async throws {
        try await withHalves(1000) { store in
            let holder = try Connection(ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing)
            _ = try holder.run([.begin, Query("LOCK TABLE \"\(store.schema)\".events")])
            // Three are executed and wait for the lock of the table, the others wait for a connection.
            let reading = (0..<12).map { number in
                Task { try await store.read(.tags("half:a", "common"), after: Position(UInt64(number))) }
            }
            #expect(try await eventually { try waiting(store) == 3 })
            for task in reading { task.cancel() }
            for task in reading { await #expect(throws: CancellationError.self) { try await task.value } }
            // The lock is still held: the statements end only because they are cancelled.
            #expect(try await eventually { try waiting(store) == 0 })
            _ = try holder.run(.rollback)
            #expect(try await store.read(.tags("half:a", "common")).events.count == 500)
        }
    }

    private func waiting(_ store: PostgresEventStore) throws -> Int {
        try TestServer.run(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position('\(store.schema)' IN query) > 0"
        ).count
    }

    @Test("W2: the rarest part drives a query in any written order", arguments: [false, true])
    func rarest(isReversed: Bool) async throws {
        try await withHalves(condition: 200, page: 400) { store in
            let rare = try await store.append([tagged("common", "rare")]).position
            try await store.append((0..<500).map { _ in tagged("common") })
            func query(_ tags: EventTag...) -> EventQuery {
                EventQuery([.init(types: ["noted"], tags: isReversed ? tags.reversed() : tags)])
            }
            // One page, although the frequent parts alone have many times more entries than its steps.
            for direction in [ReadRequest.Direction.forward, .backward] {
                let page = try await store.read(ReadRequest(query("rare", "common"), direction: direction))
                #expect(page.events.map(\.position) == [rare] && page.isEnd)
                let none = try await store.read(ReadRequest(query("common", "nowhere"), direction: direction))
                #expect(none.events.isEmpty && none.isEnd)
            }
            try await store.append([tagged("new")], if: .absent(query("common", "nowhere")))
            let conflict =
                await #expect(throws: AppendError.self) {
                    try await store.append([tagged("new")], if: .absent(query("rare", "common")))
                }?.underlyingError as? AppendConflict
            #expect(conflict?.events.map(\.position) == [rare])
        }
    }

    @Test("W1: a condition on very many streams is refused, and a query of the application is cancelled on the server")
    func manyStreamsAndQueries() async throws {
        try await withHalves(1, condition: 1000) { store in
            let revisions = Dictionary(uniqueKeysWithValues: (0..<200).map { (StreamID("s", "\($0)"), Revision.none) })
            let error = await #expect(throws: AppendError.self) {
                try await store.append([tagged("new")], if: .revisions(revisions))
            }?.failure
            #expect(error?.code == .tooExpensive && error?.outcome == .definite)
            let model = try await PostgresReadModel(TestServer.connection, schema: "\(store.schema)_views")
            let asking = Task { try await model.rows("SELECT pg_sleep(60), '\(raw: store.schema)'") }
            let sleeping = "wait_event = 'PgSleep' AND position('\(store.schema)' IN query) > 0"
            func count() throws -> Int { try TestServer.run("SELECT FROM pg_stat_activity WHERE \(sleeping)").count }
            #expect(try await eventually { try count() == 1 })
            asking.cancel()
            await #expect(throws: CancellationError.self) { try await asking.value }
            #expect(try await eventually { try count() == 0 })
            await model.close()
            try TestServer.drop("\(store.schema)_views")
        }
    }

    @Test("W2: both orders take the same steps")
    func steps() async throws {
        try await withHalves { store in
            try await store.append([tagged("common", "rare")])
            func steps(_ tags: String, _ function: String) throws -> Int {
                let call = "\"\(store.schema)\".\(function)(NULL, NULL, NULL, ARRAY[\(tags)], 0, 4000, 100, 100000)"
                return Int(try TestServer.run("SELECT steps FROM \(call)").text(0, 0)) ?? .max
            }
            for function in ["matches_after", "matches_before"] {
                let first = try steps("'rare', 'common'", function)
                #expect(try first == steps("'common', 'rare'", function) && first < 60)
                #expect(try steps("'common', 'nowhere'", function) < 30)
            }
        }
    }
}
#endif
