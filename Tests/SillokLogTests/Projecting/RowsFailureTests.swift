import Foundation
import SillokCore
import SillokLog
import SillokSQLiteModels
import SillokTestSupport
import Testing

/// What an append answers when its rows or its events cannot be committed.
@Suite struct RowsFailureTests {
    private struct Unwilling: Error {}

    private let place = StorePlace()
    private let failing = FailingCommits()

    private func open(on disk: FaultyDisk = FaultyDisk()) throws -> LogEventStore {
        var tuning = LogTuning()
        tuning.rowsFaults.failingCommits = failing
        return try LogEventStore(path: place(), mode: .create, tuning: tuning, disk: disk)
    }

    private func request(_ number: Int) -> AppendRequest {
        AppendRequest([.init(stream: "s-1", event: note(number))])
    }

    private func expectTold(_ store: LogEventStore, _ location: SourceLocation = #_sourceLocation) async throws {
        #expect(try await StreamLengths.findings(store, store.readModel) == [], sourceLocation: location)
    }

    @Test func `rows that cannot be committed once are projected again before the answer`() async throws {
        let store = try open()
        try await StreamLengths.attach(to: store.readModel)
        for number in 1...3 {
            failing.set(1)
            #expect(try await store.append(request(number)).position.value == UInt64(number))
            try await expectTold(store)
        }
        await store.close()
    }

    @Test func `an append without rows is not acknowledged, and neither is its repeat, until the rows are written`()
        async throws
    {
        let store = try open()
        try await StreamLengths.attach(to: store.readModel)
        try await store.append([note(0)], to: "s-1")
        // The commit of the group, the second attempt; the attempt of the repeat; that of another append.
        failing.set(4)
        let first = request(1)
        let stored = await #expect(throws: AppendError.self) { try await store.append(first) }?.failure
        #expect(stored?.code == .full && stored?.outcome == .unknown)
        #expect(stored?.message.contains("the events are stored") == true)
        #expect(try await store.event(first.entries[0].event.id)?.position == 2)
        let again = await #expect(throws: AppendError.self) { try await store.append(first) }?.failure
        #expect(again?.code == .full && again?.outcome == .unknown)
        let other = await #expect(throws: AppendError.self) { try await store.append(request(2)) }?.failure
        #expect(other?.code == .full && other?.outcome == .definite)
        #expect(try await store.append(first).position == 2)
        #expect(try await store.append(request(3)).position == 3)
        try await expectTold(store)
        await store.close()
    }

    @Test func `a rule that rejects an event the second time stops appends until a corrected rule is attached`()
        async throws
    {
        let store = try open()
        let isUnwilling = Lock(false)
        try await StreamLengths.attach(to: store.readModel) { [failing] event in
            if isUnwilling.withLock({ $0 }) { throw Unwilling() }
            if event.position == 2 {
                isUnwilling.withLock { $0 = true }
                failing.set(1)
            }
        }
        try await store.append([note(0)], to: "s-1")
        let stored = await #expect(throws: AppendError.self) { try await store.append(request(1)) }?.failure
        #expect(stored?.code == .refused && stored?.outcome == .unknown)
        let other = await #expect(throws: AppendError.self) { try await store.append(request(2)) }?.failure
        #expect(other?.code == .refused && other?.outcome == .definite)
        #expect(other?.message.contains("position 2") == true)
        #expect(try await store.head() == 2)
        try await StreamLengths.attach(to: store.readModel)
        #expect(try await store.append(request(3)).position == 3)
        try await expectTold(store)
        await store.close()
    }

    @Test func `if the log cannot be synced, the rows are not committed`() async throws {
        let disk = FaultyDisk()
        let store = try open(on: disk)
        try await StreamLengths.attach(to: store.readModel)
        try await store.append([note(0)], to: "s-1")
        disk.faults.withLock { $0.syncing = EIO }
        let failure = await #expect(throws: AppendError.self) { try await store.append(request(1)) }?.failure
        #expect(failure?.code == .ioFailure && failure?.outcome == .unknown)
        try await expectTold(store)
        await store.close()
        let again = try open()
        try await StreamLengths.attach(to: again.readModel)
        try await again.append([note(2)], to: "s-1")
        try await expectTold(again)
        await again.close()
    }

    @Test func `an append that a rule refuses leaves nothing in its group`() async throws {
        let store = try open()
        try await StreamLengths.attach(to: store.readModel)
        let results = await withTaskGroup(of: (Int, Bool).self) { group in
            for number in 0..<60 {
                group.addTask {
                    let last = number % 3 == 0 ? EventData(type: "refused", text: "") : note(number)
                    let stream = StreamID("s-\(number % 7)")
                    let entries = [note(number), last].map { AppendRequest.Entry(stream: stream, event: $0) }
                    do throws(AppendError) {
                        _ = try await store.append(AppendRequest(entries))
                        return (number, true)
                    } catch {
                        guard case .refused = error else { return (-1, true) }
                        return (number, false)
                    }
                }
            }
            return await group.reduce(into: [(Int, Bool)]()) { $0.append($1) }
        }
        #expect(results.allSatisfy { $0 >= 0 && $1 == ($0 % 3 != 0) })
        #expect(try await store.head() == 80)
        try await expectTold(store)
        #expect(try await store.verify().isSound)
        await store.close()
    }
}
