import SillokCore
import SillokSQL
import SillokThreads
import Testing

@Suite struct GroupCommitTests {
    private struct Refused: Error {}

    @Test func `requests that wait while a commit is under way are committed together`() async throws {
        let gate = Lock(false)
        let groups = Lock([[Int]]())
        let commit = GroupCommit<Int, Int>(
            maximumWeight: 100,
            commit: { requests in
                groups.withLock { $0.append(requests) }
                gate.wait { $0 ? () : nil }
                return requests.map { .success($0 * 2) }
            }, afterCommit: {}, atEnd: {})
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await commit.submit(1, weight: 1) }
            while groups.withLock({ $0.isEmpty }) { await Task.yield() }
            for request in 2...50 { group.addTask { try await commit.submit(request, weight: 1) } }
            // The first group is held at the gate until all others are queued or about to be.
            for _ in 0..<1000 { await Task.yield() }
            gate.withLock { $0 = true }
            gate.wakeAll()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.sorted() == (1...50).map { $0 * 2 })
        #expect(groups.withLock { $0.first } == [1])
        #expect(groups.withLock { $0.flatMap { $0 } }.sorted() == Array(1...50))
        #expect(groups.withLock { $0.count } < 25)
        await commit.close(refusing: Refused())
    }

    @Test func `a group ends at its weight, and nobody is forgotten`() async throws {
        let largest = Lock(0)
        let commit = GroupCommit<Int, Int>(
            maximumWeight: 10,
            commit: { requests in
                largest.withLock { $0 = max($0, requests.count) }
                return requests.map { .success($0) }
            }, afterCommit: {}, atEnd: {})
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for request in 0..<500 { group.addTask { try await commit.submit(request, weight: 5) } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499 * 250)
        #expect(largest.withLock { $0 } <= 2)
        await commit.close(refusing: Refused())
    }

    @Test func `each request gets its own answer, failures too`() async throws {
        let commit = GroupCommit<Int, Int>(
            maximumWeight: 10,
            commit: { $0.map { $0 == 13 ? .failure(Refused()) : .success($0) } }, afterCommit: {}, atEnd: {})
        #expect(try await commit.submit(1, weight: 1) == 1)
        await #expect(throws: Refused.self) { try await commit.submit(13, weight: 1) }
        await commit.close(refusing: Refused())
    }

    @Test func `after closing it refuses, and the last thing has been done`() async throws {
        let ended = Lock(0)
        let commit = GroupCommit<Int, Int>(
            maximumWeight: 10, commit: { $0.map { .success($0) } }, afterCommit: {},
            atEnd: { ended.withLock { $0 += 1 } })
        _ = try await commit.submit(1, weight: 1)
        await commit.close(refusing: Refused())
        await commit.close(refusing: Refused())
        #expect(ended.withLock { $0 } == 1)
        await #expect(throws: Refused.self) { try await commit.submit(1, weight: 1) }
    }
}
