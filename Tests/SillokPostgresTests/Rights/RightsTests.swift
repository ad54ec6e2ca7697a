#if Postgres
import Sillok
import SillokChain
import SillokPostgresSchema
import Testing

@testable import SillokPostgres

/// S4: a role that may only append cannot make holes or a false chain, by any function. And the upgrade of a schema
/// that an older version has made.
@Suite("PostgreSQL: rights and upgrades", .serialized, .enabled(if: TestServer.isThere))
struct RightsTests {
    /// A store, and the connection string of a role that may only append.
    private func withWriterRole(_ body: (PostgresEventStore, _ connection: String) async throws -> Void) async throws {
        try await withStore { store in
            let role = "writer_\(store.schema)"
            for statement in PostgresRoles(schema: store.schema, readModel: "\(store.schema)_views").statements {
                try TestServer.run(statement)
            }
            try TestServer.run("CREATE ROLE \(role) LOGIN", "GRANT \"\(store.schema)_writer\" TO \(role)")
            let result: Result<Void, any Error>
            do {
                result = .success(
                    try await body(store, TestServer.connection.replacing("user=sillok", with: "user=\(role)")))
            } catch { result = .failure(error) }
            try TestServer.drop("\(store.schema)_views")
            for name in [role] + ["writer", "projector", "reader"].map({ "\(store.schema)_\($0)" }) {
                try TestServer.run("DROP OWNED BY \"\(name)\" CASCADE", "DROP ROLE \"\(name)\"")
            }
            try result.get()
        }
    }

    /// The call of a function with one argument replaced.
    private func forged(_ query: Query, _ argument: Int, _ value: String) throws -> Query {
        let open = try #require(query.text.firstIndex(of: "("))
        var arguments = query.text[query.text.index(after: open)...].dropLast().split(separator: ", ").map(String.init)
        arguments[argument - 1] = value
        return Query(
            "\(query.text[...open])\(arguments.joined(separator: ", ")))", query.parameters, isBinary: true)
    }

    private func prepared(_ text: String = "1") -> PreparedAppend {
        let event = EventData(type: "noted", tags: ["x", "y"], text: "\"\(text)\"")
        return PreparedAppend(
            AppendRequest([.init(stream: "a-1", event: event)], tracking: Tracking(source: "feed", position: .max)))
    }

    /// Runs a call in a transaction of its own.
    private func commit(_ query: Query, _ connection: Connection) throws -> Rows {
        try connection.run([.begin, query, .commit])[1]
    }

    @Test("S4: append_group called by hand with wrong values is refused")
    func forgedGroups() async throws {
        try await withWriterRole { store, role in
            try await store.append([note("1"), note("2")], to: "a-1")
            let connection = try Connection(ServerAddress(text: role, schema: store.schema), for: .writing)
            let schema = "\"\(store.schema)\""
            let forgeries: [(argument: Int, value: String)] = [
                (3, "ARRAY[2]"), (3, "ARRAY[-5]"), (3, "ARRAY[0]"), (5, "ARRAY[2]"), (5, "ARRAY[-1]"), (4, "ARRAY[0]"),
                (6, "ARRAY['b-1']"), (6, "ARRAY[NULL::text]"), (7, "ARRAY['other']"), (8, "ARRAY['text/plain']"),
                (9, "ARRAY[1::bigint]"), (10, "ARRAY[E'x\\x01z']"), (11, "ARRAY['\\x01'::bytea]"),
                (12, "ARRAY['forged'::bytea]"), (13, "ARRAY[sha256('forged')]"), (15, "ARRAY[2]"),
                (17, "ARRAY['other']"), (18, "ARRAY[5::numeric]"), (12, "ARRAY[convert_to(repeat('x', 9000), 'UTF8')]"),
            ]
            for forgery in forgeries {
                let query = AppendGroup([prepared()]).query(schema, now: WallClock.system.now())
                let failure = #expect(throws: PostgresFailure.self, "argument \(forgery)") {
                    _ = try commit(try forged(query, forgery.argument, forgery.value), connection)
                }
                #expect(["23514", "23505"].contains(failure?.state), "\(forgery): \(failure?.message ?? "")")
                #expect(try await store.head() == 2)
            }
            let large = AppendGroup([prepared(String(repeating: "x", count: 5000))])
            let tooSmall = try forged(large.query(schema, now: WallClock.system.now()), 14, "100::bigint")
            let failure = #expect(throws: PostgresFailure.self) { _ = try commit(tooSmall, connection) }
            #expect(failure?.message.contains("size") == true)
            let honest = AppendGroup([prepared()]).query(schema, now: WallClock.system.now())
            #expect(try commit(honest, connection).numbers(0, 0) == [0])
            let writer = try await PostgresEventStore(role, schema: store.schema, mode: .existing)
            for number in 4...8 { #expect(try await writer.append([note("1")], to: "a-1").position.value == number) }
            #expect(try await store.verify().findings.isEmpty)
            #expect(try await store.verifyChain()?.isIntact == true)
            await writer.close()
        }
    }

    @Test("S4: append_after called by hand with wrong values is refused")
    func forgedEvents() async throws {
        try await withWriterRole { store, role in
            let first = try await store.append([note("1"), note("2")], to: "a-1")
            let connection = try Connection(ServerAddress(text: role, schema: store.schema), for: .writing)
            let schema = "\"\(store.schema)\""
            func ready() throws -> Query {
                var end = try #require(LogEnd(try connection.run(LogEnd.query(schema)), after: nil, [first]))
                let events = (3...4).map { EventData(type: "noted", tags: ["x"], text: "\($0)") }
                let request = AppendRequest(events.map { .init(stream: "a-1", event: $0) })
                let now = WallClock.system.now()
                let appends = end.ready([PreparedAppend(request)], schema: schema, now: now)
                return try #require(appends).query
            }
            let forgeries: [(argument: Int, value: String)] = [
                (5, "ARRAY[3, 5]::bigint[]"), (5, "ARRAY[3, 0]::bigint[]"), (5, "ARRAY[4, 3]::bigint[]"),
                (4, "ARRAY['b-1', 'a-1']"), (6, "ARRAY['noted', 'other']"), (8, "ARRAY[$8[1], 5]::bigint[]"),
                (9, "NULL::text[]"), (11, "ARRAY['1'::bytea, '2'::bytea]"),
                (12, "ARRAY[sha256('1'), sha256('2')]"), (12, "ARRAY[$12[2], $12[1]]"),
            ]
            for forgery in forgeries {
                let failure = #expect(throws: PostgresFailure.self, "argument \(forgery)") {
                    _ = try commit(try forged(try ready(), forgery.argument, forgery.value), connection)
                }
                #expect(failure?.state == "23514", "\(forgery): \(failure?.message ?? "")")
                #expect(try await store.head() == 2)
            }
            #expect(try commit(try ready(), connection).bytes(0, 0).first == 1)
            #expect(try await store.head() == 4)
            #expect(try await store.verifyChain()?.isIntact == true)
        }
    }

    @Test("S4: a role that may not append cannot announce events that are not there")
    func forgedNotification() async throws {
        try await withStore { store in
            let other = try await PostgresEventStore(TestServer.connection, schema: store.schema, mode: .existing)
            let hasReached = Lock(false)
            let waiting = Task {
                try await other.reach(50)
                hasReached.withLock { $0 = true }
            }
            // The other store listens when it has seen the first event.
            try await store.append([note("1")])
            try await other.reach(1)
            try TestServer.run("NOTIFY \"\(store.schema)\", '999999'")
            // Notifications are taken in their order.
            try await store.append([note("2")])
            try await other.reach(2)
            #expect(!hasReached.withLock { $0 })
            try await store.append((3...50).map { note("\($0)") })
            try await waiting.value
            await other.close()
        }
    }

    // MARK: Upgrades

    /// The call of `append` as versions before step 6 make it: events with two tags, which may not be there already.
    private func olderAppend(_ schema: String, _ appends: [PreparedAppend], isConditional: Bool) -> Query {
        let (events, last) = (appends.map { $0.request.entries[0].event }, appends.count)
        func all(_ value: String) -> String { "ARRAY[\(appends.map { _ in value }.joined(separator: ", "))]" }
        func each(_ body: (Int) -> String) -> String { "ARRAY[\((0..<last).map(body).joined(separator: ", "))]" }
        let numbers = each { "\($0 + 1)" }
        // Every event breaks the conditions of those after it.
        let blockers = isConditional ? (1..<last).flatMap { after in (0..<after).map { (after + 1, $0 + 1) } } : []
        let conditions = isConditional ? numbers : "'{}'"
        func empty(_ value: String) -> String { isConditional ? all(value) : "'{}'" }
        func hex(_ bytes: [UInt8]) -> String {
            "'\\x\(bytes.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined())'::bytea"
        }
        let payloads = each { hex(events[$0].payload) }
        let facts = each { hex(appends[$0].facts[0].bytes) }
        let text = """
            SELECT statuses FROM \(schema).append(
                \(each { "'\(events[$0].id)'::uuid" }), \(numbers), \(all("1")), \(numbers), \(all("1")),
                \(each { "'old-\($0)'" }), \(all("'noted'")), \(all("NULL::text")), \(all("NULL::bigint")),
                \(all("E'x\\x01y'")), \(all("NULL::bytea")), \(payloads), \(facts),
                100, \(all("1")), \(all("false")), \(all("NULL::text")), \(all("NULL::numeric")), 1000000,
                \(each { "'old-\($0)'" }), \(numbers), \(numbers), \(all("1")), '{}', '{}', '{}',
                \(conditions), \(empty("0")), \(conditions), \(empty("NULL::text")), \(empty("NULL::text")),
                \(empty("NULL::text")), \(empty("E'x\\x01y'")),
                ARRAY[\(blockers.map { "\($0.0)" }.joined(separator: ", "))]::int[],
                ARRAY[\(blockers.map { "\($0.1)" }.joined(separator: ", "))]::int[])
            """
        return Query(text)
    }

    private func olderAppends(_ count: Int) -> [PreparedAppend] {
        (0..<count).map { number in
            let event = EventData(type: "noted", tags: ["x", "y"], text: "\(number)")
            return PreparedAppend(AppendRequest([.init(stream: StreamID("old", "\(number)"), event: event)]))
        }
    }

    @Test("a schema of each older version is brought up to date, and older processes can continue", arguments: 3...6)
    func upgrade(from step: Int) async throws {
        let schema = TestServer.freshSchema()
        let address = ServerAddress(text: TestServer.connection, schema: schema)
        let older = try Connection(address, for: .writing)
        let installation = Installation(address: address, connection: older, steps: Array(Step.all.prefix(step)))
        let id = try installation.prepare(mayInstall: true, newID: { StoreID() }, now: WallClock.system.now())
        let name = "\"\(schema)\""
        #expect(try older.run(olderAppend(name, olderAppends(2), isConditional: false)).numbers(0, 0) == [0, 0])
        // Roles as they were made before the later steps.
        let roles = ["\(schema)_r", "\(schema)_w"]
        try TestServer.run(
            "CREATE ROLE \"\(roles[0])\" NOLOGIN", "CREATE ROLE \"\(roles[1])\" LOGIN",
            "GRANT USAGE ON SCHEMA \(name) TO \"\(roles[0])\"",
            "GRANT SELECT ON ALL TABLES IN SCHEMA \(name) TO \"\(roles[0])\"",
            "GRANT EXECUTE ON FUNCTION \(name).revision_at, \(name).recorded_until TO \"\(roles[0])\"",
            // Without the right to `append_after` as well: then the slower way is taken.
            "GRANT EXECUTE ON FUNCTION \(name).append TO \"\(roles[1])\"",
            "GRANT \"\(roles[0])\" TO \"\(roles[1])\"")

        let store = try await PostgresEventStore(TestServer.connection, schema: schema)
        #expect(try await store.storeID() == id)
        #expect(try await store.head() == 2)
        let role = TestServer.connection.replacing("user=sillok", with: "user=\(roles[1])")
        let writer = try await PostgresEventStore(role, schema: schema, mode: .existing)
        for _ in 0..<3 { try await writer.append([note("1")], to: "new-1") }
        let broken =
            await #expect(throws: AppendError.self) {
                try await writer.append([note("1")], if: .absent(.tags("x", "y")))
            }?.underlyingError as? AppendConflict
        #expect(broken?.events.count == 2)
        // The functions of older versions still append.
        #expect(try older.run(olderAppend(name, olderAppends(3), isConditional: true)).numbers(0, 0) == [2, 2, 2])
        #expect(try older.run(olderAppend(name, olderAppends(1), isConditional: false)).numbers(0, 0) == [0])
        #expect(try await store.head() == 6)
        #expect(try await store.verify().findings.isEmpty)
        #expect(try await store.verifyChain()?.isIntact == true)
        await writer.close()
        await store.close()
        try TestServer.drop(schema)
        for role in roles { try TestServer.run("DROP OWNED BY \"\(role)\" CASCADE", "DROP ROLE \"\(role)\"") }
    }

    @Test func `an older process sees the events of its own group`() async throws {
        try await withStore { store in
            let older = try Connection(
                ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing)
            let query = olderAppend("\"\(store.schema)\"", olderAppends(3), isConditional: true)
            #expect(try older.run(query).numbers(0, 0) == [0, 2, 2])
        }
    }
}
#endif
