import SillokConformance
#if Postgres && os(Linux)
import Foundation
import Sillok
import SillokSQL
import SillokTesting
import Testing

@testable import SillokPostgres

/// Through pgbouncer in transaction mode, where each transaction may be on another connection of the server.
@Suite("PostgreSQL: pgbouncer", .serialized, .enabled(if: TestServer.isThere && TestServer.hasPooler))
struct PoolerTests {
    private func withPooler(_ body: (String) async throws -> Void) async throws {
        let folder = try Programs.serverFolder()
        let server = try #require(
            URLComponents(string: TestServer.connection)?.queryItems?.first { $0.name == "host" }?.value)
        let pooler = folder.appending(path: "pooler").path
        let connection = try Programs.server("pooler", pooler, server)
        let result: Result<Void, any Error>
        do { result = .success(try await body(connection)) } catch { result = .failure(error) }
        try Programs.server("stop", pooler)
        try FileManager.default.removeItem(at: folder)
        try result.get()
    }

    @Test func `appends, reads and subscriptions`() async throws {
        try await withPooler { connection in
            let schema = TestServer.freshSchema()
            let store = try await PostgresEventStore(connection, schema: schema)
            let probe = try Connection(ServerAddress(text: connection, schema: schema), for: .writing)
            #expect(probe.isPooled)
            let checks = OperationalChecks(store: store)
            for report in [
                try await checks.hotStream(clients: 16, appends: 3),
                try await checks.subscribe(subscribers: 20, writers: 4, appendsPerWriter: 10),
                try await checks.overlappingDecisions(clients: 8, attempts: 10),
            ] {
                #expect(report.isClean, "\(report)")
            }
            await store.close()
            try TestServer.drop(schema)
        }
    }

    /// PRJ-2; `SILLOK_HANDOVERS` makes it longer.
    @Test("PRJ-2: two projector processes hand their partitions over, and never both apply")
    func handovers() async throws {
        let handovers = times("SILLOK_HANDOVERS", 6)
        try await withPooler { connection in
            let (schema, model) = (TestServer.freshSchema(), TestServer.freshSchema("views"))
            let store = try await PostgresEventStore(connection, schema: schema)
            let program = try Programs.torture()
            let output = "/tmp/\(schema)"
            defer { try? FileManager.default.removeItem(atPath: output) }
            func project() throws -> Process {
                try Programs.start(program, ["project", connection, schema, model, "4"], output: output)
            }
            let views = try await PostgresReadModel(connection, schema: model)
            let writing = try Programs.start(
                program, ["write", connection, schema, "7", "4", "\(handovers)"], output: output + ".w")
            defer { try? FileManager.default.removeItem(atPath: output + ".w") }
            var running = [try project(), try project()]
            var tokens = 0
            for handover in 0..<handovers {
                try await Task.sleep(for: .milliseconds(600))
                // One is killed, or only stopped, to wake up later and believe that it still holds its partitions.
                let victim = running.removeFirst()
                kill(victim.processIdentifier, handover % 2 == 0 ? SIGKILL : SIGSTOP)
                try await Task.sleep(for: .milliseconds(900))
                if handover % 2 == 1 { kill(victim.processIdentifier, SIGCONT) }
                if handover % 2 == 0 {
                    victim.waitUntilExit()
                    running.append(try project())
                } else {
                    running.append(victim)
                }
            }
            writing.waitUntilExit()
            let head = try await store.head()
            let deadline = ContinuousClock.now + .seconds(300)
            while ContinuousClock.now < deadline {
                let rows = try await views.rows(
                    "SELECT MIN(position) AS low, SUM(token) AS tokens FROM sillok_checkpoints")
                tokens = Int(rows[0]["tokens"].integer ?? 0)
                if rows[0]["low"].integer == Int64(head.value) { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            for process in running {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
            try await compare(store, views)
            print(
                "PRJ-2: \(handovers) handovers forced, \(tokens) leases taken, \(head) events; every row equals the fold"
            )
            #expect(tokens > handovers)
            await views.close()
            await store.close()
            try TestServer.drop(schema)
            try TestServer.drop(model)
        }
    }

    /// Every row is what the events of its stream say.
    private func compare(_ store: PostgresEventStore, _ views: PostgresReadModel) async throws {
        struct Payload: Decodable {
            let n: Int
            let part: Int
        }
        var expected: [String: [SQLValue]] = [:]
        var sums: [String: (events: Int64, total: Int64, last: Int64)] = [:]
        for try await batch in store.pages(.category("writer")) {
            for event in batch.events {
                let payload = try JSONDecoder().decode(Payload.self, from: Data(event.payload))
                var sum = sums[event.stream?.text ?? ""] ?? (0, 0, 0)
                sum = (sum.events + 1, sum.total + Int64(payload.n * 10 + payload.part), Int64(event.position.value))
                sums[event.stream?.text ?? ""] = sum
            }
        }
        for (stream, sum) in sums {
            expected[stream] = [.text(stream), .integer(sum.events), .integer(sum.total), .integer(sum.last)]
        }
        let rows = try await views.rows("SELECT stream, events, total, last FROM written_counts")
        #expect(rows.count == expected.count && rows.count > 0)
        for row in rows { #expect(row.values == expected[row["stream"].text ?? ""]) }
    }
}
#endif
