import Foundation
import SillokChain
import SillokCore
import SillokDisk
import SillokSegments
import SillokStorage
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

@Suite struct WritingTests {
    private let place = StorePlace()

    /// The state of the thread that appends, on the thread of the test.
    private func writer() throws -> (LogParts, LogWriter) {
        let opening = LogOpening(
            folder: place(), limits: Limits(), tuning: .tiny, disk: SystemDisk(), progress: { _ in })
        let parts = try opening.forWriting(creating: true, LogOrigins(), .system)
        return (parts, try #require(parts.writer).writer)
    }

    private func request(_ events: [EventData], in stream: StreamID = "s-1", if condition: AppendCondition = .always)
        throws -> AppendRequest
    {
        AppendRequest(events.map { AppendRequest.Entry(stream: stream, event: $0) }, if: condition)
    }

    @Test func `an append that is refused leaves nothing of itself in its group`() throws {
        let (parts, writer) = try writer()
        let (first, second) = (note(0), note(1))
        let group = try [
            request([first], if: .revision(0, of: "s-1")), request([note(7)], if: .revision(0, of: "s-1")),
            request([second], if: .revision(1, of: "s-1")), request([first], if: .revision(0, of: "s-1")),
            request([note(8), first]),
        ].map { LogRequest($0, $0.runs, parts.keys, isChained: true) }
        let answers = writer.execute(group)
        guard case .success(.appended(let receipt, _)) = answers[0], case .failure(AppendError.conflict) = answers[1],
            case .success(.appended(let next, _)) = answers[2], case .success(.appended(let again, _)) = answers[3],
            case .failure(AppendError.knownID) = answers[4]
        else {
            Issue.record("\(answers)")
            return
        }
        #expect(receipt.position == 1 && next.position == 2 && again == receipt)
        let reader = try parts.makeReader()
        try reader.renew()
        #expect(reader.head() == 2)
        #expect(try reader.event(second.id)?.revision == 2)
        #expect(try reader.event(at: 2).id == second.id)
        writer.finish()
    }

    @Test func `a full disk is a definite refusal, and appends continue when there is room`() async throws {
        let disk = FaultyDisk()
        let store = try LogEventStore(path: place(), mode: .create, tuning: .tiny, disk: disk)
        disk.faults.withLock { $0.creating = ENOSPC }
        var (stored, failure): (Int, StoreError?) = (0, nil)
        while failure == nil, stored < 1000 {
            do {
                try await store.fill(stored..<stored + 1)
                stored += 1
            } catch {
                failure = (error as? AppendError)?.failure
            }
        }
        #expect(failure?.code == .full)
        #expect(failure?.outcome == .definite)
        try await store.expect(stored)
        disk.faults.withLock { $0.creating = nil }
        try await store.fill(stored..<stored + 20)
        try await store.expect(stored + 20)
        await store.close()
        let again = try place.open()
        try await again.expect(stored + 20)
        await again.close()
    }

    @Test func `after a failed sync the outcome is unknown, and the store takes no more appends`() async throws {
        let disk = FaultyDisk()
        let store = try LogEventStore(path: place(), mode: .create, tuning: LogTuning(), disk: disk)
        try await store.fill(0..<5)
        disk.faults.withLock { $0.syncing = EIO }
        let lost = AppendRequest([AppendRequest.Entry(stream: "s-0", event: note(5))])
        for _ in 0..<2 {
            let error = await #expect(throws: AppendError.self) { try await store.append(lost) }
            #expect(error?.failure?.outcome == .unknown)
        }
        disk.faults.withLock { $0.syncing = nil }
        let error = await #expect(throws: AppendError.self) { try await store.append([note(9)]) }
        #expect(error?.failure?.outcome == .definite)
        #expect(error?.failure?.code == .ioFailure)
        // No reader sees it, although it was written.
        try await store.expect(5)
        await store.close()
        let again = try place.open()
        // The repeat settles it.
        #expect(try await again.append(lost).position == 6)
        try await again.expect(6)
        await again.close()
    }

    @Test func `a copy can be made while others append, and is a store`() async throws {
        let store = try place.open("bank.sillok", .create, LogTuning())
        try await store.fill(0..<100, by: 9)
        let copied = try await withThrowingTaskGroup(of: BackupReport?.self) { group in
            for writer in 0..<16 {
                group.addTask {
                    for number in 0..<20 { try await store.append([note(number)], to: StreamID("w-\(writer)")) }
                    return nil
                }
            }
            let (store, path) = (store, place("copy"))
            group.addTask { try await store.backup(to: path) }
            var report: BackupReport?
            for try await result in group { report = report ?? result }
            return report
        }
        let report = try #require(copied)
        #expect(report.head.value >= 100 && report.verification.isSound && report.bytes > 0)
        let copy = try place.open("copy", .existing, LogTuning())
        #expect(try await copy.head() == report.head)
        let (id, chain, link) = try await (store.storeID(), store.chain(), store.link(at: report.head))
        #expect(try await copy.storeID() == id)
        #expect(try await copy.chain() == chain)
        #expect(try await copy.link(at: report.head) == link)
        let error = await #expect(throws: StoreError.self) { try await store.backup(to: place("copy")) }
        #expect(error?.code == .readOnly)
        await copy.close()
        await store.close()
        #expect(!FileManager.default.fileExists(atPath: place("copy.partial")))
    }

    @Test func `commits and appends are reported`() async throws {
        let store = try place.open()
        let seen = Lock<(commits: Int, events: Int, appends: Int)>((0, 0, 0))
        store.onCommit { commit in
            seen.withLock { seen in
                seen.commits += commit.appends
                seen.events += commit.events
            }
        }
        #expect(store.observeAppends { _ in seen.withLock { $0.appends += 1 } })
        try await store.fill(0..<10, by: 3)
        #expect(seen.withLock { $0 == (4, 10, 4) })
        await store.close()
    }
}

/// What the log does when no append waits.
@Suite struct IdleTests {
    private let place = StorePlace()

    /// The writes of one header behind the last group: marks.
    private func marks(_ disk: FaultyDisk) -> Int { disk.writes.withLock { $0.filter { $0 == 64 }.count } }

    private func waitForMarks(_ count: Int, _ disk: FaultyDisk) async throws {
        let start = ContinuousClock.now
        while marks(disk) < count, start.duration(to: .now) < .seconds(120) { await Task.yield() }
        #expect(marks(disk) == count)
    }

    @Test func `an idle log gets one mark, and a busy one none`() async throws {
        let disk = FaultyDisk()
        var tuning = LogTuning()
        tuning.idleTime = .seconds(3600)
        var store = try LogEventStore(path: place(), mode: .create, tuning: tuning, disk: disk)
        disk.writes.withLock { $0 = [] }
        try await store.fill(0..<9)
        #expect(marks(disk) == 0)
        await store.close()
        #expect(marks(disk) == 1)
        tuning.idleTime = .milliseconds(1)
        store = try LogEventStore(path: place(), mode: .create, tuning: tuning, disk: disk)
        for round in 1...3 {
            disk.writes.withLock { $0 = [] }
            try await store.fill(8 + round..<9 + round)
            try await waitForMarks(1, disk)
        }
        // What a power cut leaves has a later witness, so a flipped bit in the last group is damage.
        let folder = try place.image("flipped")
        let path = folder + "/log/00000000000000000001.seg"
        var bytes = Array(try #require(FileManager.default.contents(atPath: path)))
        let last = try #require(bytes.lastIndex { $0 != 0 })
        bytes[last - 100] ^= 4
        try FileManager.default.removeItem(atPath: folder + "/durable")
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
        let damaged = try LogEventStore(path: folder, mode: .existing, tuning: tuning)
        #expect(damaged.damage != nil)
        await damaged.close()
        await store.close()
    }

    @Test func `on a full disk the next segment is tried again after a pause`() async throws {
        let (disk, time) = (FaultyDisk(), Lock(Timestamp(microsecondsSince1970: 1_000_000_000)))
        let clock = WallClock { time.withLock { $0 } }
        var tuning = LogTuning()
        tuning.segments.firstSegmentBytes = 1 << 16
        let store = try LogEventStore(path: place(), mode: .create, clock: clock, tuning: tuning, disk: disk)
        disk.faults.withLock { $0.creating = ENOSPC }
        disk.failedCreations.withLock { $0 = 0 }
        var stored = 0
        // Until the segment is half full.
        while disk.failedCreations.withLock({ $0 }) == 0, stored < 1000 {
            try await store.fill(stored..<stored + 1)
            stored += 1
        }
        for _ in 0..<20 {
            try await store.fill(stored..<stored + 1)
            stored += 1
        }
        #expect(disk.failedCreations.withLock { $0 } == 1)
        time.withLock { $0 = Timestamp(microsecondsSince1970: $0.microsecondsSince1970 + 1_000_000) }
        try await store.fill(stored..<stored + 1)
        let start = ContinuousClock.now
        while disk.failedCreations.withLock({ $0 }) == 1, start.duration(to: .now) < .seconds(120) {
            await Task.yield()
        }
        #expect(disk.failedCreations.withLock { $0 } == 2)
        disk.faults.withLock { $0.creating = nil }
        await store.close()
    }
}
