import CSQLite
import Foundation
import Sillok
import SillokSQL
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// The write-ahead log while others read.
@Suite(.serialized) struct CheckpointTests {
    private let folder = TemporaryFolder()

    private func open() throws -> SQLiteEventStore {
        try SQLiteEventStore(
            path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: .tiny)
    }

    private func logSize() throws -> Int {
        FileFacts(path: folder() + "-wal").map { Int($0.bytes) } ?? 0
    }

    /// Waiting for a reader takes five seconds at each of about fifty attempts.
    private static let mostWaiting = Duration.seconds(20)

    /// Returns the time that calls take one after the other. Stops when it is certain that they wait.
    private func timed(_ count: Int, _ body: (Int) async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        for number in 0..<count where start.duration(to: .now) < Self.mostWaiting { try await body(number) }
        return start.duration(to: .now)
    }

    @Test func `W5: appends do not wait for a reader that keeps its snapshot, and the log is cut when it has gone`()
        async throws
    {
        let store = try open()
        try await store.append([note("first")])
        let reader = try Connection(path: folder(), flags: SQLITE_OPEN_READONLY, cacheKiB: 64)
        try reader.run("BEGIN; SELECT count(*) FROM events")
        let logBytes = Lock(0)
        store.onCommit { commit in logBytes.withLock { $0 = commit.logBytes ?? -1 } }
        let waits = try await timed(100) { try await store.append([note("\($0)")], to: "s-1") }
        #expect(waits < Self.mostWaiting, "the appends waited for the reader")
        let grown = try logSize()
        #expect(grown > 100 * 4096)
        #expect(logBytes.withLock { $0 } > 100 * 4096)
        #expect(try reader.number("SELECT count(*) FROM events") == 1)
        try reader.run("COMMIT")
        for number in 0..<20 { try await store.append([note("later \(number)")], to: "s-1") }
        #expect(try logSize() < grown / 2)
        #expect(logBytes.withLock { $0 } < 100 * 4096)
        #expect(try await store.verify().isSound)
        await store.close()
    }

    @Test func `W5: a store is closed, and opened again, beside a reader that keeps its snapshot`() async throws {
        let store = try open()
        try await store.append([note("first")])
        let reader = try Connection(path: folder(), flags: SQLITE_OPEN_READONLY, cacheKiB: 64)
        try reader.run("BEGIN; SELECT count(*) FROM events")
        for number in 0..<20 { try await store.append([note("\(number)")], to: "s-1") }
        let start = ContinuousClock.now
        await store.close()
        let again = try open()
        #expect(try await again.head() == 21)
        #expect(start.duration(to: .now) < .seconds(4))
        try await again.append([note("on")], to: "s-1")
        try reader.run("COMMIT")
        await again.close()
        #expect(try logSize() == 0)
    }

    @Test func `W5: short reads that never end do not keep the log for ever`() async throws {
        let store = try open()
        try await store.append([note("first")])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    while !Task.isCancelled { _ = try await store.read(.all) }
                }
            }
            for number in 0..<600 { try await store.append([note("\(number)")], to: "s-\(number % 3)") }
            group.cancelAll()
        }
        // About 3,000 pages were written.
        #expect(try logSize() < 1_500 * 4096)
        await store.close()
    }

    @Test func `W5: the gate holds snapshots only while others are open, and not for long`() {
        let gate = SnapshotGate()
        gate.hold()
        #expect(!gate.isHolding)
        gate.passing {
            gate.hold()
            #expect(gate.isHolding)
            gate.open()
            #expect(!gate.isHolding)
            gate.hold()
        }
        // Ends without anybody opening it.
        let passed = gate.passing { true }
        #expect(passed && !gate.isHolding)
    }

    @Test func `W5: a read model does not wait for a reader that keeps its snapshot`() async throws {
        let path = folder("views")
        let model = try SQLiteReadModel(path: path, checkpoints: .tiny, timeout: .seconds(10))
        try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        let reader = try Connection(path: path, flags: SQLITE_OPEN_READONLY, cacheKiB: 64)
        try reader.run("BEGIN; SELECT count(*) FROM t")
        let waits = try await timed(100) {
            try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (\($0))")]))
        }
        #expect(waits < Self.mostWaiting, "the writes waited for the reader")
        try reader.run("COMMIT")
        await model.close()
    }
}
