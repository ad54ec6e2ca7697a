import Foundation
import Sillok
import SillokConformance
import SillokSQLite
import SillokTesting
import Testing

/// The same promises while everything that happens now and then happens all the time: moves of index entries,
/// checkpoints, names and revisions that no longer fit in memory.
@Suite(.serialized) struct HousekeepingTests {
    private let folder = TemporaryFolder()

    @Test(arguments: EventStoreSuite.checks)
    func `the store keeps its promises under constant house-keeping`(_ check: EventStoreSuite.Check) async throws {
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 100),
            open: { place in
                try SQLiteEventStore(
                    path: folder(place.name), mode: .create, limits: place.limits, clock: place.clock,
                    tuning: .tiny)
            },
            close: { store, _ in await (store as? SQLiteEventStore)?.close() },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder(place.name + suffix))
                }
            })
        try await suite.run(check)
    }

    @Test func `moves of entries and checkpoints lose nothing, and the store stays sound`() async throws {
        let path = folder()
        let store = try SQLiteEventStore(
            path: path, mode: .create, limits: Limits(), clock: .system, tuning: .tiny)
        var random = SystemRandomNumberGenerator()
        for round in 0..<100 {
            let entries = (0..<20).map { index in
                var event = note(
                    "\(round)/\(index)", tags: [EventTag("t", "\(Int.random(in: 0..<30, using: &random))")])
                if Bool.random() { event.id = EventID(high: random.next(), low: random.next()) }
                return AppendRequest.Entry(stream: StreamID("s-\((round * 20 + index) % 7)"), event: event)
            }
            _ = try await store.append(AppendRequest(entries))
        }
        #expect(try await store.verify().findings == [])
        var found = 0
        for tag in 0..<30 {
            for try await page in store.pages(.tags(EventTag("t", "\(tag)"))) { found += page.events.count }
        }
        #expect(found == 2000)
        for stream in 0..<7 {
            let bound = ReadRequest.Bound.revision(280)
            let page = try await store.read(ReadRequest(.stream(StreamID("s-\(stream)")), after: bound))
            #expect(page.events.first?.revision == 281)
            let before = try await store.read(
                ReadRequest(.stream(StreamID("s-\(stream)")), before: .revision(260), direction: .backward, limit: 5))
            #expect(before.events.map(\.revision.value) == [259, 258, 257, 256, 255])
        }
        await store.close()
    }

    @Test func `a steady writer finds zeros ahead in its log, and what a kill leaves of it is whole`() async throws {
        let path = folder()
        let store = try SQLiteEventStore(path: path)
        func append(_ count: Int) async throws {
            for _ in 0..<count { try await store.append([note("steady")]) }
        }
        // A few appends leave the file as SQLite makes it: a header, and frames to the last byte.
        try await append(10)
        let few = try Data(contentsOf: URL(filePath: path + "-wal"))
        #expect((few.count - 32).isMultiple(of: 24 + 4096))
        #expect(!few.suffix(24 + 4096).allSatisfy { $0 == 0 })
        try await append(190)
        let log = try Data(contentsOf: URL(filePath: path + "-wal"))
        let zeros = log.reversed().prefix { $0 == 0 }.count
        #expect(zeros > 256 << 10)
        // What is there now is what a kill would leave.
        let copy = folder("copy.sqlite")
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        let found = try SQLiteEventStore(path: copy)
        #expect(try await found.head() == 200)
        try await found.append([note("continues")])
        #expect(try await found.verify().findings == [])
        await found.close()
        await store.close()
    }
}
