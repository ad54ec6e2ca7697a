import Sillok
import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import SillokThreads
import Testing

@testable import SillokSQLite

/// Conditions take few steps on the thread that writes, and a limited number of steps elsewhere.
@Suite struct BoundedConditionTests {
    /// The tail holds everything, or the table does.
    private static let tunings: [(Int, Tuning)] = [131_072, 15].map { entries in
        let tuning = Tuning(tailEntries: entries)
        return (entries, tuning)
    }

    private func append(_ items: [EventQuery.Item], since position: Position = .start) -> AppendRequest {
        AppendRequest([entry(0, in: "late-1")], if: .unchanged(EventQuery(items), since: position))
    }

    @Test("W1: two frequent tags that never meet do not stop other appends", arguments: tunings)
    func frequentTagsThatNeverMeet(_ tuning: (Int, Tuning)) async throws {
        let log = try await Budgeted(halves(20_000), tuning: tuning.1)
        let writer = try log.writer()
        let distinct = (0..<100).map {
            EventQuery.Item(types: ["noted", EventType("other-\($0)")], tags: meeting.tags)
        }
        let others = AppendRequest([entry(1, in: "other-1")], if: .revision(0, of: "other-1"))
        let group = [append(distinct), others].map { WriterRequest.append(PreparedAppend($0, isChained: true)) }
        let answers = writer.execute(group)
        guard case .success(.undecided) = answers[0] else {
            Issue.record("the writer judged the whole condition: \(answers[0])")
            return
        }
        guard case .success(.appended(let receipt, _)) = answers[1] else {
            Issue.record("the other append was not recorded: \(answers[1])")
            return
        }
        #expect(receipt.position == 20_001)
        // One block of an index list may come on top.
        #expect(tuning.1.groupSteps - writer.stepsLeft < tuning.1.writerSteps + 1100)
    }

    @Test("W1: conditions of one group share the steps of the writer")
    func conditionsShareSteps() async throws {
        let log = try await Budgeted(halves(4_000))
        let writer = try log.writer()
        let group = (0..<200).map { number in
            let item = EventQuery.Item(tags: meeting.tags + [EventTag("n", "\(number)")])
            return WriterRequest.append(PreparedAppend(append([meeting, item]), isChained: true))
        }
        let answers = writer.execute(group)
        #expect(answers.allSatisfy { if case .success(.undecided) = $0 { true } else { false } })
        #expect(Tuning().groupSteps - writer.stepsLeft < Tuning().groupSteps + 200 * 200)
    }

    @Test("W1: a condition that takes too many steps is refused by name, and others continue", arguments: tunings)
    func refusedByName(_ tuning: (Int, Tuning)) async throws {
        var limits = Limits()
        limits.conditionSteps = 5_000
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: limits, clock: .system, tuning: tuning.1)
        let memory = MemoryEventStore(limits: limits)
        for log in [store as any EventStore, memory] {
            let entries = halves(12_000)
            for start in stride(from: 0, to: 12_000, by: 1000) {
                try await log.append(AppendRequest(Array(entries[start..<start + 1000])))
            }
            let cheap = EventQuery.Item(stream: "none-1")
            let error = await #expect(throws: AppendError.self) {
                try await log.append(append([cheap, meeting]))
            }?.failure
            #expect(error?.code == .tooExpensive)
            #expect(error?.outcome == .definite)
            #expect(error?.message.contains("(tags half:a and half:b), unchanged since position 0") == true)
            #expect(error?.message.contains("the head is 12000") == true)
            #expect(try await log.head() == 12_000)
            // The way that the message names works.
            #expect(try await log.append(append([cheap, meeting], since: 11_900)).position == 12_001)
            let rarer = EventQuery.Item(stream: "late-2", tags: meeting.tags)
            #expect(try await log.append(append([rarer])).position == 12_002)
        }
        await store.close()
    }

    @Test("W1: equal items of a condition are judged once")
    func equalItems() async throws {
        let log = try await Budgeted(halves(1_000))
        let reader = try log.reader()
        func steps(_ condition: AppendCondition) throws -> Int {
            let budget = StepBudget(steps: .max / 2)
            return try reader.connection.reading {
                let judge = ConditionJudge(reader, head: try reader.head(), limits: Limits(), budget)
                _ = try judge.verdict(on: JudgedCondition(condition))
                return budget.used
            }
        }
        let turned = EventQuery.Item(tags: ["half:b", "half:a", "half:b"])
        let many = (0..<100).map { $0.isMultiple(of: 2) ? meeting : turned }
        let once = try steps(.absent(EventQuery([meeting])))
        #expect(try steps(.absent(EventQuery(many))) <= once + 2)
        let several = (0..<100).map { AppendCondition.Unchanged(EventQuery(many), since: Position(UInt64($0))) }
        #expect(try steps(AppendCondition(unchanged: several)) <= once + 2)
        #expect(try reader.walk(many, .forward).steps <= reader.walk([meeting], .forward).steps + 2)
    }

    @Test("W1: a condition that was judged outside is judged on the writer for what came after only")
    func onlyWhatCameAfter() async throws {
        let log = try await Budgeted(halves(20_000))
        let writer = try log.writer()
        var prepared = PreparedAppend(PreparedAppend(append([meeting]), isChained: true), heldThrough: 20_000)
        let before = writer.execute([.append(PreparedAppend(AppendRequest(halves(100)), isChained: true))])
        guard case .success(.appended) = before[0], case .success(.appended) = writer.execute([.append(prepared)])[0]
        else {
            Issue.record("it was not recorded")
            return
        }
        let both = AppendRequest([entry(0, tags: meeting.tags)])
        _ = writer.execute([.append(PreparedAppend(both, isChained: true))])
        prepared = PreparedAppend(PreparedAppend(append([meeting]), isChained: true), heldThrough: 20_101)
        guard case .failure(AppendError.conflict(let conflict)) = writer.execute([.append(prepared)])[0] else {
            Issue.record("no conflict")
            return
        }
        #expect(conflict.events.map(\.position) == [20_102])
    }

    @Test("W1: a cancelled append whose condition is judged outside stores nothing and reports that")
    func cancelledAppend() async throws {
        var tuning = Tuning()
        tuning.writerSteps = 1
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
        for _ in 0..<4 { _ = try await store.append(AppendRequest(halves(1000))) }
        let request = append([meeting])
        let task = Lock<Task<Receipt, any Error>?>(nil)
        // The writer has left the condition undecided, and its answer comes after this.
        store.onCommit { _ in task.wait { $0 }.cancel() }
        let append = Task { try await store.append(request) }
        task.withLock { $0 = append }
        task.wakeAll()
        let error = await #expect(throws: AppendError.self) { try await append.value }?.failure
        #expect(error?.code == .cancelled && error?.outcome == .definite)
        #expect(try await store.head() == 4_000)
        #expect(try await store.append(request).position == 4_001)
        await store.close()
    }

    @Test("W1: a repeated append answers its first receipt, however expensive its condition is")
    func repeatedAppend() async throws {
        var limits = Limits()
        let folder = TemporaryFolder()
        var tuning = Tuning()
        tuning.writerSteps = 1
        let request = append([meeting])
        let first = try SQLiteEventStore(
            path: folder(), mode: .create, limits: limits, clock: .system, tuning: tuning)
        for _ in 0..<4 { _ = try await first.append(AppendRequest(halves(1000))) }
        let receipt = try await first.append(request)
        await first.close()
        limits.conditionSteps = 10
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: limits, clock: .system, tuning: tuning)
        #expect(try await store.append(request) == receipt)
        await store.close()
    }

    @Test("W1: the expected revisions of many streams of an empty store are judged outside once")
    func manyRevisionsOfNothing() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let expected = Dictionary(uniqueKeysWithValues: (0..<1_000).map { (StreamID("s-\($0)"), Revision.none) })
        _ = try await store.append(AppendRequest([entry(0)], if: .revisions(expected)))
        #expect(try await store.head() == 1)
        await store.close()
    }

    @Test("W1: the expected revisions of many streams take few steps on the writer as well")
    func manyRevisions() async throws {
        let log = try await Budgeted((0..<2_000).map { entry($0, in: StreamID("s-\($0)")) })
        let writer = try log.writer()
        let expected = Dictionary(uniqueKeysWithValues: (0..<2_000).map { (StreamID("s-\($0)"), Revision(1)) })
        var prepared = PreparedAppend(AppendRequest([entry(0)], if: .revisions(expected)), isChained: true)
        guard case .success(.undecided) = writer.execute([.append(prepared)])[0] else {
            Issue.record("the writer looked at all streams")
            return
        }
        #expect(Tuning().groupSteps - writer.stepsLeft < Tuning().writerSteps + 100)
        let judged = try log.reader().verdict(on: prepared.condition, of: prepared.request, Cancellation())
        guard case .holds? = judged?.verdict else {
            Issue.record("\(String(describing: judged))")
            return
        }
        prepared = PreparedAppend(prepared, heldThrough: 2_000)
        guard case .success(.appended) = writer.execute([.append(prepared)])[0] else {
            Issue.record("it was not recorded")
            return
        }
    }
}
