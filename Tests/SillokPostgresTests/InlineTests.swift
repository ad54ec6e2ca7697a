import SillokConformance
import SillokProjections
#if Postgres
import SillokTesting
import Testing

@testable import SillokPostgres

/// The amounts of each account in the order of projection, so that a repeated or reordered event is visible.
private struct Amounts: Projection {
    enum Event: Codable, Sendable { case added(cents: Int), poisoned(cents: Int) }
    struct Poisoned: Error {}

    var name = "amounts"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "amounts") (
            account TEXT PRIMARY KEY, cents BIGINT NOT NULL CHECK (cents < 1000000000), steps TEXT NOT NULL)
        """
    ]

    func project(_ event: Recorded<Event>) throws -> [SQL] {
        guard case .added(let cents) = event.payload else { throw Poisoned() }
        return [
            """
            INSERT INTO \(table: "amounts") AS a VALUES (\(event.stream), \(cents), \("\(cents) "))
            ON CONFLICT (account) DO UPDATE SET cents = a.cents + excluded.cents, steps = a.steps || excluded.steps
            """
        ]
    }

    static func request(_ cents: Int, _ account: Int, type: EventType = "added") -> AppendRequest {
        AppendRequest([
            .init(stream: StreamID("account-\(account)"), event: EventData(type: type, text: "{\"cents\":\(cents)}"))
        ])
    }
}

/// Several processes' worth of one store, with a read model in the same database.
private struct Processes {
    let stores: [PostgresEventStore]
    let model: PostgresStoreReadModel
    let limits: Limits

    /// Opens what several processes would; `body` says which of them attach the rule.
    static func with(
        _ count: Int, limits: Limits = Limits(), _ body: (Processes) async throws -> Void
    ) async throws {
        let schema = TestServer.freshSchema("inline")
        var stores: [PostgresEventStore] = []
        for _ in 0..<count {
            stores.append(try await PostgresEventStore(TestServer.connection, schema: schema, limits: limits))
        }
        let model = try await stores[0].readModel(schema: "\(schema)_views")
        let result: Swift.Result<Void, any Error>
        do {
            result = .success(try await body(Processes(stores: stores, model: model, limits: limits)))
        } catch {
            result = .failure(error)
        }
        await model.close()
        for store in stores { await store.close() }
        try TestServer.drop(schema)
        try TestServer.drop("\(schema)_views")
        try result.get()
    }

    /// Attaches the rule in a process.
    func attach(_ number: Int, _ rule: Amounts = Amounts()) async throws {
        let own = try await stores[number].readModel(schema: model.schema)
        try await Projector(rule, .inline, from: stores[number], into: own).attach()
        await own.close()
    }

    func append(_ cents: Int, _ account: Int, by number: Int) async throws {
        _ = try await stores[number].append(Amounts.request(cents, account))
    }

    /// Expects that the rows are the fold of the log, and that the checkpoint agrees with it.
    func expectTold(_ location: SourceLocation = #_sourceLocation) async throws {
        var expected: [String: String] = [:]
        for try await page in stores[0].pages(.category("account")) {
            for event in page.events where event.type == "added" {
                let cents = event.payload.filter { (48...57).contains($0) }
                expected[event.stream?.text ?? "", default: ""] += String(decoding: cents, as: UTF8.self) + " "
            }
        }
        let rows = try await model.rows("SELECT account, steps FROM amounts")
        let found = Dictionary(rows.map { ($0["account"].text ?? "", $0["steps"].text ?? "") }) { $1 }
        #expect(found == expected, sourceLocation: location)
        let report = try await ReadSide(of: stores[0], in: model).verify("amounts")
        #expect(report.findings.isEmpty, sourceLocation: location)
        #expect(report.position == (try await stores[0].head()), sourceLocation: location)
    }
}

@Suite("PostgreSQL: inline projections", .serialized, .enabled(if: TestServer.isThere))
struct InlineTests {
    @Test func `two processes with the rule append in turn and at once, and no row is behind`() async throws {
        try await Processes.with(2) { processes in
            try await processes.attach(0)
            try await processes.attach(1)
            for cents in 1...20 {
                try await processes.append(cents, cents % 3, by: cents % 2)
                try await processes.expectTold()
            }
            // The same process again and again: it knows the end of the log.
            for cents in 1...20 { try await processes.append(cents, cents % 3, by: 0) }
            try await processes.expectTold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<40 {
                    group.addTask {
                        for cents in 1...10 { try await processes.append(cents, task, by: task % 2) }
                    }
                }
                try await group.waitForAll()
            }
            try await processes.expectTold()
            #expect(try await processes.stores[0].head().value == 440)
        }
    }

    @Test func `what a process without the rule appends is told with the next append of one that has it`() async throws
    {
        var limits = Limits()
        limits.pageEvents = 5
        try await Processes.with(2, limits: limits) { processes in
            try await processes.append(1, 0, by: 1)
            try await processes.attach(0)
            try await processes.expectTold()
            // Less than a page, several, and more than one transaction takes.
            for count in [1, 4, 5, 6, 40, 200] {
                for cents in 1...count { try await processes.append(cents, cents % 3, by: 1) }
                #expect(
                    try await ReadSide(of: processes.stores[0], in: processes.model).status().first?.behind
                        == UInt64(count))
                try await processes.append(7, 1, by: 0)
                try await processes.expectTold()
            }
            // Both at once.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<20 {
                    group.addTask {
                        for cents in 1...20 { try await processes.append(cents, task, by: task % 2) }
                    }
                }
                try await group.waitForAll()
            }
            try await processes.append(8, 1, by: 0)
            try await processes.expectTold()
        }
    }

    @Test func `what another process has stored and the rule cannot project refuses appends, until it is mended`()
        async throws
    {
        try await Processes.with(2) { processes in
            try await processes.attach(0)
            try await processes.append(1, 1, by: 0)
            let poison = Amounts.request(2, 1, type: "poisoned")
            await #expect {
                try await processes.stores[0].append(poison)
            } throws: { AppendError($0).underlyingError is InlineProjectionFailed }
            _ = try await processes.stores[1].append(poison)
            let head = try await processes.stores[1].head()
            let refusal =
                await #expect(throws: AppendError.self) {
                    try await processes.append(3, 1, by: 0)
                }?.underlyingError as? InlineProjectionFailed
            #expect(refusal?.event.position == head)
            #expect(try await processes.stores[0].head() == head)
            #expect(try await processes.model.rows("SELECT steps FROM amounts").map(\.values) == [["1 "]])
            // The process that has not attached it continues.
            try await processes.append(4, 2, by: 1)
        }
    }

    @Test func `a refused append takes no other of its group along, and conditions are judged without it`() async throws
    {
        try await Processes.with(2) { processes in
            try await processes.attach(0)
            try await processes.attach(1)
            var random = SeededGenerator(seed: Environment.seed)
            print("refused: seed \(Environment.seed)")
            let plan = (0..<40).map { _ in (0..<10).map { _ in Int.random(in: 0..<4, using: &random) } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (account, kinds) in plan.enumerated() {
                    group.addTask {
                        var revision: UInt64 = 0
                        for (index, kind) in kinds.enumerated() {
                            let store = processes.stores[account % 2]
                            // By the rule, by the database, or not at all.
                            var request = Amounts.request(
                                kind == 1 ? 2_000_000_000 : index, account, type: kind == 0 ? "poisoned" : "added")
                            request.condition = .revision(Revision(revision), of: StreamID("account-\(account)"))
                            do {
                                let receipt = try await store.append(request)
                                #expect(kind > 1)
                                revision += 1
                                #expect(receipt.revisions.values.first == Revision(revision))
                            } catch {
                                guard case AppendError.refused(let refusal) = error else { throw error }
                                #expect(kind <= 1)
                                #expect(refusal.event.id == request.entries[0].event.id)
                                #expect((refusal.cause is ChangeFailed) == (kind == 1))
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let stored = plan.joined().count { $0 > 1 }
            #expect(try await processes.stores[0].head().value == UInt64(stored))
            try await processes.expectTold()
        }
    }

    @Test func `connections that are ended in the middle leave rows that are the fold of the log`() async throws {
        try await Processes.with(3) { processes in
            try await processes.attach(0)
            try await processes.attach(1)
            var random = SeededGenerator(seed: Environment.seed)
            print("ended: seed \(Environment.seed)")
            let pauses = (0..<100).map { _ in Int.random(in: 5...150, using: &random) }
            let isDone = Lock(false)
            let ended = Task {
                var count = 0
                while !isDone.withLock({ $0 }) {
                    let rows = try TestServer.run(
                        """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE query LIKE '%\(processes.stores[0].schema)%' AND pid <> pg_backend_pid()
                        """)
                    count += Int(rows.text(0, 0)) ?? 0
                    try await Task.sleep(for: .milliseconds(pauses[count % pauses.count]))
                }
                return count
            }
            let appended = Task {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<30 {
                        group.addTask {
                            for cents in 1...20 { try await processes.append(cents, task, by: task % 3) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let result = await appended.result
            isDone.withLock { $0 = true }
            let count = try await ended.value
            try result.get()
            print("inline: \(count) connections ended")
            #expect(count > 0)
            try await processes.append(1, 1, by: 0)
            #expect(try await processes.stores[0].head().value == 601)
            try await processes.expectTold()
            #expect(try await processes.stores[0].verify().isSound)
        }
    }

    @Test func `an import with times of its own, and a rule in another schema, are told too`() async throws {
        try await Processes.with(1) { processes in
            let store = processes.stores[0]
            try await processes.attach(0)
            let other = try await store.readModel(schema: "\(processes.model.schema)_2")
            let seen = Lock<[RecordedEvent]>([])
            let id = ProjectionID("times", version: 1)
            let name = try await store.storeID().description
            try await other.write(
                ReadModelWrite([
                    .init(
                        """
                        INSERT INTO sillok_checkpoints VALUES ('times', 1, 1, 0, \(name), 0, 0, 0, 0, '', 0, 0, '')
                        """)
                ]))
            try await other.attach(
                InlineRule(id, source: .all) { event in
                    seen.withLock { $0.append(event) }
                    return []
                })
            var request = Amounts.request(1, 1)
            request.entries += Amounts.request(2, 2).entries + Amounts.request(3, 1).entries
            request.entries[0].recordedAt = Timestamp(microsecondsSince1970: 5)
            request.tracking = Tracking(source: "elsewhere", position: 9)
            _ = try await store.append(request)
            for cents in 4...8 { try await processes.append(cents, 2, by: 0) }
            let log = try await store.read(.all, after: .start, limit: 100).events
            #expect(log.count == 8 && log[0].recordedAt == Timestamp(microsecondsSince1970: 5))
            #expect(seen.withLock { $0 } == log)
            try await processes.expectTold()
            // A dropped build no longer runs within appends.
            try await other.write(ReadModelWrite([.init("DELETE FROM sillok_checkpoints")]))
            try await processes.append(9, 1, by: 0)
            #expect(seen.withLock { $0.count } == 8)
            try await processes.expectTold()
            let missing = await #expect(throws: StoreError.self) {
                try await other.attach(InlineRule(id, source: .all) { _ in [] })
            }
            #expect(missing?.code == .notFound)
            await other.close()
            try TestServer.drop(other.schema)
        }
    }

    @Test(arguments: EventStoreSuite.checks)
    func `the store keeps its promises with an inline projection, which tells all of it`(
        _ check: EventStoreSuite.Check
    ) async throws {
        let run = TestServer.freshSchema("suite")
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 4),
            open: { place in
                let store = try await PostgresEventStore(
                    TestServer.connection, schema: "\(run)_\(place.name)", limits: place.limits, clock: place.clock)
                try await Lengths.attach(to: store)
                return store
            },
            close: { store, _ in
                guard let store = store as? PostgresEventStore else { return }
                do {
                    try await Lengths.check(store)
                } catch let error as StoreError where error.code == .closed {
                    // The check has closed it, to see what it says.
                }
                await store.close()
            },
            remove: { place in
                try TestServer.drop("\(run)_\(place.name)")
                try TestServer.drop("\(run)_\(place.name)_v")
            })
        try await suite.run(check)
    }
}

/// An inline projection of all events: the number of events of each stream, and the position of the last one.
private enum Lengths {
    private static let id = ProjectionID("lengths", version: 1)

    static func attach(to store: PostgresEventStore) async throws {
        let model = try await store.readModel(schema: "\(store.schema)_v")
        let name = try await store.storeID().description
        try await model.write(
            ReadModelWrite(
                [
                    """
                    CREATE TABLE IF NOT EXISTS lengths_v1_lengths (
                        stream TEXT PRIMARY KEY, events BIGINT, revision BIGINT, position BIGINT)
                    """,
                    """
                    INSERT INTO sillok_checkpoints VALUES ('lengths', 1, 1, 0, \(name), 0, 0, 0, 0, '', 0, 0, '')
                    ON CONFLICT DO NOTHING
                    """,
                ].map { ReadModelWrite.Change($0) }))
        try await model.attach(
            InlineRule(id, source: .all) { event in
                let stream = event.stream?.text ?? "none"
                return [
                    """
                    INSERT INTO \(table: "lengths") AS l VALUES (\(stream), 1, \(event.revision), \(event.position))
                    ON CONFLICT (stream) DO UPDATE SET events = l.events + 1, revision = excluded.revision,
                        position = excluded.position
                    """
                ]
            })
        await model.close()
    }

    /// Expects that the rows match the log, with each event once.
    static func check(_ store: PostgresEventStore) async throws {
        var expected: [StreamID: [SQLValue]] = [:]
        var events: Int64 = 0
        for try await page in store.pages(.all) {
            for event in page.events {
                let stream = event.stream ?? "none"
                let before = expected[stream]?[0].integer ?? 0
                expected[stream] = [.integer(before + 1), event.revision.sqlValue, event.position.sqlValue]
                events += 1
            }
        }
        let model = try await store.readModel(schema: "\(store.schema)_v")
        let rows = try await model.rows("SELECT stream, events, revision, position FROM lengths_v1_lengths")
        let found = Dictionary(rows.map { (StreamID($0["stream"].text ?? ""), Array($0.values[1...])) }) { $1 }
        #expect(found == expected)
        let head = Int64(clamping: try await store.head().value)
        let standing = try await model.rows("SELECT position, count FROM sillok_checkpoints")
        #expect(standing.map(\.values) == [[.integer(head), .integer(events)]])
        await model.close()
    }
}
#endif
