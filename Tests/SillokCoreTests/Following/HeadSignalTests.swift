import SillokCore
import Testing

@Suite struct HeadSignalTests {
    @Test func `a wait for what is there returns at once`() async throws {
        let signal = HeadSignal()
        try await signal.reach(.start)
        signal.advance(to: 5)
        try await signal.reach(5)
        #expect(signal.head == 5)
        signal.advance(to: 3)
        #expect(signal.head == 5)
    }

    @Test func `an advance wakes those whose position it reaches`() async throws {
        let signal = HeadSignal()
        let far = Task { try await signal.reach(100) }
        for round in 1...50 {
            let waiting = Task { try await signal.reach(Position(UInt64(round))) }
            for _ in 0..<round % 5 { await Task.yield() }
            signal.advance(to: Position(UInt64(round)))
            try await waiting.value
        }
        far.cancel()
        await #expect(throws: CancellationError.self) { try await far.value }
    }

    @Test func `a wait ends with its task, whenever that is cancelled`() async {
        let signal = HeadSignal()
        for round in 0..<50 {
            let waiting = Task { try await signal.reach(1) }
            for _ in 0..<round % 7 { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    @Test func `a failure ends all waits, now and later`() async {
        let signal = HeadSignal()
        let waiting = (1...3).map { number in Task { try await signal.reach(Position(UInt64(number))) } }
        await Task.yield()
        signal.fail(StoreError(.closed, "closed."))
        for task in waiting { await #expect(throws: StoreError.self) { try await task.value } }
        await #expect(throws: StoreError.self) { try await signal.reach(1) }
    }
}

@Suite struct LockTests {
    @Test func `a thread of our own waits until another lets it go`() async {
        let lock = Lock(0)
        await withCheckedContinuation { done in
            startThread {
                let value = lock.wait { $0 == 3 ? $0 : nil }
                #expect(value == 3)
                done.resume()
            }
            for _ in 1...3 {
                lock.withLock { $0 += 1 }
                lock.wakeAll()
            }
        }
        lock.wakeOne()
    }

    @Test func `many tasks count without a loss`() async {
        let lock = Lock(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1000 { lock.withLock { $0 += 1 } } } }
        }
        #expect(lock.withLock { $0 } == 8000)
    }
}
