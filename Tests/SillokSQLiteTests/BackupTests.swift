import Foundation
import Sillok
import SillokCore
import SillokSQLite
import SillokTesting
import Testing

/// OPS-1: a copy beside writers is a prefix of the log with everything that was acknowledged before it was begun.
@Suite("Backup")
struct BackupTests {
    private static var rounds: Int {
        ProcessInfo.processInfo.environment["SILLOK_BACKUPS"].flatMap { Int($0) } ?? 3
    }

    @Test("copies under sixteen writers have all that was acknowledged, as it was")
    func copies() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let acknowledged = Lock(0)
        let writers = Task {
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<16 {
                    group.addTask {
                        while !Task.isCancelled {
                            let receipt = try? await store.append([note("\(writer)")], to: StreamID("writer-\(writer)"))
                            guard let receipt else { return }
                            acknowledged.withLock { $0 = max($0, Int(receipt.position.value)) }
                        }
                    }
                }
            }
        }
        while acknowledged.withLock({ $0 }) < 100 { try await Task.sleep(for: .milliseconds(1)) }
        for round in 1...Self.rounds {
            let before = acknowledged.withLock { $0 }
            let path = folder("copy-\(round).sqlite")
            let report = try await store.backup(to: path)
            #expect(report.head.value >= UInt64(before) && report.verification.isSound)
            try await expectPrefix(path, of: store, head: report.head)
        }
        writers.cancel()
        await writers.value
        await store.close()
    }

    private func expectPrefix(_ path: String, of store: SQLiteEventStore, head: Position) async throws {
        let copy = try SQLiteEventStore(path: path)
        #expect(try await copy.storeID() == store.storeID())
        #expect(try await copy.head() == head)
        var mine = store.pages(ReadRequest(before: .position(head.next))).events.makeAsyncIterator()
        for try await event in copy.pages(.all).events { #expect(try await mine.next() == event) }
        #expect(try await mine.next() == nil)
        // A restored store continues where it ends, and a reader that is ahead of it gets storeChanged.
        #expect(try await copy.append([note("restored")], to: "writer-0").position == head.next)
        await #expect {
            for try await _ in copy.subscribe(after: Position(head.value + 100)) { break }
        } throws: { ($0 as? StoreError)?.code == .storeChanged }
        await copy.close()
    }

    @Test("a copy never takes the place of something, and one that is not sound is not kept")
    func refusals() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        try await store.append([note("a"), note("b")], to: "a-1")
        try Data("mine".utf8).write(to: folder.url.appending(path: "taken"))
        await #expect(throws: StoreError.self) { try await store.backup(to: folder("taken")) }
        #expect(try String(contentsOfFile: folder("taken"), encoding: .utf8) == "mine")
        await #expect(throws: StoreError.self) { try await store.backup(to: folder("none/copy")) }
        await store.close()
        try tamper(folder(), "UPDATE events SET payload = X'78' WHERE position = 2")
        let damaged = try SQLiteEventStore(path: folder(), mode: .readOnly)
        await #expect { try await damaged.backup(to: folder("copy")) } throws: {
            ($0 as? StoreError)?.code == .corrupt
        }
        #expect(!FileManager.default.fileExists(atPath: folder("copy")))
        #expect(!FileManager.default.fileExists(atPath: folder("copy.partial")))
        await damaged.close()
    }

    @Test("every commit is reported, with its contents")
    func commits() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let seen = Lock([CommitMeasurement]())
        store.onCommit { commit in seen.withLock { $0.append(commit) } }
        for _ in 1...5 { try await store.append([note("a"), note("b")]) }
        let commits = seen.withLock { $0 }
        #expect(commits.reduce(0) { $0 + $1.appends } == 5 && commits.reduce(0) { $0 + $1.events } == 10)
        #expect(commits.allSatisfy { $0.syncTime > .zero })
        await store.close()
    }

    @Test("reporting the hundredth commit takes no more calls than the first")
    func commitsStayCheap() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let depths = Lock([Int]())
        store.onCommit { _ in
            let depth = Thread.callStackReturnAddresses.count
            depths.withLock { $0.append(depth) }
        }
        for _ in 1...100 { try await store.append([note("a")]) }
        let seen = depths.withLock { $0 }
        #expect(seen.count == 100 && seen.first == seen.last)
        await store.close()
    }
}
