import SillokChain
#if Postgres
import Foundation
import Sillok
import SillokTesting
import Testing

@testable import SillokPostgres

/// What the conformance suite cannot know of a store on a server.
@Suite("PostgreSQL: the store", .serialized, .enabled(if: TestServer.isThere))
struct EventStoreTests {
    @Test func `appends and reads go on over ended connections, each event once`() async throws {
        try await withStore { store in
            let ending = TestServer.endingConnections(to: store.schema, every: .milliseconds(20))
            let receipts = try await withThrowingTaskGroup(of: [Receipt].self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        var receipts: [Receipt] = []
                        for number in 1...60 {
                            receipts.append(
                                try await store.append(
                                    [note("\(number)")], to: StreamID("ended", "\(writer)"),
                                    if: .revision(Revision(UInt64(number - 1)), of: StreamID("ended", "\(writer)"))))
                        }
                        return receipts
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            ending.cancel()
            try await ending.value
            #expect(Set(receipts.map(\.position)).count == 480)
            var events: [RecordedEvent] = []
            for try await batch in store.pages(.all) { events += batch.events }
            #expect(events.map(\.position.value) == Array(1...480))
        }
    }

    @Test func `what one writer knows of the log holds although another appends between`() async throws {
        let seed = setting("SILLOK_SEED").flatMap { UInt64($0) } ?? .random(in: 0...999_999)
        print("two writers: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        try await withStore { store in
            let other = try await PostgresEventStore(TestServer.connection, schema: store.schema)
            var revisions: [StreamID: UInt64] = [:]
            var (refused, repeated) = (0, 0)
            for step in 1...400 {
                // Runs of one writer, so that it is sure of the end of the log when the other begins.
                let writer = step / 12 % 2 == 0 ? store : other
                let stream = StreamID("shared", "\(UInt64.random(in: 0..<60, using: &random))")
                let actual = revisions[stream] ?? 0
                let expected = Bool.random(using: &random) ? actual : UInt64.random(in: 0...3, using: &random)
                let events = (0..<Int.random(in: 1...3, using: &random)).map { note("\(step).\($0)") }
                do {
                    let receipt = try await writer.append(
                        events, to: stream, if: .revision(Revision(expected), of: stream))
                    #expect(
                        expected == actual && receipt.revisions == [stream: Revision(actual + UInt64(events.count))])
                    revisions[stream] = actual + UInt64(events.count)
                    guard step % 7 == 0 else { continue }
                    let again = try await (step % 2 == 0 ? store : other)
                        .append(events, to: stream, if: .revision(Revision(expected), of: stream))
                    #expect(again == receipt)
                    repeated += 1
                } catch {
                    guard case AppendError.conflict(let conflict) = error else { throw error }
                    #expect(expected != actual && conflict.streams[stream]?.actual == Revision(actual))
                    refused += 1
                }
            }
            #expect(refused > 20 && repeated > 5)
            #expect(try await store.head().value == revisions.values.reduce(0, +))
            for (stream, revision) in revisions { #expect(try await other.stream(stream)?.revision.value == revision) }
            #expect(try await store.verifyChain()?.isIntact == true)
            await other.close()
        }
    }

    @Test func `the server's default isolation does not matter`() async throws {
        let schema = TestServer.freshSchema()
        let strict = TestServer.connection + "&options=-c%20default_transaction_isolation%3Dserializable"
        let stores = [
            try await PostgresEventStore(strict, schema: schema), try await PostgresEventStore(strict, schema: schema),
        ]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for store in stores {
                for _ in 0..<8 {
                    group.addTask { for number in 0..<25 { try await store.append([note("\(number)")], to: "all-1") } }
                }
            }
            try await group.waitForAll()
        }
        let facts = try #require(try await stores[0].stream("all-1"))
        #expect(facts.revision == 400 && facts.lastPosition == 400)
        for store in stores { await store.close() }
        try TestServer.drop(schema)
    }

    @Test func `a page of large events is held to its bytes, also when small ones are among them`() async throws {
        var limits = Limits()
        limits.pageBytes = 20_000
        try await withStore(limits: limits) { store in
            let small = (0..<300).map { note("\($0)") }
            try await store.append(small)
            let large = EventData(type: "large", payload: Array(repeating: 7, count: 60_000))
            try await store.append([large] + (0..<300).map { note("\($0)") })
            for direction in [ReadRequest.Direction.forward, .backward] {
                var seen: [UInt64] = []
                for try await batch in store.pages(ReadRequest(direction: direction)) {
                    let size = batch.events.reduce(0) { $0 + $1.data.size }
                    #expect(size - (batch.events.last?.data.size ?? 0) < limits.pageBytes)
                    #expect(batch.isEnd || size >= limits.pageBytes || batch.events.count == limits.pageEvents)
                    seen += batch.events.map(\.position.value)
                }
                #expect(seen == (direction == .forward ? Array(1...601) : (1...601).reversed()))
            }
        }
    }

    @Test func `what is recorded is not altered`() async throws {
        try await withStore { store in
            try await store.append([note("1")])
            for sql in ["UPDATE %.events SET type = 'x'", "DELETE FROM %.events", "TRUNCATE %.event_tags"] {
                let failure = #expect(throws: PostgresFailure.self) {
                    try TestServer.run(sql.replacing("%", with: "\"\(store.schema)\""))
                }
                #expect(failure?.state == "42501")
            }
        }
    }

    @Test func `a cancelled append is answered at once as unknown, and its repeat settles it`() async throws {
        try await withStore { store in
            let holder = try Connection(ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing)
            _ = try holder.run([.begin, Query("SELECT FROM \"\(store.schema)\".store FOR UPDATE")])
            let request = AppendRequest([.init(stream: "a-1", event: note("1"))])
            let appending = Task { try await store.append(request) }
            let waiting = "wait_event_type = 'Lock' AND position('\(store.schema)' IN query) > 0"
            while try TestServer.run("SELECT FROM pg_stat_activity WHERE \(waiting)").count == 0 {
                await Task.yield()
            }
            appending.cancel()
            let error = await #expect(throws: AppendError.self) { try await appending.value }?.failure
            #expect(error?.code == .cancelled && error?.outcome == .unknown)
            _ = try holder.run(.rollback)
            #expect(try await store.append(request).position == 1)
            #expect(try await store.head() == 1)
        }
    }

    @Test func `an append that no server takes fails definitely, and says so`() async throws {
        let error = await #expect(throws: StoreError.self) {
            try await PostgresEventStore("host=/nowhere dbname=x", timeout: .milliseconds(50))
        }
        #expect(error?.code == .unavailable && error?.outcome == .definite)
        #expect(ServerAddress(text: "postgres://ada:secret@db/x", schema: "s").described == "postgres://ada@db/x")
    }

    @Test func `a subscriber in another process is woken, and what no notification tells is found`() async throws {
        try await withStore { store in
            let other = try await PostgresEventStore(TestServer.connection, schema: store.schema, mode: .existing)
            var events = other.subscribe().events.makeAsyncIterator()
            for number in 1...20 {
                try await store.append([note("\(number)")])
                #expect(try await events.next()?.position == Position(UInt64(number)))
            }
            // Only told of by a row, as when the notification is lost.
            try TestServer.run(
                """
                INSERT INTO "\(store.schema)".events (position, revision, recorded, id, type, payload, link)
                SELECT 21, 0, recorded, gen_random_uuid(), 'noted', '', '' FROM "\(store.schema)".events WHERE position = 20
                """)
            #expect(try await events.next()?.position == 21)
            await other.close()
        }
    }

    @Test func `a store that is not there, is older or newer is told from one that is`() async throws {
        let schema = TestServer.freshSchema()
        let missing = await #expect(throws: StoreError.self) {
            try await PostgresEventStore(TestServer.connection, schema: schema, mode: .existing)
        }
        #expect(missing?.code == .notFound)
        let store = try await PostgresEventStore(TestServer.connection, schema: schema)
        let again = try await PostgresEventStore(TestServer.connection, schema: schema, mode: .readOnly)
        let ids = (try await store.storeID(), try await again.storeID())
        #expect(ids.0 == ids.1)
        let refused = await #expect(throws: AppendError.self) { try await again.append([note("1")]) }?.failure
        #expect(refused?.code == .readOnly)
        try TestServer.run("INSERT INTO \"\(schema)\".steps VALUES (1000000, 'of tomorrow')")
        let newer = await #expect(throws: StoreError.self) {
            try await PostgresEventStore(TestServer.connection, schema: schema)
        }
        #expect(newer?.code == .unsupportedFormat)
        await store.close()
        await again.close()
        try TestServer.drop(schema)
    }
}
#endif
