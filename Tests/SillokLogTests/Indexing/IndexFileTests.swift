import CSQLite
import Foundation
import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokStorage
import SillokTestSupport
import Testing

@testable import SillokLog

/// The index is never the truth: if it is lost or wrong, the log answers.
@Suite struct IndexFileTests {
    private let place = StorePlace()

    private func change(_ sql: String, in store: String = "bank.sillok") throws {
        let connection = try IndexFile.writer(place(store))
        try connection.run(sql)
    }

    private func indexed(_ store: String = "bank.sillok") throws -> Int64 {
        try #require(try IndexFile.state(try IndexFile.reader(place(store)))).indexed
    }

    @Test(arguments: [LogTuning.tiny, LogTuning()])
    func `a deleted index is rebuilt`(_ tuning: LogTuning) async throws {
        var store = try place.open("bank.sillok", .create, tuning)
        try await store.fill(0..<120, by: 7)
        _ = try await store.append(
            AppendRequest([], tracking: Tracking(source: "other", position: 9, event: EventID(high: 1, low: 2))))
        await store.close()
        IndexFile.remove(in: place())
        let progress = Lock<[WorkProgress]>([])
        store = try LogEventStore(path: place(), mode: .existing, tuning: tuning) { step in
            progress.withLock { $0.append(step) }
        }
        try await store.expect(120)
        #expect(try await store.tracking(of: "other")?.event == EventID(high: 1, low: 2))
        if tuning.partEntries < 120 { #expect(progress.withLock { $0.last?.done } == 120) }
        try await store.fill(120..<140)
        try await store.expect(140)
        await store.close()
    }

    @Test func `a reader needs no index to read by position`() async throws {
        let store = try place.open()
        try await store.fill(0..<300, by: 7)
        await store.close()
        IndexFile.remove(in: place())
        let disk = FaultyDisk()
        let reader = try LogEventStore(path: place(), mode: .readOnly, tuning: .tiny, disk: disk)
        disk.reads.withLock { $0 = [] }
        let page = try await reader.read(.all, after: 30, limit: 1)
        #expect(page.events.first?.position == 31)
        // Not all segments, as for an index.
        #expect(disk.reads.withLock { $0.count } < 4)
        try await reader.expect(300)
        await reader.close()
    }

    @Test func `an index that is no database, or a damaged one, is rebuilt`() async throws {
        let store = try place.open()
        try await store.fill(0..<90)
        await store.close()
        let path = IndexFile.path(in: place())
        for count in [0, 10, 5000] {
            IndexFile.remove(in: place())
            #expect(FileManager.default.createFile(atPath: path, contents: Data(repeating: 0x5A, count: count)))
            let store = try place.open()
            try await store.expect(90, "\(count) bytes")
            await store.close()
        }
    }

    @Test func `an index of another store is rebuilt`() async throws {
        let (store, other) = (try place.open(), try place.open("other"))
        try await store.fill(0..<60)
        try await other.fill(0..<90)
        await store.close()
        await other.close()
        IndexFile.remove(in: place())
        try FileManager.default.copyItem(
            atPath: IndexFile.path(in: place("other")), toPath: IndexFile.path(in: place()))
        let again = try place.open()
        try await again.expect(60)
        await again.close()
    }

    @Test func `an index that is newer than the log is rebuilt`() async throws {
        let store = try place.open()
        try await store.fill(0..<40)
        let older = try place.image("older")
        try await store.fill(40..<120)
        await store.close()
        #expect(try indexed() > 40)
        IndexFile.remove(in: older)
        try FileManager.default.copyItem(atPath: IndexFile.path(in: place()), toPath: IndexFile.path(in: older))
        let restored = try place.open("older")
        try await restored.expect(40)
        // Another history with the same identity, longer than the index.
        await restored.close()
        IndexFile.remove(in: older)
        let third = try place.open("older")
        try await third.fill(40..<200)
        await third.close()
        IndexFile.remove(in: older)
        try FileManager.default.copyItem(atPath: IndexFile.path(in: place()), toPath: IndexFile.path(in: older))
        let fourth = try place.open("older")
        try await fourth.expect(200)
        await fourth.close()
    }

    @Test func `an index of an older version is rebuilt`() async throws {
        let store = try place.open()
        try await store.fill(0..<90)
        await store.close()
        try change("DELETE FROM chunks; PRAGMA user_version = 1")
        #expect(try IndexFile.state(try IndexFile.reader(place())) == nil)
        let reader = try place.open("bank.sillok", .readOnly)
        try await reader.expect(90)
        await reader.close()
        let again = try place.open()
        try await again.expect(90)
        await again.close()
    }

    @Test func `a run that cannot be merged makes the index be rebuilt`() async throws {
        var tuning = LogTuning.tiny
        tuning.runs.merged = 1_000
        var store = try place.open("bank.sillok", .create, tuning)
        try await store.fill(0..<90)
        await store.close()
        try change("UPDATE chunks SET entries = x'00' WHERE chunk = (SELECT min(chunk) FROM chunks)")
        store = try place.open()
        let files = try store.makeReader()
        let isReplaced = try await eventually {
            try files.renew()
            return files.view.file > 0 && files.view.gap == nil
        }
        #expect(isReplaced)
        try await store.expect(90)
        await store.close()
    }

    @Test func `a block has the positions that were put in`() throws {
        let many = Array(stride(from: Int64(1), to: 400, by: 3))
        for positions in [[7], [1, 2, 3], [1, 129, 20_000, 5_000_000_000], many] {
            var (bytes, found): ([UInt8], [Int64]) = ([1], [9])
            positions.map { IndexEntry(key: -5, position: $0) }
                .withUnsafeBufferPointer { EntryBlock.encode($0, into: &bytes) }
            try bytes.withUnsafeBytes { try EntryBlock.decode(last: positions.last ?? 0, $0, into: &found) }
            #expect(found == positions.reversed())
        }
        for damaged in [[0x80], [0], [0x09]] as [[UInt8]] {
            var found: [Int64] = []
            #expect(throws: StoreError.self) {
                try damaged.withUnsafeBytes { try EntryBlock.decode(last: 9, $0, into: &found) }
            }
        }
    }

    @Test func `verify finds an entry that is missing, and one that is too many`() async throws {
        // A merge would read the changed runs.
        var tuning = LogTuning.tiny
        tuning.runs.merged = 1_000
        let store = try place.open("bank.sillok", .create, tuning)
        try await store.fill(0..<90)
        await store.close()
        for sql in [
            "DELETE FROM entries WHERE key = (SELECT key FROM entries WHERE last < 9 LIMIT 1)",
            "INSERT INTO entries VALUES (-77, 5, x'')",
            "UPDATE entries SET earlier = x'8080' WHERE last = 3",
            "DELETE FROM chunks WHERE chunk = (SELECT max(chunk) FROM chunks)",
            "DELETE FROM runs WHERE run = (SELECT max(run) FROM runs)",
            "UPDATE runs SET ordered = ordered - 1, last = last - 1 WHERE run = (SELECT max(run) FROM runs)",
            "UPDATE chunks SET entries = x'00' WHERE chunk = (SELECT max(chunk) FROM chunks)",
            "DELETE FROM streams WHERE name = CAST('s-2' AS BLOB)",
        ] {
            try change(sql)
            let store = try place.open("bank.sillok", .create, tuning)
            #expect(try await store.verify().isSound == false, "\(sql)")
            await store.close()
            IndexFile.remove(in: place())
            let again = try place.open("bank.sillok", .create, tuning)
            #expect(try await again.verify().isSound, "\(sql)")
            await again.close()
        }
    }
}
