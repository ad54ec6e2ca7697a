import CSQLite
import SillokCore
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import Testing

@testable import SillokSQLite

@Suite struct TailSettlingTests {
    @Test(arguments: [15, 100_000])
    func `whoever reads beside the writer finds every event by its tag and its id at once`(tailEntries: Int)
        async throws
    {
        let folder = TemporaryFolder()
        var tuning = Tuning.tiny
        tuning.tailEntries = tailEntries
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
        let beside = try SQLiteEventStore(
            path: folder(), mode: .readOnly, limits: Limits(), clock: .system, tuning: tuning)
        var ids: [EventID] = []
        for number in 0..<120 {
            var event = note("\(number)", tags: [EventTag("third", "\(number % 3)")])
            if number % 2 == 0 { event.id = EventID(high: IndexKey.mix(UInt64(number)), low: 1) }
            ids.append(event.id)
            try await store.append([event], to: StreamID("s-\(number % 5)"))
            for reader in [store, beside] {
                let tagged = try await reader.read(ReadRequest(.tags(EventTag("third", "\(number % 3)"))))
                #expect(tagged.events.map(\.id) == stride(from: number % 3, through: number, by: 3).map { ids[$0] })
                let last = try await reader.read(ReadRequest(.types("noted"), direction: .backward, limit: 1))
                #expect(last.events.map(\.id) == [event.id])
                #expect(try await reader.event(ids[number / 2])?.position == Position(UInt64(number / 2 + 1)))
            }
        }
        await beside.close()
        await store.close()
    }

    @Test func `entries that are on their way when a store is closed are found where they belong`() async throws {
        let folder = TemporaryFolder()
        var tuning = Tuning.tiny
        tuning.tailEntries = 40
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var (count, partly) = (0, 0)
        for _ in 0..<60 {
            let store = try SQLiteEventStore(
                path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                var event = note("\(count)", tags: [EventTag("third", "\(count % 3)")])
                if Bool.random(using: &random) { event.id = EventID(high: random.next(), low: random.next()) }
                try await store.append([event], to: StreamID("s-\(count % 5)"))
                count += 1
            }
            let tagged = try await store.read(ReadRequest(.tags(EventTag("third", "0"))))
            #expect(tagged.events.map(\.position.value) == stride(from: 1, through: UInt64(count), by: 3).map { $0 })
            #expect(try await store.verify().findings == [], "seed \(seed)")
            await store.close()
            let file = try Connection(path: folder(), flags: SQLITE_OPEN_READONLY, cacheKiB: 64)
            partly += Int(
                try file.number(
                    "SELECT max(entries.position) > CAST(CAST(value AS TEXT) AS INTEGER) FROM entries, store "
                        + "WHERE store.key = 'indexed'"
                ))
        }
        #expect(partly > 5, "seed \(seed)")
    }

    @Test func `a mark of how far the index goes that was set back does no harm`() async throws {
        let folder = TemporaryFolder()
        func append(_ count: Int) async throws -> [EventID] {
            let store = try SQLiteEventStore(
                path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: .tiny)
            for number in 0..<count { try await store.append([note("\(number)")], to: "s-1") }
            let page = try await store.read(ReadRequest(.stream("s-1")))
            await store.close()
            return page.events.map(\.id)
        }
        let before = try await append(60)
        try tamper(folder(), "UPDATE store SET value = CAST('5' AS BLOB) WHERE key = 'indexed'")
        let old = try SQLiteEventStore(path: folder(), mode: .readOnly)
        #expect(try await old.read(ReadRequest(.stream("s-1"))).events.map(\.id) == before)
        #expect(try await old.verify().isSound)
        #expect(try await append(60).prefix(60) == before[...])
        #expect(try await old.verify() == VerificationReport(events: 120, streams: 1, findings: []))
        await old.close()
    }

    @Test func `a damaged mark of how far the index goes is refused`() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        try await store.append([note("a"), note("b")], to: "s-1")
        await store.close()
        for value in ["'x'", "'-1'", "'3'"] {
            try tamper(folder(), "UPDATE store SET value = CAST(\(value) AS BLOB) WHERE key = 'indexed'")
            #expect(throws: StoreError.self) { try SQLiteEventStore(path: folder()) }
            let old = try SQLiteEventStore(path: folder(), mode: .readOnly)
            let error = await #expect(throws: StoreError.self) { try await old.read(ReadRequest(.stream("s-1"))) }
            #expect(error?.code == .corrupt)
            #expect(try await old.verify().isSound == false)
            await old.close()
        }
    }
}
