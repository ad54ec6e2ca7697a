import SillokCore
import SillokSQL
import SillokThreads
import Testing

/// A reader thread that stops at a gate.
private final class Gate: Sendable {
    private let state = Lock((isOpen: false, waiting: 0))

    /// The threads that wait, or have passed.
    var arrived: Int { state.withLock { $0.waiting } }

    func pass() {
        state.withLock { $0.waiting += 1 }
        state.wait { $0.isOpen ? () : nil }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        state.wakeAll()
    }
}

@Suite(.timeLimit(.minutes(2))) struct ReaderPoolTests {
    private static let closed = StoreError(.closed, "the pool is closed.")

    private static func batch(_ request: ReadRequest, through: Position = 1, isEnd: Bool = true) -> EventBatch {
        EventBatch(events: [], through: through, isEnd: isEnd, head: 10)
    }

    private func pool(
        threads: Int = 1, _ read: @escaping @Sendable (ReadRequest, Cancellation) throws -> EventBatch
    ) -> ReaderPool<Int> {
        ReaderPool(Array(0..<threads), longThreads: max(1, threads - 1), reported: { $0 }) { _, request, cancellation in
            try read(request, cancellation)
        }
    }

    private func expectCancelled(_ task: Task<some Sendable, any Error>) async {
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("W1: a cancelled read is taken out of the queue and answered while all threads are busy")
    func cancelledInQueue() async throws {
        let (gate, reads) = (Gate(), Lock([ReadRequest]()))
        let pool = pool { request, _ in
            reads.withLock { $0.append(request) }
            return Self.batch(request)
        }
        let busy = Task { try await pool.read { _ in gate.pass() } }
        while gate.arrived == 0 { await Task.yield() }
        let page = Task { try await pool.page(ReadRequest(.stream("a-1"))) }
        let other = Task { try await pool.read { _ in Issue.record("a cancelled read was done") } }
        page.cancel()
        other.cancel()
        await expectCancelled(page)
        await expectCancelled(other)
        gate.open()
        try await busy.value
        #expect(try await pool.page(ReadRequest(.stream("b-1"))).through == 1)
        #expect(reads.withLock { $0 } == [ReadRequest(.stream("b-1"))])
        await pool.close(refusing: Self.closed)
    }

    @Test("W1: cancelling the task of a read ends the work on its thread")
    func cancelledAtWork() async throws {
        let started = Gate()
        let endless: @Sendable (Cancellation) throws -> Void = { cancellation in
            started.open()
            started.pass()
            let budget = StepBudget(steps: .max / 2, cancellation)
            while true { try budget.spend(1) }
        }
        let pool = pool { request, cancellation in
            try endless(cancellation)
            return Self.batch(request)
        }
        let page = Task { try await pool.page(ReadRequest(.all)) }
        while started.arrived == 0 { await Task.yield() }
        page.cancel()
        await expectCancelled(page)
        let work = Task { try await pool.read(.long) { _, cancellation in try endless(cancellation) } }
        while started.arrived == 1 { await Task.yield() }
        work.cancel()
        await expectCancelled(work)
        // The only thread is free again.
        #expect(try await pool.read { $0 } == 0)
        await pool.close(refusing: Self.closed)
    }

    @Test("W1: a page that several callers wait for ends only for the one who is cancelled")
    func sharedPage() async throws {
        for isQueued in [true, false] {
            let (busy, reading, reads) = (Gate(), Gate(), Lock(0))
            let pool = pool { request, cancellation in
                reads.withLock { $0 += 1 }
                reading.pass()
                try cancellation.check()
                return Self.batch(request)
            }
            if isQueued { reading.open() } else { busy.open() }
            let held = Task { try await pool.read { _ in busy.pass() } }
            while busy.arrived == 0 { await Task.yield() }
            let callers = (0..<3).map { _ in Task { try await pool.page(ReadRequest(.all)) } }
            for _ in 0..<1000 { await Task.yield() }
            if !isQueued { while reading.arrived == 0 { await Task.yield() } }
            callers[1].cancel()
            await expectCancelled(callers[1])
            busy.open()
            reading.open()
            #expect(try await callers[0].value.through == 1)
            #expect(try await callers[2].value.through == 1)
            try await held.value
            await pool.close(refusing: Self.closed)
        }
    }

    @Test("W1: a page that is read ahead ends for the caller who is cancelled, and is read again for the next")
    func readAhead() async throws {
        let (gate, reads) = (Gate(), Lock([Position]()))
        let request = ReadRequest(.all, after: .position(0), before: .position(11), limit: 1)
        let pool = pool(threads: 2) { request, cancellation in
            guard case .position(let after)? = request.after else { return Self.batch(request) }
            let isFirst = reads.withLock { reads in
                defer { reads.append(after) }
                return !reads.contains(after)
            }
            if after == 1 && isFirst {
                gate.pass()
                try cancellation.check()
            }
            return Self.batch(request, through: after.next, isEnd: after == 3)
        }
        let first = try await pool.page(request)
        let second = try #require(request.next(after: first))
        while gate.arrived == 0 { await Task.yield() }
        let caller = Task { try await pool.page(second) }
        for _ in 0..<1000 { await Task.yield() }
        caller.cancel()
        await expectCancelled(caller)
        #expect(try await pool.page(second).through == 2)
        gate.open()
        await pool.close(refusing: Self.closed)
    }

    @Test("W1: long work leaves a thread for short reads")
    func longWorkLeavesAThread() async throws {
        let gate = Gate()
        let pool = pool(threads: 3) { request, _ in Self.batch(request) }
        let long = (0..<10).map { _ in Task { try await pool.read(.long) { _, _ in gate.pass() } } }
        while gate.arrived < 2 { await Task.yield() }
        #expect(try await pool.page(ReadRequest(.all)).through == 1)
        #expect(try await pool.read { _ in true })
        #expect(gate.arrived == 2)
        let closing = Task { await pool.close(refusing: Self.closed) }
        gate.open()
        for task in long { try? await task.value }
        await closing.value
    }

    @Test func `cancellation at any moment answers every caller once and loses no thread`() async throws {
        let pool = pool(threads: 3) { request, cancellation in
            try cancellation.check()
            return Self.batch(request)
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2_000 {
                group.addTask {
                    let task = Task {
                        if number.isMultiple(of: 3) {
                            _ = try await pool.read(.long) { _, cancellation in try cancellation.check() }
                        } else {
                            _ = try await pool.page(ReadRequest(.all, after: .position(Position(UInt64(number % 5)))))
                        }
                    }
                    if number.isMultiple(of: 2) { task.cancel() }
                    _ = await task.result
                }
            }
        }
        #expect(try await pool.read { _ in true })
        await pool.close(refusing: Self.closed)
        await #expect(throws: StoreError.self) { try await pool.page(ReadRequest(.all)) }
    }
}
