import Foundation
import SillokChain
import SillokCore
import SillokDisk
import SillokSegments
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
        ].map { LogRequest($0, parts.keys, isChained: true) }
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
            for writer in 0..<4 {
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
