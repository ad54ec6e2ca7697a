#if Postgres && os(Linux)
import Foundation
import Sillok
import SillokSQL
import SillokTestSupport
import SillokThreads
import Testing

@testable import SillokPostgres

/// W12, and failures that are recognised by their SQLSTATE: no word of a message decides.
@Suite("PostgreSQL: outages and failures", .serialized, .enabled(if: TestServer.isThere))
struct OutageTests {
    /// A server of its own, which `body` may stop.
    private func withServer(
        _ settings: String..., environment: [String: String] = [:],
        _ body: (_ connection: String, _ folder: String) async throws -> Void
    ) async throws {
        let folder = try Programs.serverFolder()
        let server = folder.appending(path: "server").path
        let arguments = ["start", server] + settings
        let connection = try Programs.server(arguments, environment: environment)
        let result: Result<Void, any Error>
        do { result = .success(try await body(connection, server)) } catch { result = .failure(error) }
        try Programs.server(["stop", server])
        try FileManager.default.removeItem(at: folder)
        try result.get()
    }

    @Test("W12: reads and queries while the server is away fail together")
    func sharedTimeout() async throws {
        try await withServer { connection, folder in
            let timeout = Duration.milliseconds(500)
            let store = try await PostgresEventStore(connection, timeout: timeout, readers: 1)
            let model = try await PostgresReadModel(connection, timeout: timeout)
            try await store.append([note("1")])
            try Programs.server(["kill", folder])
            let start = ContinuousClock.now
            let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
                for number in 0..<40 {
                    group.addTask { await code { _ = try await store.read(.all, after: Position(UInt64(number))) } }
                    group.addTask { await code { _ = try await store.event(EventID()) } }
                    group.addTask { await code { _ = try await model.rows("SELECT 1") } }
                    group.addTask { await code { try await model.write(ReadModelWrite([.init("SELECT 1")])) } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            // One after the other they would take 40 × 0.5 s.
            #expect(start.duration(to: .now) < .seconds(10))
            #expect(codes.count == 160 && codes.allSatisfy { $0 == .unavailable })
            await store.close()
            await model.close()
        }
    }

    private func code(_ body: () async throws -> Void) async -> StoreError.Code? {
        do { try await body() } catch { return AppendError(error).failure?.code }
        return nil
    }

    @Test("W12: reads can be cancelled while the server is away")
    func cancelledWhileAway() async throws {
        try await withServer { connection, folder in
            let store = try await PostgresEventStore(connection, timeout: .seconds(60), readers: 1)
            try Programs.server(["kill", folder])
            let reading = (0..<8).map { number in
                Task { try await store.read(.all, after: Position(UInt64(number))) }
            }
            for task in reading { task.cancel() }
            for task in reading { await #expect(throws: CancellationError.self) { try await task.value } }
            await store.close()
        }
    }

    @Test("W12: a thread no longer searches for a server when the task that it works for is cancelled")
    func cancelledSearch() async throws {
        let (reachability, cancellation) = (Reachability(), Cancellation())
        let address = ServerAddress(text: "host=/nowhere", schema: "x")
        let search = Task {
            try await onOwnThread {
                let session = Session(address, for: .reading, timeout: .seconds(20), reachability: reachability)
                try session.retrying(for: Session.Caller(cancellation)) { _ in }
            }
        }
        #expect(try await eventually { reachability.failure(since: cancellation.asked) != nil })
        cancellation.cancel()
        await #expect(throws: CancellationError.self) { try await search.value }
    }

    @Test("W12: a request whose time is over fails as another one has failed since, and searches for no server itself")
    func sharedFailure() throws {
        let reachability = Reachability()
        let session = Session(
            ServerAddress(text: TestServer.connection, schema: "x"), for: .reading, timeout: .zero,
            reachability: reachability)
        let caller = Session.Caller(asked: .now - .seconds(1))
        reachability.note(PostgresFailure(message: "no server was found"))
        let failure = #expect(throws: PostgresFailure.self) { try session.retrying(for: caller) { _ in } }
        #expect(failure?.message == "no server was found")
        reachability.note(nil)
        try session.retrying(for: caller) { _ in }
    }

    @Test("W12: an append fails when its own time is over, and not after that of those before it")
    func appends() async throws {
        try await withServer { connection, folder in
            let timeout = Duration.seconds(8)
            let store = try await PostgresEventStore(connection, timeout: timeout)
            try await store.append([note("1")])
            try Programs.server(["kill", folder])
            let endings = await withTaskGroup(of: (StoreError.Code?, Duration).self) { group in
                for number in 0..<20 {
                    group.addTask {
                        // Each comes while the ones before it wait.
                        try? await Task.sleep(for: .milliseconds(100 * number))
                        let start = ContinuousClock.now
                        let code = await code { try await store.append([note("\(number)")]) }
                        return (code, start.duration(to: .now))
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(endings.allSatisfy { $0.0 == .unavailable })
            // The second one, after the first, would take almost twice the time.
            let times = endings.map(\.1).sorted()
            #expect(times.allSatisfy { $0 >= timeout && $0 < timeout * 1.7 }, "\(times)")
            await store.close()
        }
    }

    @Test func `a refused connection is recognised in any language, and not tried again`() async throws {
        // The catalogue of messages is found by LANGUAGE in any locale but C.
        try await withServer("lc_messages = 'C.UTF-8'", environment: ["LANGUAGE": "de"]) { connection, _ in
            let start = ContinuousClock.now
            let wrong: [(String, String, StoreError.Code)] = [
                ("/postgres?", "/nowhere?", .notFound), ("user=sillok", "user=stranger", .accessDenied),
            ]
            for (part, other, code) in wrong {
                let error = await #expect(throws: StoreError.self) {
                    try await PostgresEventStore(connection.replacing(part, with: other), timeout: .seconds(600))
                }
                #expect(error?.code == code && error?.outcome == .definite, "\(String(describing: error))")
            }
            #expect(start.duration(to: .now) < .seconds(60))
        }
    }

    @Test func `failures of statements are recognised in any language`() async throws {
        try await withServer("lc_messages = 'C.UTF-8'", environment: ["LANGUAGE": "de"]) { connection, _ in
            let store = try await PostgresEventStore(connection)
            let event = note("1")
            let receipt = try await store.append([event], to: "a-1", if: .revision(0, of: "a-1"))
            #expect(try await store.append([event], to: "a-1", if: .revision(0, of: "a-1")) == receipt)
            let model = try await PostgresReadModel(connection)
            let unknown = await #expect(throws: StoreError.self) { _ = try await model.rows("SELECT * FROM nowhere") }
            #expect(unknown?.code == .invalidQuery)
            await store.close()
            await model.close()
        }
    }

    @Test func `a wrong connection string fails at once`() async throws {
        for text in ["postgres://x?port=99999", "host=x port=seven", "sslmode=perhaps", "no_such_option=1", "host='x"] {
            let error = await #expect(throws: StoreError.self) {
                try await PostgresEventStore(text, timeout: .seconds(600))
            }
            #expect(error?.outcome == .definite, "\(text)")
        }
    }

    @Test func `the SQLSTATE of each server is found in a verbose message`() {
        let german = """
            Verbindung zum Server auf Socket »/tmp/1/.s.PGSQL.5432« fehlgeschlagen: FATAL:  57P03: das System startet
            ORT:  ProcessStartupPacket, postmaster.c:2419
            Verbindung zum Server auf Socket »/tmp/2/.s.PGSQL.5432« fehlgeschlagen: FATAL:  28P01: falsches Passwort
            """
        #expect(PostgresFailure.states(inVerbose: german) == ["57P03", "28P01"])
        #expect(PostgresFailure(refused: "x", verbose: german).isTransient)
        let last = String(german.suffix(90))
        #expect(!PostgresFailure(refused: "x", verbose: last).isTransient)
        #expect(PostgresFailure(refused: "x", verbose: "could not connect: Connection refused").isTransient)
        #expect(PostgresFailure.states(inVerbose: "FATAL:  ABCDE no state").isEmpty)
    }

    @Test func `a kept plan that no longer fits is made again, and an unsupported statement is not`() throws {
        let table = TestServer.freshSchema("kept")
        let session = Session(
            ServerAddress(text: TestServer.connection, schema: "x"), for: .writing, timeout: .seconds(600))
        func columns() throws -> Int {
            try session.retrying { try $0.run(Query("SELECT * FROM \(table)", isKept: true)).columnCount }
        }
        try TestServer.run("CREATE TABLE \(table) (one int)")
        #expect(try columns() == 1)
        try TestServer.run("ALTER TABLE \(table) ADD two int")
        #expect(try columns() == 2)
        for _ in 0..<2 {
            let failure = #expect(throws: PostgresFailure.self) {
                try session.retrying {
                    try $0.run(Query("DECLARE c CURSOR WITH HOLD FOR SELECT * FROM pg_class FOR UPDATE", isKept: true))
                }
            }
            #expect(failure?.isOfPreparedStatement == false)
        }
        try TestServer.run("DROP TABLE \(table)")
    }
}
#endif
