#if Postgres
import Sillok
import SillokPostgresSchema
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokPostgres

/// What `verify` finds of progress in other logs, and when it ends.
@Suite("PostgreSQL: verify", .serialized, .enabled(if: TestServer.isThere), .timeLimit(.minutes(10)))
struct VerificationTests {
    @Test(
        "C23: progress without an event is sound on PostgreSQL too, and a change of it is found",
        arguments: [
            "UPDATE %.tracking SET position = position + 1", "UPDATE %.tracking SET position = position - 1",
            "UPDATE %.tracking SET position = 99 WHERE source = 'idle'", "DELETE FROM %.tracking",
            "UPDATE %.tracked_alone SET position = position + 1 WHERE source = 'event first'",
            "DELETE FROM %.tracked_alone",
        ])
    func progressAlone(_ sql: String) async throws {
        try await withStore { store in
            try await store.trackThreeSources()
            let sound = try await store.verify()
            #expect(sound.isSound, "\(sound.findings.map(\.description))")
            try TestServer.run(sql.replacing("%", with: "\"\(store.schema)\""))
            #expect(try await !store.verify().isSound)
        }
    }

    @Test("C23: a schema of an earlier version keeps its progress, and its roles may read and record it")
    func earlierSchema() async throws {
        let schema = TestServer.freshSchema()
        let address = ServerAddress(text: TestServer.connection, schema: schema)
        let older = try Connection(address, for: .writing)
        let steps = Array(Step.all.prefix(7))
        _ = try Installation(address: address, connection: older, steps: steps)
            .prepare(mayInstall: true, newID: { StoreID() }, now: WallClock.system.now())
        let name = "\"\(schema)\""
        // As the earlier version has left it: progress beyond the last event, and of a source without events.
        try TestServer.run(
            "INSERT INTO \(name).events (position, revision, recorded, id, type, source, tracked, payload, link) "
                + "VALUES (1, 0, 1, gen_random_uuid(), 'noted', 'both', 5, '1', '\\x00'), "
                + "(2, 0, 1, gen_random_uuid(), 'noted', 'event', 8, '1', '\\x00')",
            "INSERT INTO \(name).tracking VALUES ('both', 7), ('event', 8), ('alone', 3)")
        for statement in PostgresRoles(schema: schema, readModel: "\(schema)_views").statements {
            try TestServer.run(statement)
        }
        let role = "\(schema)_login"
        try TestServer.run("CREATE ROLE \"\(role)\" LOGIN", "GRANT \"\(schema)_writer\" TO \"\(role)\"")

        let store = try await PostgresEventStore(TestServer.connection, schema: schema)
        let report = try await store.verify()
        #expect(report.isSound, "\(report.findings.map(\.description))")
        let kept = try TestServer.run("SELECT source, position FROM \(name).tracked_alone ORDER BY source")
        #expect((0..<kept.count).map { kept.text($0, 0) + kept.text($0, 1) } == ["alone3", "both7"])
        await store.close()

        let login = TestServer.connection.replacing("user=sillok", with: "user=\(role)")
        let writer = try await PostgresEventStore(login, schema: schema, mode: .existing)
        _ = try await writer.append(AppendRequest([], tracking: Tracking(source: "event", position: 9)))
        #expect(try await writer.tracking(of: "event")?.position == 9)
        #expect(try await writer.verify().isSound)
        await writer.close()
        try TestServer.drop(schema)
        try TestServer.drop("\(schema)_views")
        for role in [role, "\(schema)_projector", "\(schema)_writer", "\(schema)_reader"] {
            try TestServer.run("DROP OWNED BY \"\(role)\" CASCADE", "DROP ROLE \"\(role)\"")
        }
    }

    @Test("House 1: a tag that is NULL in the database is damage, and not an empty tag")
    func damagedTag() async throws {
        try await withStore { store in
            try await store.append([EventData(type: "noted", tags: ["a"], text: "1")])
            let events = "\"\(store.schema)\".events"
            try TestServer.run(
                "ALTER TABLE \(events) DISABLE TRIGGER ALL", "UPDATE \(events) SET tags = ARRAY[NULL]::text[]")
            let error = await #expect(throws: StoreError.self) { try await store.read(.all, limit: 1) }
            #expect(error?.code == .corrupt)
        }
    }

    @Test("House 1: a number that is NULL in the database is damage, and not a zero")
    func damagedNumber() async throws {
        try await withStore { store in
            try await store.append([note("1")], to: "s-1")
            let events = "\"\(store.schema)\".events"
            try TestServer.run(
                "ALTER TABLE \(events) DISABLE TRIGGER ALL",
                "ALTER TABLE \(events) ALTER COLUMN recorded DROP NOT NULL",
                "UPDATE \(events) SET recorded = NULL")
            let page = await #expect(throws: StoreError.self) { try await store.read(.all, limit: 1) }
            let facts = await #expect(throws: StoreError.self) { try await store.stream("s-1") }
            for error in [page, facts] {
                #expect(error?.code == .corrupt && error?.message.contains("column recorded is NULL") == true)
            }
        }
    }

    @Test("House 1: a value that is no number is refused with the name of its column")
    func numbers() throws {
        let connection = try Connection(ServerAddress(text: TestServer.connection, schema: ""), for: .writing)
        let rows = try connection.run(
            Query("SELECT 7::bigint, -8::int4, NULL::bigint AS none, 'two words'::text AS words"))
        #expect(try rows.int(0, 0) == 7 && rows.int(0, 1) == -8)
        for (column, reason) in [(2, "column none is NULL"), (3, "column words has 9 bytes")] {
            let error = #expect(throws: StoreError.self) { try rows.int(0, column) }
            #expect(error?.code == .corrupt && error?.message.contains(reason) == true)
        }
    }

    @Test("Storages 3: a check ends when the store closes or the task is cancelled", arguments: [false, true])
    func ends(_ isClosed: Bool) async throws {
        try await withStore { store in
            try await store.append([note("1")])
            let holder = try Connection(ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing)
            // The check waits for this lock, as it would for the end of a long statement.
            _ = try holder.run([.begin, Query("LOCK TABLE \"\(store.schema)\".events IN ACCESS EXCLUSIVE MODE")])
            let checking = Task { try await store.verify() }
            let waiting = "wait_event_type = 'Lock' AND position('\(store.schema)' IN query) > 0"
            #expect(
                try await eventually {
                    try TestServer.run("SELECT FROM pg_stat_activity WHERE \(waiting)").count > 0
                })
            if isClosed { await store.close() } else { checking.cancel() }
            let result = await checking.result
            if isClosed {
                let error = #expect(throws: StoreError.self) { try result.get() }
                #expect(error?.code == .closed)
            } else {
                #expect(throws: CancellationError.self) { try result.get() }
            }
            _ = try holder.run(.rollback)
        }
    }

    static let members: [any WritableKeyPath<Limits, Int> & Sendable] = [
        \.payloadBytes, \.batchBytes, \.batchEvents, \.metadataBytes, \.tags, \.tagBytes, \.streamBytes, \.typeBytes,
        \.queryItems, \.pageEvents, \.pageBytes, \.conflictEvents, \.conditionSteps, \.pageSteps, \.queueBytes,
    ]

    @Test("Storages 4: a store on PostgreSQL takes limits of any value", arguments: [0, -1, .min, .max])
    func limits(_ value: Int) async throws {
        for path in Self.members {
            var limits = Limits()
            limits[keyPath: path] = value
            try await withStore(limits: limits) { store in
                var events: [EventData] { (0..<3).map { EventData(type: "t", tags: ["x", "y"], text: "\($0)") } }
                try await tried { try await store.append(events, to: "s-1") }
                try await tried { try await store.append([EventData(type: "t", payload: [])]) }
                try await tried { try await store.append(events, if: .absent(.tags("x", "y"))) }
                try await tried { try await store.append(events, to: "s-1", if: .revision(1, of: "s-1")) }
                for limit in [1, store.limits.pageEvents] {
                    try await tried { _ = try await store.read(ReadRequest(direction: .backward, limit: limit)) }
                    try await tried { _ = try await store.read(ReadRequest(.tags("x", "y"), limit: limit)) }
                }
                try await tried { _ = try await store.streams(in: nil, after: nil, limit: store.limits.pageEvents) }
                try await tried {
                    for try await page in store.pages(ReadRequest(limit: store.limits.pageEvents)) where page.isEnd {
                        break
                    }
                }
                #expect(try await store.verify().isSound)
            }
        }
    }

    private func tried(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            switch AppendError(error) {
            case .invalid, .conflict: return
            case .failed(let failure) where [.tooExpensive, .overloaded].contains(failure.code): return
            case .failed, .knownID, .tracking, .refused: throw error
            }
        }
    }
}
#endif
