#if os(Linux)
import Foundation
import SillokCore
import SillokLog
import SillokSQLite
import Testing

/// Several processes and one store.
@Suite("processes", .serialized)
struct ProcessTests {
    private static let storages = [Storage.sqlite, .folder]

    private func open(_ bench: TortureBench, _ storage: Storage, isReading: Bool = false) throws -> TestedStore {
        storage == .folder
            ? TestedStore(try LogEventStore(path: bench.store, mode: isReading ? .readOnly : .create))
            : TestedStore(try SQLiteEventStore(path: bench.store, mode: isReading ? .readOnly : .create))
    }

    @Test(
        "DUR-10: a second process is refused at once, and let in as soon as the first is killed", arguments: storages)
    func secondProcess(on storage: Storage) async throws {
        let bench = try TortureBench(on: storage)
        let holder = try bench.start("hold")
        defer { kill(holder.processIdentifier, SIGKILL) }
        let pipe = try #require(holder.standardOutput as? Pipe)
        #expect(String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self) == "open\n")
        let clock = ContinuousClock()
        var code: StoreError.Code?
        let refused = clock.measure {
            do { _ = try open(bench, storage) } catch { code = (error as? StoreError)?.code }
        }
        #expect(code == .locked)
        #expect(refused < .seconds(1))
        kill(holder.processIdentifier, SIGKILL)
        holder.waitUntilExit()
        let start = clock.now
        let store = try open(bench, storage)
        let opened = clock.now - start
        #expect(opened < .seconds(1))
        await store.close()
        print(
            "DUR-10 on \(storage.testDescription): refused after \(refused),",
            "opened \(opened) after the holder was killed")
    }

    @Test(
        "ORD-3: a reader of a writing process sees every event once, in order, before and after it is killed",
        arguments: storages)
    func readerBeside(on storage: Storage) async throws {
        let bench = try TortureBench(on: storage)
        var writing = try bench.start("write")
        defer { kill(writing.processIdentifier, SIGKILL) }
        while !FileManager.default.fileExists(atPath: bench.log) { try await Task.sleep(for: .milliseconds(10)) }
        while try Data(contentsOf: URL(filePath: bench.log)).count < 2000 {
            try await Task.sleep(for: .milliseconds(10))
        }
        let store = try open(bench, storage, isReading: true)
        var seen = Position.start
        var heads: Set<Position> = []
        var restarts = 0
        for try await batch in store.subscribe() {
            for event in batch.events {
                #expect(event.position == seen.next)
                seen = event.position
            }
            heads.insert(batch.head)
            if heads.count >= 10 && restarts == 0 {
                kill(writing.processIdentifier, SIGKILL)
                writing.waitUntilExit()
                writing = try bench.start("write")
                restarts += 1
            }
            if heads.count >= 20 { break }
        }
        #expect(seen.value > 0)
        await store.close()
        print(
            "ORD-3 on \(storage.testDescription): \(seen) events seen beside a writing process in \(heads.count)",
            "snapshots, over a kill; 0 missed")
    }
}
#endif
