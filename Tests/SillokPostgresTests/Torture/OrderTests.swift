#if Postgres && os(Linux)
import Foundation
import Sillok
import SillokTesting
import SillokThreads
import Testing

@testable import SillokPostgres

/// ORD-1: writers in several processes whose commits are late or rolled back, and subscribers beside. `SILLOK_ORDER_SECONDS`
/// makes it longer.
@Suite("PostgreSQL: order", .serialized, .enabled(if: TestServer.isThere))
struct OrderTests {
    private let seconds = times("SILLOK_ORDER_SECONDS", 6)

    @Test("ORD-1: late commits and rollbacks: subscribers miss nothing, and see nothing twice or out of order")
    func order() async throws {
        try await withStore { store in
            let name = "\"\(store.schema)\""
            // Each commit waits for up to 30 ms and fails 3 times in 100, after the positions were given.
            try TestServer.run(
                """
                CREATE FUNCTION \(name).trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    PERFORM pg_sleep(random() * 0.03);
                    IF random() < 0.03 THEN RAISE EXCEPTION 'planned'; END IF;
                    RETURN NULL;
                END $$
                """,
                """
                CREATE CONSTRAINT TRIGGER trouble AFTER INSERT ON \(name).events DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.position % 8 = 0) EXECUTE FUNCTION \(name).trouble()
                """)
            let folder = FileManager.default.temporaryDirectory
            let outputs = (0..<4).map { folder.appending(path: "order-\(store.schema)-\($0)").path }
            defer { for output in outputs { try? FileManager.default.removeItem(atPath: output) } }
            let program = try Programs.torture()
            let writers = try outputs.enumerated().map { number, output in
                try Programs.start(
                    program, ["write", TestServer.connection, store.schema, "\(number + 1)", "8", "\(seconds)"],
                    output: output)
            }
            let following = (0..<8).map { number in Task { try await follow(number, store) } }
            for writer in writers { writer.waitUntilExit() }
            #expect(writers.allSatisfy { $0.terminationStatus == 0 })
            // The subscribers end at this event.
            let end = try await store.append([note("end")]).position
            var sums = (missed: 0, twice: 0, disorder: 0, delivered: 0)
            for task in following {
                let seen = try await task.value
                sums.delivered += seen.count
                sums.missed += Int(end.value) - Set(seen).count
                sums.twice += seen.count - Set(seen).count
                if seen != seen.sorted() { sums.disorder += 1 }
            }
            #expect(sums.missed == 0 && sums.twice == 0 && sums.disorder == 0, "\(sums)")
            let (acknowledged, failed) = try await check(outputs, store)
            print(
                "ORD-1: \(seconds) s, 32 writers in 4 processes, 8 subscribers: \(end) events, \(acknowledged) appends",
                "acknowledged, \(failed) rolled back or unknown; delivered \(sums.delivered), missed \(sums.missed),",
                "twice \(sums.twice), out of order \(sums.disorder)")
        }
    }

    private func follow(_ number: Int, _ store: PostgresEventStore) async throws -> [Position] {
        let own = try await PostgresEventStore(TestServer.connection, schema: store.schema, mode: .readOnly)
        var seen: [Position] = []
        for try await batch in own.subscribe() {
            seen += batch.events.map(\.position)
            if batch.events.last?.payload == note("end").payload { break }
        }
        await own.close()
        return seen
    }

    /// Every acknowledged append stands where its receipt says.
    private func check(_ outputs: [String], _ store: PostgresEventStore) async throws -> (Int, Int) {
        var places: [String: String] = [:]
        for try await batch in store.pages(.all) {
            for event in batch.events { places[event.id.description] = event.position.description }
        }
        var (acknowledged, failed) = (0, 0)
        for output in outputs {
            for line in try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                if words.count == 4 {
                    failed += Int(words[3]) ?? 0
                } else {
                    acknowledged += 1
                    #expect(places[words[0]] == words[1])
                }
            }
        }
        #expect(acknowledged > 0)
        return (acknowledged, failed)
    }

    @Test("ORD-1: the naive poller misses events, so the test detects it")
    func naive() async throws {
        let table = TestServer.freshSchema("naive")
        try TestServer.run("CREATE TABLE \(table) (position bigserial PRIMARY KEY)")
        let end = ContinuousClock.now + .seconds(min(seconds, 5))
        let polling = Task.detached {
            var seen: [Int64] = []
            let poller = try Connection(ServerAddress(text: TestServer.connection, schema: ""), for: .writing)
            while true {
                let isOver = ContinuousClock.now > end + .seconds(1)
                let rows = try poller.run(
                    Query("SELECT position FROM \(table) WHERE position > \(seen.last ?? 0) ORDER BY position"))
                seen += try (0..<rows.count).map { try rows.int($0, 0) }
                if isOver { return seen }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    try await onOwnThread {
                        let server = ServerAddress(text: TestServer.connection, schema: "")
                        let writer = try Connection(server, for: .writing)
                        while ContinuousClock.now < end {
                            _ = try writer.run([
                                .begin, Query("INSERT INTO \(table) DEFAULT VALUES"),
                                Query("SELECT pg_sleep(random() * 0.03)"), .commit,
                            ])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let seen = try await polling.value
        let stored = try TestServer.run("SELECT count(*) FROM \(table)").text(0, 0)
        try TestServer.run("DROP TABLE \(table)")
        let missed = (Int(stored) ?? 0) - seen.count
        print("ORD-1: the naive poller beside 32 writers: \(stored) stored, missed \(missed)")
        #expect(missed > 0)
    }
}
#endif
