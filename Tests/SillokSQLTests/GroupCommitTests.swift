import SillokCore
import SillokSQL
import Testing

@testable import SillokThreads

@Suite(.timeLimit(.minutes(10))) struct GroupCommitTests {
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
        let open: @Sendable () -> Void = {
            gate.withLock { $0 = true }
            gate.wakeAll()
        }
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            defer { open() }
            group.addTask { try await commit.submit(1, weight: 1) }
            try await until { groups.withLock { !$0.isEmpty } }
            for request in 2...50 { group.addTask { try await commit.submit(request, weight: 1) } }
            // The first group is held at the gate until all others are queued or about to be.
            for _ in 0..<1000 { await Task.yield() }
            open()
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

    /// A queue whose commits wait at a gate, and the requests that they were given.
    private final class Gated: Sendable {
        let gate = Lock(false)
        let committed = Lock([Int]())

        func queue(bytes: Int, cancelledInCommit: StoreError? = nil) -> GroupCommit<Int, Int> {
            GroupCommit(
                maximumWeight: 1000, queueBytes: bytes, cancelledInCommit: cancelledInCommit,
                commit: { [gate, committed] requests in
                    committed.withLock { $0 += requests }
                    gate.wait { $0 ? () : nil }
                    return requests.map { .success($0) }
                }, afterCommit: {}, atEnd: {})
        }

        func open() {
            gate.withLock { $0 = true }
            gate.wakeAll()
        }

        /// Submits a request and waits until its commit has begun.
        func begin(_ request: Int, bytes: Int, in queue: GroupCommit<Int, Int>) async throws -> Task<Int, any Error> {
            let task = Task { try await queue.submit(request, weight: 1, bytes: bytes) }
            try await until { committed.withLock { $0.contains(request) } }
            return task
        }
    }

    private func wait(for bytes: Int, in queue: GroupCommit<Int, Int>) async throws {
        try await until { queue.heldBytes == bytes }
    }

    @Test("W6: a request beyond the bytes of the queue fails at once, definitely, with a delay; a lone one is taken")
    func isBounded() async throws {
        let gated = Gated()
        let queue = gated.queue(bytes: 100)
        let first = try await gated.begin(1, bytes: 160, in: queue)
        let refusal = await #expect(throws: StoreError.self) { try await queue.submit(2, weight: 1, bytes: 1) }
        #expect(refusal?.code == .overloaded && refusal?.outcome == .definite)
        #expect(try #require(refusal?.retryAfter) > .zero)
        gated.open()
        #expect(try await first.value == 1)
        #expect(queue.heldBytes == 0)
        #expect(try await queue.submit(3, weight: 1, bytes: 100) == 3)
        #expect(gated.committed.withLock { $0 } == [1, 3])
        await queue.close(refusing: Refused())
    }

    @Test("W6: a cancelled request that waits leaves the queue, and nothing of it is committed")
    func isWithdrawn() async throws {
        let gated = Gated()
        let queue = gated.queue(bytes: 100)
        let first = try await gated.begin(1, bytes: 50, in: queue)
        let second = Task { try await queue.submit(2, weight: 1, bytes: 50) }
        try await wait(for: 100, in: queue)
        second.cancel()
        let error = await #expect(throws: StoreError.self) { try await value(of: second) }
        #expect(error?.code == .cancelled && error?.outcome == .definite)
        #expect(queue.heldBytes == 50)
        let third = Task { try await queue.submit(3, weight: 1, bytes: 50) }
        try await wait(for: 100, in: queue)
        gated.open()
        #expect(try await first.value == 1)
        #expect(try await third.value == 3)
        #expect(gated.committed.withLock { $0 } == [1, 3])
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await queue.submit(4, weight: 1, bytes: 1)
        }
        await #expect(throws: StoreError.self) { try await value(of: late) }
        #expect(queue.heldBytes == 0 && gated.committed.withLock { $0 } == [1, 3])
        await queue.close(refusing: Refused())
    }

    @Test("W6: thousands of cancelled requests leave the queue, the others are committed in their order")
    func manyAreWithdrawn() async throws {
        let gated = Gated()
        let queue = gated.queue(bytes: .max)
        let first = try await gated.begin(0, bytes: 1, in: queue)
        var tasks: [Task<Int, any Error>] = []
        for request in 1...3000 {
            tasks.append(Task { try await queue.submit(request, weight: 1, bytes: 1) })
            try await wait(for: 1 + request, in: queue)
        }
        for (index, task) in tasks.enumerated() where index % 10 != 0 { task.cancel() }
        try await wait(for: 301, in: queue)
        // What is kept of those that have left is less than what waits, or a few dozen.
        #expect(queue.state.withLock { $0.queue.count } <= 2 * 300 + 65)
        gated.open()
        #expect(try await first.value == 0)
        for (index, task) in tasks.enumerated() {
            switch await task.result {
            case .success(let answer): #expect(answer == index + 1 && index % 10 == 0)
            case .failure(let error): #expect((error as? StoreError)?.code == .cancelled && index % 10 != 0)
            }
        }
        #expect(gated.committed.withLock { $0 } == [0] + stride(from: 1, to: 3000, by: 10))
        #expect(queue.heldBytes == 0)
        await queue.close(refusing: Refused())
    }

    @Test("W6: a request in a commit gets the real answer when its task is cancelled, or at once an unknown outcome")
    func isAnsweredTruthfully() async throws {
        let patient = Gated()
        let queue = patient.queue(bytes: 100)
        let first = try await patient.begin(1, bytes: 50, in: queue)
        first.cancel()
        patient.open()
        #expect(try await first.value == 1)
        await queue.close(refusing: Refused())

        let impatient = Gated()
        let other = impatient.queue(
            bytes: 100, cancelledInCommit: StoreError(.cancelled, "in doubt", outcome: .unknown))
        let second = try await impatient.begin(2, bytes: 50, in: other)
        second.cancel()
        let error = await #expect(throws: StoreError.self) { try await value(of: second) }
        #expect(error?.outcome == .unknown)
        // It is still in the store, so its bytes count.
        #expect(other.heldBytes == 50)
        impatient.open()
        await other.close(refusing: Refused())
        #expect(other.heldBytes == 0)
    }
}
