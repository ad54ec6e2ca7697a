import CSQLite
import CSillok
import Foundation
import Sillok
import SillokChain
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import Testing

@testable import SillokSQLite

/// The keys of event ids, and the conversion of stores whose keys had no secret. `Fixtures/format-3.store` was written by
/// commit 0672aac.
@Suite struct ConversionTests {
    private let folder = TemporaryFolder()

    private func open(
        _ path: String, _ mode: SQLiteEventStore.Mode = .create,
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws -> SQLiteEventStore {
        try SQLiteEventStore(
            path: path, mode: mode, limits: Limits(), clock: .system, tuning: .tiny, progress: progress)
    }

    /// Ids that the hash without a secret gives one key.
    private func craftedIDs(_ count: Int) -> [EventID] {
        (1...UInt64(count)).map { EventID(high: 0xABCD ^ IndexKey.mix($0), low: $0) }
    }

    @Test func `W3: the hash of ids is SipHash-2-4`() {
        let id = EventID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        let hash = sillok_siphash(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, id.high, id.low)
        #expect(hash == 0x3F2A_CC7F_57C2_9BDB)
    }

    @Test func `W3: ids that a client crafts do not share a key of the index`() async throws {
        let path = folder()
        let crafted = craftedIDs(2_000)
        #expect(Set(crafted.map(IDKeys(secret: nil).key)).count == 1)
        let store = try open(path)
        for start in stride(from: 0, to: crafted.count, by: 500) {
            let entries = crafted[start..<start + 500].map { id in
                AppendRequest.Entry(stream: nil, event: EventData(id: id, type: "noted", text: "1"))
            }
            _ = try await store.append(AppendRequest(entries))
        }
        #expect(try await store.event(crafted[1_234])?.position == 1_235)
        #expect(try await store.verify().isSound)
        await store.close()
        let longest = "SELECT max(n) FROM (SELECT count(*) AS n FROM entries WHERE key >= 0 GROUP BY key)"
        #expect(try number(path, longest) <= 2)
        #expect(try number(path, "SELECT count(*) FROM entries WHERE key >= 0") > 1_900)
    }

    @Test func `W3: each store has a secret of its own, which comes from the randomness that it is given`() async throws
    {
        var secrets: [Int64] = []
        for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] as [(String, UInt64)] {
            let store = try SQLiteEventStore(path: folder(name), random: SeededGenerator(seed: seed))
            await store.close()
            secrets.append(try number(folder(name), "SELECT length(value) FROM store WHERE key = 'secret'"))
            let hex = "SELECT hex(value) FROM store WHERE key = 'secret'"
            let text = try Connection(path: folder(name), flags: SQLITE_OPEN_READONLY, cacheKiB: 64).text(
                hex)
            secrets.append(Int64(text?.hashValue ?? 0))
        }
        #expect(secrets[0] == 16)
        #expect(secrets[1] == secrets[3] && secrets[1] != secrets[5])
    }

    @Test func `W3: a store of format 3 is read as it is, and converted when it is opened for writing`() async throws {
        let path = folder()
        try FileManager.default.copyItem(at: fixture("format-3.store"), to: URL(filePath: path))
        #expect(try number(path, "PRAGMA user_version") == 3)
        let old = try open(path, .readOnly)
        let events = try await old.read(.all).events
        #expect(events.count == 53)
        for event in events { #expect(try await old.event(event.id) == event) }
        #expect(try await old.verify().isSound)
        await old.close()
        #expect(try number(path, "PRAGMA user_version") == 3)

        let steps = Lock<[WorkProgress]>([])
        let new = try open(path) { step in steps.withLock { $0.append(step) } }
        #expect(steps.withLock { $0.count } > 3)
        #expect(steps.withLock { $0.last.map { $0.done == $0.total } } == true)
        #expect(try await new.read(.all).events == events)
        for event in events {
            #expect(try await new.event(event.id) == event)
            let request = AppendRequest([.init(stream: event.stream, event: event.data)], tracking: event.tracking)
            #expect(try await new.append(request).position == event.position)
        }
        #expect(try await new.head() == 53)
        #expect(try await new.tracking(of: "elsewhere")?.position == 51)
        #expect(try await new.read(ReadRequest(.tags("third:1"))).events.count == 18)
        for number in 0..<40 { try await new.append([note("later \(number)")], to: "s-1") }
        #expect(try await new.verify().findings == [])
        #expect(try await new.verifyChain()?.events == 93)
        #expect(try await new.verifyChain()?.isIntact == true)
        await new.close()
        #expect(try number(path, "PRAGMA user_version") == 4)
        let again = try open(path) { _ in Issue.record("it is converted once") }
        await again.close()
    }

    @Test func `W3: a process that ends during the conversion leaves the store as it was`() async throws {
        let path = folder()
        try FileManager.default.copyItem(at: fixture("format-3.store"), to: URL(filePath: path))
        let copies = Lock<[String]>([])
        // The files at an instant are what a kill at that instant leaves.
        let store = try open(path) { step in
            let copy = "\(path)-\(step.done)"
            for suffix in ["", "-wal"] {
                try? FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
            }
            copies.withLock { $0.append(copy) }
        }
        let events = try await store.read(.all).events
        await store.close()
        #expect(copies.withLock { $0.count } > 3)
        for copy in copies.withLock({ $0 }) {
            #expect(try number(copy, "PRAGMA user_version") == 3)
            let found = try open(copy)
            #expect(try await found.read(.all).events == events)
            for event in events { #expect(try await found.event(event.id)?.position == event.position) }
            #expect(try await found.verify().isSound)
            await found.close()
        }
    }

    @Test func `W3: a store whose events and index have different ids is not converted`() async throws {
        let path = folder()
        try FileManager.default.copyItem(at: fixture("format-3.store"), to: URL(filePath: path))
        try tamper(path, "UPDATE events SET id = zeroblob(16) WHERE position = 20")
        let error = #expect(throws: StoreError.self) { try open(path) }
        #expect(error?.code == .corrupt)
        let old = try open(path, .readOnly)
        #expect(try await old.verify().isSound == false)
        #expect(try await old.read(.all, limit: 10).events.count == 10)
        await old.close()
    }

    @Test func `W3: whoever has a store of format 3 open gets an error after the conversion, not an answer`()
        async throws
    {
        let path = folder()
        try FileManager.default.copyItem(at: fixture("format-3.store"), to: URL(filePath: path))
        let old = try open(path, .readOnly)
        let event = try #require(try await old.read(.all, limit: 1).events.first)
        let new = try open(path)
        await #expect(throws: StoreError.self) { try await old.event(event.id) }
        await old.close()
        await new.close()
    }
}
