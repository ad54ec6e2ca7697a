import SillokCore
import SillokIndex
import SillokSQL
import SillokThreads
import Testing

@Suite(.timeLimit(.minutes(10))) struct ReaderPoolTests {
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
        await #expect(throws: CancellationError.self) { try await value(of: task) }
    }

    private func read(_ request: ReadRequest, from pool: ReaderPool<Int>) async throws -> EventBatch {
        try await value(of: Task { try await pool.page(request) })
    }

    private func close(_ pool: ReaderPool<Int>) async throws {
        try await value(of: Task { await pool.close(refusing: Self.closed) })
    }

    @Test("W1: a cancelled read is taken out of the queue and answered while all threads are busy")
    func cancelledInQueue() async throws {
        let (gate, reads) = (Gate(), Lock([ReadRequest]()))
        defer { gate.open() }
        let pool = pool { request, _ in
            reads.withLock { $0.append(request) }
            return Self.batch(request)
        }
        let busy = Task { try await pool.read { _ in gate.pass() } }
        try await until { gate.arrived == 1 }
        let page = Task { try await pool.page(ReadRequest(.stream("a-1"))) }
        let other = Task { try await pool.read { _ in Issue.record("a cancelled read was done") } }
        try await until { pool.queuedReads == 2 && pool.waitingForPages == 1 }
        page.cancel()
        other.cancel()
        await expectCancelled(page)
        await expectCancelled(other)
        #expect(pool.queuedReads == 0 && pool.waitingForPages == 0)
        gate.open()
        try await value(of: busy)
        #expect(try await read(ReadRequest(.stream("b-1")), from: pool).through == 1)
        #expect(reads.withLock { $0 } == [ReadRequest(.stream("b-1"))])
        try await close(pool)
    }

    @Test("W1: cancelling the task of a read ends the work on its thread")
    func cancelledAtWork() async throws {
        let started = Gate()
        let endless: @Sendable (Cancellation) throws -> Void = { cancellation in
            started.open()
            started.pass()
            let budget = StepBudget(steps: .max / 2) { cancellation.isCancelled }
            while true { try budget.spend(1) }
        }
        let pool = pool { request, cancellation in
            try endless(cancellation)
            return Self.batch(request)
        }
        let page = Task { try await pool.page(ReadRequest(.all)) }
        try await until { started.arrived == 1 }
        page.cancel()
        await expectCancelled(page)
        let work = Task { try await pool.read(.long) { _, cancellation in try endless(cancellation) } }
        try await until { started.arrived == 2 }
        work.cancel()
        await expectCancelled(work)
        // The only thread is free again.
        let free = Task { try await pool.read { $0 } }
        #expect(try await value(of: free) == 0)
        try await close(pool)
    }

    @Test("W1: a page that several callers wait for ends only for the cancelled one", arguments: [true, false])
    func sharedPage(isQueued: Bool) async throws {
        let (busy, reading) = (Gate(), Gate())
        defer {
            busy.open()
            reading.open()
        }
        let pool = pool { request, cancellation in
            reading.pass()
            try cancellation.check()
            return Self.batch(request)
        }
        if isQueued { reading.open() } else { busy.open() }
        let held = Task { try await pool.read { _ in busy.pass() } }
        try await until { busy.arrived == 1 }
        let callers = (0..<3).map { _ in Task { try await pool.page(ReadRequest(.all)) } }
        try await until { pool.waitingForPages == 3 && (isQueued || reading.arrived == 1) }
        callers[1].cancel()
        await expectCancelled(callers[1])
        busy.open()
        reading.open()
        #expect(try await value(of: callers[0]).through == 1)
        #expect(try await value(of: callers[2]).through == 1)
        try await value(of: held)
        try await close(pool)
    }

    @Test("W1: a page that is read ahead ends for the cancelled caller, and is read again for the next")
    func readAhead() async throws {
        let (gate, reads) = (Gate(), Lock([Position]()))
        defer { gate.open() }
        let request = ReadRequest(.all, after: .position(0), before: .position(11), limit: 1)
        let pool = pool(threads: 2) { request, cancellation in
            // The first page is asked for by a position, the next ones by the mark of the page before.
            let after = request.after?.position ?? .start
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
        let first = try await read(request, from: pool)
        let second = try #require(request.next(after: first))
        try await until { gate.arrived == 1 }
        let caller = Task { try await pool.page(second) }
        try await until { pool.waitingForPages == 1 }
        caller.cancel()
        await expectCancelled(caller)
        #expect(try await read(second, from: pool).through == 2)
        #expect(reads.withLock { reads in reads.count(where: { $0 == 1 }) } == 2)
        gate.open()
        try await close(pool)
    }

    @Test("W1: a page that is read ahead answers a caller that asks for it meanwhile, and is read once")
    func joinedReadAhead() async throws {
        let (gate, reads) = (Gate(), Lock([Position]()))
        defer { gate.open() }
        let request = ReadRequest(.all, after: .position(0), before: .position(11), limit: 1)
        let pool = pool { request, _ in
            let after = request.after?.position ?? .start
            reads.withLock { $0.append(after) }
            if after == 1 { gate.pass() }
            return Self.batch(request, through: after.next, isEnd: after == 1)
        }
        let first = try await read(request, from: pool)
        let second = try #require(request.next(after: first))
        try await until { gate.arrived == 1 }
        let callers = (0..<3).map { _ in Task { try await pool.page(second) } }
        try await until { pool.waitingForPages == 3 }
        let closing = Task { await pool.close(refusing: Self.closed) }
        gate.open()
        for caller in callers { #expect(try await value(of: caller).through == 2) }
        try await value(of: closing)
        #expect(reads.withLock { $0 } == [0, 1])
    }

    @Test("W1: long work leaves a thread for short reads")
    func longWorkLeavesAThread() async throws {
        let gate = Gate()
        defer { gate.open() }
        let pool = pool(threads: 3) { request, _ in Self.batch(request) }
        let long = (0..<10).map { _ in Task { try await pool.read(.long) { _, _ in gate.pass() } } }
        try await until { gate.arrived == 2 && pool.queuedReads == 8 }
        #expect(try await read(ReadRequest(.all), from: pool).through == 1)
        let short = Task { try await pool.read { _ in true } }
        #expect(try await value(of: short))
        #expect(gate.arrived == 2)
        let closing = Task { await pool.close(refusing: Self.closed) }
        gate.open()
        // What waited when the pool was closed is done.
        for task in long { try await value(of: task) }
        try await value(of: closing)
        #expect(gate.arrived == 10)
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
                    _ = try? await value(of: task)
                }
            }
        }
        let last = Task { try await pool.read { _ in true } }
        #expect(try await value(of: last))
        #expect(pool.queuedReads == 0 && pool.waitingForPages == 0)
        try await close(pool)
        await #expect(throws: StoreError.self) { try await pool.page(ReadRequest(.all)) }
    }
}
