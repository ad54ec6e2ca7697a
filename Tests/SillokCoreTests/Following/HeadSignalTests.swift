import SillokCore
import Testing

@Suite(.timeLimit(.minutes(10))) struct HeadSignalTests {
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

    @Test("W4: events are announced to those who may want them")
    func announces() async throws {
        let signal = HeadSignal()
        let idle = Task { try await signal.reach(1, for: .stream("b-1")) }
        let own = Task { try await signal.reach(2, for: .stream("a-1")) }
        while signal.waiterCount < 2 { try await Task.sleep(for: .milliseconds(1)) }
        for position: Position in [1, 2] {
            signal.announce(from: position, through: position) { [.all, .stream("a-1")] }
        }
        try await own.value
        #expect(signal.waiterCount == 1 && signal.head == 2 && signal.announced == 2)
        // What is announced out of order leaves a gap, until what lies between is announced.
        signal.announce(from: 4, through: 4) { [.all, .stream("a-1")] }
        #expect(signal.head == 4 && signal.announced == 2)
        signal.announce(from: 3, through: 4) { [.all, .stream("b-1")] }
        #expect(signal.announced == 4)
        try await idle.value
        signal.note(9)
        #expect(signal.head == 9 && signal.announced == 4)
    }

    @Test("W4: no wake-up is lost, whenever a reader comes")
    func losesNothing() async throws {
        let signal = HeadSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // A reader always waits, so that events are announced with their keys.
            let others = Task { try await signal.reach(.init(.max), for: .stream("none")) }
            for reader in 0..<8 {
                group.addTask {
                    for round in 1...200 {
                        let place = Position(UInt64(round * 8 + reader))
                        try await signal.reach(place, for: .stream(StreamID("s-\(place)")))
                    }
                }
            }
            group.addTask {
                for place in 8...1700 {
                    let place = Position(UInt64(place))
                    signal.announce(from: place, through: place) { [.all, .stream(StreamID("s-\(place)"))] }
                    if place.value % 3 == 0 { await Task.yield() }
                }
            }
            try await group.waitForAll()
            others.cancel()
        }
    }

    @Test func `an interruption ends the waits of now alone, and a log that went back wakes all`() async throws {
        let signal = HeadSignal()
        signal.advance(to: 5)
        let first = Task { try await signal.reach(6) }
        while signal.waiterCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        signal.interrupt(StoreError(.ioFailure, "away."))
        await #expect(throws: StoreError.self) { try await first.value }
        let second = Task { try await signal.reach(6) }
        while signal.waiterCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        signal.restart(at: 3)
        try await second.value
        #expect(signal.head == 3 && signal.announced == 3)
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
