import Foundation
import Sillok
import SillokSQL
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// How the files of a store that failed are removed, so that no other process loses what it has stored.
@Suite(.timeLimit(.minutes(10))) struct RemovalTests {
    private let folder = TemporaryFolder()

    private func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path))
    }

    /// Opens the store as a process does that waits for its turn to write.
    private func opened(_ path: String) async throws -> SQLiteEventStore {
        let end = ContinuousClock.now + .seconds(300)
        while true {
            do {
                return try SQLiteEventStore(path: path)
            } catch let error as StoreError where error.code == .locked && ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    @Test("Storages 2: a lock excludes others also while its file is removed")
    func lock() async throws {
        let path = folder("some-lock")
        let holders = Lock((now: 0, most: 0, rounds: 0))
        let ended = Lock(0)
        for _ in 0..<4 {
            startThread {
                for _ in 0..<400 {
                    guard let lock = try? FileLock(path: path, isHeld: { _ in "held" }) else { continue }
                    holders.withLock { holders in
                        holders.now += 1
                        holders.most = max(holders.most, holders.now)
                        holders.rounds += 1
                    }
                    yieldThread()
                    holders.withLock { $0.now -= 1 }
                    lock.removeFile()
                }
                ended.withLock { $0 += 1 }
            }
        }
        try #require(try await eventually { ended.withLock { $0 } == 4 })
        let found = holders.withLock { $0 }
        #expect(found.most == 1)
        #expect(found.rounds > 400)
    }

    @Test("Storages 2: a store that is removed because it is unused never takes what another one has stored")
    func waitingAppend() async throws {
        for round in 0..<60 {
            let path = folder("store-\(round)")
            let failing = try SQLiteEventStore(path: path)
            let other = Task {
                let store = try await opened(path)
                let receipt = try await store.append([note("kept")], to: "s-1")
                await store.close()
                return receipt
            }
            await failing.closeRemovingFiles(onlyIfUnused: true)
            let receipt = try await other.value
            let again = try SQLiteEventStore(path: path, mode: .existing)
            #expect(try await again.head() == receipt.position)
            await again.close()
        }
    }

    @Test("Storages 2: only a file that this opening has made, and that nothing was written to, is removed")
    func unused() async throws {
        let unused = try SQLiteEventStore(path: folder("unused"))
        await unused.closeRemovingFiles(onlyIfUnused: true)
        #expect(try names().isEmpty)

        try Data().write(to: folder.url.appending(path: "mine"))
        let mine = try SQLiteEventStore(path: folder("mine"))
        await mine.closeRemovingFiles(onlyIfUnused: true)
        let events = try SQLiteEventStore(path: folder("events"))
        try await events.append([note("a")], to: "s-1")
        await events.closeRemovingFiles(onlyIfUnused: true)
        let tracking = try SQLiteEventStore(path: folder("tracking"))
        _ = try await tracking.append(AppendRequest([], tracking: Tracking(source: "other", position: 7)))
        await tracking.closeRemovingFiles(onlyIfUnused: true)
        let rows = try SQLiteEventStore(path: folder("rows"))
        try await rows.readModel.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        await rows.closeRemovingFiles(onlyIfUnused: true)
        let kept: Set<String> = ["mine", "events", "tracking", "rows"]
        #expect(try names().filter { !$0.contains("-") } == kept)
        let always = try SQLiteEventStore(path: folder("events"))
        await always.closeRemovingFiles(onlyIfUnused: false)
        #expect(try names().filter { $0.hasPrefix("events") } == [])
    }

    @Test("Storages 2: of two backups to one path one is refused, and neither harms the other")
    func backups() async throws {
        let store = try SQLiteEventStore(path: folder())
        for _ in 0..<20 { try await store.append((0..<500).map { note("\($0)") }) }
        for round in 0..<3 {
            let path = folder("copy-\(round)")
            let results = await withTaskGroup(of: Result<BackupReport, any Error>.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do { return .success(try await store.backup(to: path)) } catch { return .failure(error) }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let codes = results.map { result -> StoreError.Code? in
                if case .failure(let error) = result { (error as? StoreError)?.code } else { nil }
            }
            #expect(codes.filter { $0 == nil }.count == 1, "\(results)")
            #expect(codes.allSatisfy { [nil, .locked, .readOnly].contains($0) }, "\(results)")
            let copy = try SQLiteEventStore(path: path, mode: .readOnly)
            #expect(try await copy.head() == 10_000)
            await copy.close()
        }
        #expect(try names().filter { $0.contains("partial") } == [])
        await store.close()
    }
}
