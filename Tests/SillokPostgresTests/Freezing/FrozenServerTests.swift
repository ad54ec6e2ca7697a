#if Postgres && os(Linux)
import Foundation
import NIOCore
import NIOPosix
import Sillok
import SillokSQL
import SillokTestSupport
import SillokThreads
import Testing

@testable import SillokPostgres

/// A frozen host acknowledges every packet and answers nothing. Only the client's own deadline ends a call then. Here
/// SIGSTOP stops all processes of a real server.
@Suite("PostgreSQL: frozen servers", .serialized, .timeLimit(.minutes(10)), .enabled(if: TestServer.isThere))
struct FrozenServerTests {
    /// With this timeout a server may be silent for 5 s, and a call ends at most 5 s after its timeout. Each attempt to
    /// connect can take 3 s more.
    private let timeout = Duration.seconds(6)
    private let bound = Duration.seconds(6 + 5 + 3)

    /// A server of its own, and optionally a standby or a pooler, for as long as `body` runs.
    private func withServers(
        _ second: String? = nil, _ body: (_ first: String, _ second: String) async throws -> Void
    ) async throws {
        let folder = try Programs.serverFolder()
        let (one, two) = (folder.appending(path: "1").path, folder.appending(path: "2").path)
        let result: Result<Void, any Error>
        do {
            try Programs.server("start", one, "wal_level = replica", "hot_standby = on", "max_wal_senders = 5")
            switch second {
            case "standby": try Programs.server("standby", two, one, "two")
            case "pooler": try Programs.server("pooler", two, one)
            default: break
            }
            result = .success(try await body(one, two))
        } catch { result = .failure(error) }
        for server in [two, one] { _ = try? Programs.server("stop", server) }
        try FileManager.default.removeItem(at: folder)
        try result.get()
    }

    private func address(_ hosts: String...) -> String {
        "postgres:///postgres?host=\(hosts.joined(separator: ","))&user=sillok"
    }

    private func elapsed(_ what: String, _ body: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await body()
        let elapsed = start.duration(to: .now)
        print("frozen: \(what) took \(elapsed)")
        return elapsed
    }

    /// The failure of an append and of a read while a server is frozen; afterwards the append is repeated.
    private func endsInTime(_ store: PostgresEventStore, frozen server: String) async throws {
        try await store.append([note("0")], to: "a-1")
        #expect(try await store.read(.all).events.count == 1)
        try Programs.server("freeze", server)
        let event = note("1")
        let appending = try await elapsed("an append") {
            let error = await #expect(throws: AppendError.self) { try await store.append([event], to: "a-1") }
            #expect(error?.failure?.outcome == .unknown && error?.failure?.code == .unavailable, "\(error as Any)")
        }
        let reading = try await elapsed("a read") {
            let error = await #expect(throws: StoreError.self) { try await store.read(.all) }
            #expect(error?.code == .unavailable, "\(error as Any)")
        }
        #expect(appending < bound && reading < bound)
        try Programs.server("thaw", server)
        let receipt = try await settled(event, in: store)
        #expect(receipt.position == 2)
        #expect(try await store.append([event], to: "a-1") == receipt)
        #expect(try await store.read(.all).events.count == 2)
    }

    /// Repeats an append until it succeeds. After a freeze, pgbouncer may refuse clients for up to 15 s.
    private func settled(_ event: EventData, in store: PostgresEventStore) async throws -> Receipt {
        let end = ContinuousClock.now + .seconds(120)
        while true {
            do { return try await store.append([event], to: "a-1") } catch {
                guard error.failure?.code == .unavailable, ContinuousClock.now < end else { throw error }
            }
        }
    }

    @Test("an append to a frozen server ends in time with an unknown outcome, and its repeat stores it once")
    func alone() async throws {
        try await withServers { server, _ in
            let store = try await PostgresEventStore(address(server), timeout: timeout, readers: 1)
            try await endsInTime(store, frozen: server)
            await store.close()
        }
    }

    @Test("the same through pgbouncer, which answers for a frozen server", .enabled(if: TestServer.hasPooler))
    func pooled() async throws {
        try await withServers("pooler") { server, pooler in
            let store = try await PostgresEventStore(address(pooler), timeout: timeout, readers: 1)
            try await endsInTime(store, frozen: server)
            try Programs.server("freeze", server)
            let opening = try await elapsed("opening a store") {
                let error = await #expect(throws: StoreError.self) {
                    try await PostgresEventStore(address(pooler), timeout: timeout)
                }
                #expect(error?.code == .unavailable && error?.outcome == .definite, "\(error as Any)")
            }
            #expect(opening < bound)
            await store.close()
        }
    }

    @Test("a write to a read model on a frozen host is made once on the next host, and a query is answered there")
    func readModel() async throws {
        try await withServers("standby") { primary, standby in
            let model = try await PostgresReadModel(address(primary, standby))
            try await model.write(
                ReadModelWrite([.init("CREATE TABLE t (n BIGINT)"), .init("INSERT INTO t VALUES (1)")]))
            #expect(try await model.rows("SELECT n FROM t").count == 1)
            try await untilReplayed(primary)
            try Programs.server("freeze", primary)
            try Programs.server("promote", standby)
            async let writing = elapsed("a write to a read model, with a second host") {
                try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (2)")]))
            }
            async let reading = elapsed("a query of a read model, with a second host") {
                let rows = try await model.rows("SELECT n FROM t")
                #expect(rows.count >= 1)
            }
            // 15 s of silence, then one attempt to connect to the frozen host before and one after.
            for elapsed in try await [writing, reading] { #expect(elapsed < .seconds(30)) }
            #expect(try await model.rows("SELECT n FROM t ORDER BY n").map(\.values) == [[.integer(1)], [.integer(2)]])
            await model.close()
        }
    }

    private func untilReplayed(_ primary: String) async throws {
        #expect(
            try await eventually {
                try TestServer.run(
                    "SELECT FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()", at: address(primary)
                ).count == 1
            })
    }

    @Test("a read from a frozen host is answered by the next host, and a subscription misses and repeats nothing")
    func nextHost() async throws {
        try await withServers("standby") { primary, standby in
            let writer = try await PostgresEventStore(address(primary, standby), timeout: .seconds(45))
            for number in 0..<20 { try await writer.append([note("\(number)")], to: "a-1") }
            let reader = try await PostgresEventStore(address(primary, standby), mode: .readOnly, readers: 1)
            var seen: [Position] = []
            var subscription = reader.subscribe().makeAsyncIterator()
            while seen.count < 20 { seen += try await subscription.next()?.events.map(\.position) ?? [] }
            try await untilReplayed(primary)
            try Programs.server("freeze", primary)
            let event = note("20")
            let appending = Task { try await writer.append([event], to: "a-1") }
            let reading = try await elapsed("a read with a second host, of a timeout of 45 s") {
                let page = try await reader.read(.all)
                #expect(page.events.count == 20)
            }
            #expect(reading < .seconds(25))
            try Programs.server("promote", standby)
            let receipt = try await appending.value
            #expect(receipt.position == 21)
            while seen.count < 21 { seen += try await subscription.next()?.events.map(\.position) ?? [] }
            #expect(seen == (1...21).map { Position($0) })
            await reader.close()
            await writer.close()
        }
    }
}

/// Servers that work slowly, or hang in one place only.
@Suite("PostgreSQL: silent servers", .serialized, .timeLimit(.minutes(10)), .enabled(if: TestServer.isThere))
struct SilentServerTests {
    private func withProxy(
        timeout: Duration, _ body: (WireProxy, PostgresEventStore) async throws -> Void
    ) async throws {
        let proxy = try await WireProxy()
        let schema = TestServer.freshSchema()
        let store = try await PostgresEventStore(proxy.address, schema: schema, timeout: timeout, readers: 1)
        let result: Result<Void, any Error>
        do { result = .success(try await body(proxy, store)) } catch { result = .failure(error) }
        proxy.thaw()
        await store.close()
        await proxy.close()
        try TestServer.drop(schema)
        try result.get()
    }

    @Test("an append whose answer is lost in a silent network is unknown, and its repeat finds it")
    func answers() async throws {
        try await withProxy(timeout: .seconds(6)) { proxy, store in
            try await store.append([note("0")], to: "a-1")
            proxy.swallowAnswers()
            let event = note("1")
            let error = await #expect(throws: AppendError.self) { try await store.append([event], to: "a-1") }
            #expect(error?.failure?.outcome == .unknown && error?.failure?.code == .unavailable, "\(error as Any)")
            proxy.thaw()
            // The server has executed it.
            #expect(try await store.head() == 2)
            #expect(try await store.append([event], to: "a-1").position == 2)
            #expect(try await store.head() == 2)
        }
    }

    @Test("only the warning about a cancelled wait makes an answered COMMIT unknown, and not a FATAL notice")
    func notices() async throws {
        try await withProxy(timeout: .seconds(15)) { proxy, store in
            try await store.append([note("0")], to: "a-1")
            for (severity, code, commits) in [("FATAL", "57P01", 1), ("WARNING", "01000", 2)] {
                let before = proxy.state.withLock { state in
                    state.notice = (severity, code)
                    return state.commits
                }
                let receipt = try await store.append([note(severity)], to: "a-1")
                #expect(proxy.state.withLock { $0.commits } - before == commits, "\(severity)")
                #expect(try await store.head() == receipt.position)
            }
            #expect(try await store.head() == 3)
        }
    }

    @Test("a server that accepts connections and never answers is passed over, or the store is not opened")
    func neverAnswers() async throws {
        let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = silent.localAddress?.port ?? 0
        let start = ContinuousClock.now
        let error = await #expect(throws: StoreError.self) {
            try await PostgresEventStore("host=127.0.0.1 port=\(port) user=sillok", timeout: .seconds(2))
        }
        #expect(error?.code == .unavailable && error?.outcome == .definite, "\(error as Any)")
        #expect(start.duration(to: .now) < .seconds(10))
        let schema = TestServer.freshSchema()
        let both = "host=127.0.0.1,\(WireProxy.folder) port=\(port),5432 dbname=postgres user=sillok"
        let store = try await PostgresEventStore(both, schema: schema)
        #expect(try await store.append([note("0")]).position == 1)
        await store.close()
        try await silent.close()
        try TestServer.drop(schema)
    }

    @Test("a slow query that sends rows is not ended, and one that sends nothing is")
    func slow() throws {
        let address = ServerAddress(text: TestServer.connection, schema: "")
        let connection = try Connection(address, for: .reading, answerTimeout: .seconds(1))
        // Rows of more than the server's buffer of 8 KiB are sent at once: 20 in 6 s.
        let rows = try connection.run(
            Query("SELECT repeat(number::text, 10000), pg_sleep(0.3) FROM generate_series(1, 20) number"))
        #expect(rows.count == 20)
        let failure = #expect(throws: PostgresFailure.self) { try connection.run(Query("SELECT pg_sleep(5)")) }
        #expect(failure?.isConnectionLost == true && connection.isLost)
    }

    @Test("a connection without a deadline waits for as long as the server works on its statement, and not longer")
    func asked() async throws {
        let proxy = try await WireProxy()
        let mark = "/* \(TestServer.freshSchema()) */"
        let active = "FROM pg_stat_activity WHERE query LIKE '%\(mark)%' AND pid <> pg_backend_pid()"
        try await onOwnThread {
            let connection = try Connection(ServerAddress(text: proxy.address, schema: ""), for: .writing)
            connection.longestSilence = .milliseconds(500)
            #expect(try connection.run(Query("SELECT pg_sleep(3)")).count == 1)
            // The proxy answers for a process that has ended, and new connections reach a server without it.
            connection.longestSilence = .seconds(5)
            proxy.swallowAnswers()
            startThread {
                for _ in 0..<1000 where (try? TestServer.run("SELECT pg_terminate_backend(pid) \(active)").count) != 1 {
                    usleep(2000)
                }
                for _ in 0..<1000 where (try? TestServer.run("SELECT \(active)").count) != 0 { usleep(2000) }
                proxy.state.withLock { $0.swallowsAnswers = false }
            }
            let failure = #expect(throws: PostgresFailure.self) {
                try connection.run(Query("SELECT pg_sleep(60) \(mark)"))
            }
            #expect(failure?.isConnectionLost == true && connection.isLost, "\(failure as Any)")
        }
        await proxy.close()
    }

    @Test("a silent statement is waited for when the server has no room for the connection that asks")
    func noRoom() throws {
        let role = TestServer.freshSchema("limited")
        try TestServer.run("CREATE ROLE \"\(role)\" LOGIN CONNECTION LIMIT 1")
        let address = TestServer.connection.replacing("user=sillok", with: "user=\(role)")
        #expect(address != TestServer.connection)
        let connection = try Connection(ServerAddress(text: address, schema: ""), for: .reading)
        connection.longestSilence = .milliseconds(300)
        #expect(try connection.run(Query("SELECT pg_sleep(2)")).count == 1)
        try TestServer.run("DROP ROLE \"\(role)\"")
    }

    @Test("attempts that were given up leave no process on the server")
    func abandoned() async throws {
        let schema = TestServer.freshSchema()
        let store = try await PostgresEventStore(TestServer.connection, schema: schema, timeout: .seconds(6))
        try await store.append([note("0")], to: "a-1")
        let holder = try Connection(ServerAddress(text: TestServer.connection, schema: schema), for: .writing)
        _ = try holder.run([.begin, Query("SELECT FROM \"\(schema)\".store FOR UPDATE")])
        let event = note("1")
        let error = await #expect(throws: AppendError.self) { try await store.append([event], to: "a-1") }
        #expect(error?.failure?.outcome == .unknown, "\(error as Any)")
        #expect(
            try await eventually(within: .seconds(60)) {
                try TestServer.run(
                    "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\(schema)%'"
                ).count == 0
            })
        _ = try holder.run(.rollback)
        #expect(try await store.append([event], to: "a-1").position == 2)
        await store.close()
        try TestServer.drop(schema)
    }
}
#endif
