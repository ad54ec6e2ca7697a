package import SillokCore

/// A few threads, each with a reader of its own that may block, which answer reads.
///
/// A caller whose task is cancelled is answered at once. Its work is taken out of the queue, or sees its
/// ``Cancellation``.
package final class ReaderPool<Reader>: Sendable {
    /// How a reader reads a page. A long search ends when its cancellation is set.
    package typealias PageReading = @Sendable (Reader, ReadRequest, Cancellation) throws -> EventBatch

    /// How long a piece of work may keep a thread.
    package enum Lane: Sendable {
        /// Any thread may do it.
        case quick
        /// Some threads may do it, on half of the processors at most, so that others do not wait behind it.
        case long
    }

    private struct Job {
        let run: @Sendable (Reader) -> Void
    }

    private struct State {
        var quick = JobQueue<Job>()
        var long = JobQueue<Job>()
        var pages = SharedPages()
        var ahead = ReadAhead()
        var number: UInt64 = 0
        var closing: (any Error)?
        var running: Int
        /// The threads that do long work.
        var runningLong = 0
        let mostLong: Int
        var stopWaiters: [CheckedContinuation<Void, Never>] = []

        mutating func newNumber() -> UInt64 {
            number += 1
            return number
        }

        /// The oldest job that may run now, `.some(nil)` when the thread is to end, `nil` when it has to wait.
        mutating func next() -> (job: Job, isLong: Bool)?? {
            let (quick, long) = (self.quick.next, runningLong < mostLong ? self.long.next : nil)
            if let long, long < quick ?? .max, let job = self.long.take(long) {
                runningLong += 1
                return (job, true)
            }
            if let quick, let job = self.quick.take(quick) { return (job, false) }
            return closing != nil && self.long.isEmpty ? .some(nil) : nil
        }
    }

    private let state: Lock<State>
    private let readPage: PageReading
    private let reported: @Sendable (any Error) -> any Error

    /// Starts one thread for each reader.
    ///
    /// - Parameters:
    ///   - readers: each belongs to its thread from now on.
    ///   - longThreads: the threads that may do long work; `nil`: all but one, and half of the processors at most.
    ///   - reported: what a failure of the storage is reported as.
    ///   - readPage: how a reader reads a page.
    package init(
        _ readers: sending [Reader], longThreads: Int? = nil, reported: @escaping @Sendable (any Error) -> any Error,
        readPage: @escaping PageReading
    ) {
        self.readPage = readPage
        self.reported = reported
        let mostLong = longThreads ?? min(readers.count - 1, processorCount() / 2)
        state = Lock(State(running: readers.count, mostLong: max(1, mostLong)))
        for reader in readers {
            let reader = Handover(reader)
            startThread { [state] in
                while let next = state.wait(until: { $0.next() }), let value = reader.value {
                    next.job.run(value)
                    if next.isLong { Self.endLong(state) }
                }
                reader.release()
                let waiters = state.withLock { state in
                    state.running -= 1
                    guard state.running == 0 else { return [CheckedContinuation<Void, Never>]() }
                    defer { state.stopWaiters = [] }
                    return state.stopWaiters
                }
                for waiter in waiters { waiter.resume() }
            }
        }
    }

    /// The reads that no thread has begun. A page counts once, however many callers wait for it.
    package var queuedReads: Int { state.withLock { $0.quick.count + $0.long.count } }

    /// The callers who wait for a page, also one that is being read.
    package var waitingForPages: Int { state.withLock { $0.pages.callers } }

    /// Lets another thread begin long work, or end if the pool is closing.
    private static func endLong(_ state: Lock<State>) {
        let isClosing = state.withLock { state in
            state.runningLong -= 1
            return state.closing != nil
        }
        if isClosing { state.wakeAll() }
    }

    /// Runs `body` on one of the threads.
    ///
    /// - Throws: what `body` throws, or `CancellationError` if the task was cancelled before a thread began.
    package func read<Result: Sendable>(
        _ lane: Lane = .quick, _ body: @escaping @Sendable (Reader, Cancellation) throws -> Result
    ) async throws -> Result {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = Job { [reported] reader in
                    continuation.resume(
                        with: Swift.Result {
                            try cancellation.check()
                            return try body(reader, cancellation)
                        }.mapError(reported))
                }
                let added = state.withLock { state -> Swift.Result<UInt64, any Error> in
                    if let closing = state.closing { return .failure(closing) }
                    let number = state.newNumber()
                    if lane == .long { state.long.add(job, number) } else { state.quick.add(job, number) }
                    return .success(number)
                }
                switch added {
                case .failure(let refusal): continuation.resume(throwing: refusal)
                case .success(let number):
                    state.wakeOne()
                    cancellation.whenCancelled { [state] in
                        let isTaken = state.withLock { state in
                            (state.quick.take(number) ?? state.long.take(number)) != nil
                        }
                        if isTaken { continuation.resume(throwing: CancellationError()) }
                    }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Runs `body`, which takes only a moment, on one of the threads.
    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (Reader) throws -> Result
    ) async throws -> Result {
        try await read { reader, _ in try body(reader) }
    }

    /// Reads a page, or takes the one that was read ahead, or shares the one that others wait for: a thousand
    /// subscribers at the head cost one read and one page in memory.
    ///
    /// The reading ends when the last caller who waits for it is cancelled.
    package func page(_ request: ReadRequest) async throws -> EventBatch {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                switch state.withLock({ ask(request, continuation, &$0) }) {
                case .answer(let result, let isJob):
                    if isJob { state.wakeOne() }
                    continuation.resume(with: result)
                case .waits(let caller, let page, let isJob):
                    if isJob { state.wakeOne() }
                    cancellation.whenCancelled { [state] in Self.leave(caller, page, state) }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private enum Asked {
        case answer(Result<EventBatch, any Error>, isJob: Bool)
        case waits(caller: UInt64, page: UInt64, isJob: Bool)
    }

    private func ask(_ request: ReadRequest, _ answer: SharedPages.Answer, _ state: inout State) -> Asked {
        if let closing = state.closing { return .answer(.failure(closing), isJob: false) }
        switch state.ahead.take(request) {
        case .ready(let batch)?:
            let next = ReadAhead.next(request, batch).flatMap { Self.begin($0, &state) }
            if let next { state.quick.add(Job { [self] reader in readAhead(next, reader) }, next.number) }
            return .answer(.success(batch), isJob: next != nil)
        case .reading(let page)?:
            let caller = state.newNumber()
            state.pages.wait(caller, for: page, answer)
            return .waits(caller: caller, page: page, isJob: false)
        case nil: break
        }
        let queued = state.pages.queued(request)
        let page = queued ?? state.newNumber()
        if queued == nil {
            state.pages.queue(request, page)
            state.quick.add(Job { [self] reader in serve(request, page, reader) }, page)
        }
        let caller = state.newNumber()
        state.pages.wait(caller, for: page, answer)
        return .waits(caller: caller, page: page, isJob: queued == nil)
    }

    /// Answers a caller whose task was cancelled. The page is no longer read for this caller.
    private static func leave(_ caller: UInt64, _ page: UInt64, _ state: Lock<State>) {
        let departure = state.withLock { state -> SharedPages.Departure? in
            guard let departure = state.pages.leave(caller, page) else { return nil }
            if let request = departure.forgotten {
                _ = state.quick.take(page)
                state.ahead.end(request, page, keeping: nil)
            }
            return departure
        }
        departure?.cancellation?.cancel()
        departure?.answer.resume(throwing: CancellationError())
    }

    private struct Coming: Sendable {
        let request: ReadRequest
        let number: UInt64
        let cancellation: Cancellation
    }

    /// Registers that a page is read before a caller asks for it; `nil` if that is not useful, or if no caller can ask.
    private static func begin(_ request: ReadRequest, _ state: inout State) -> Coming? {
        guard state.closing == nil else { return nil }
        let number = state.newNumber()
        guard state.ahead.begin(request, number) else { return nil }
        return Coming(request: request, number: number, cancellation: state.pages.readAhead(request, number))
    }

    /// Reads a page and answers all callers that wait for it, then reads the page that is likely to be requested next.
    private func serve(_ request: ReadRequest, _ page: UInt64, _ reader: Reader) {
        guard let cancellation = state.withLock({ $0.pages.begin(page) }) else { return }
        let result = Result { try readPage(reader, request, cancellation) }.mapError(reported)
        let following = (try? result.get()).flatMap { ReadAhead.next(request, $0) }
        let (answers, next) = state.withLock { state -> ([SharedPages.Answer], Coming?) in
            let answers = state.pages.end(page)
            return (answers, answers.isEmpty ? nil : following.flatMap { Self.begin($0, &state) })
        }
        for answer in answers { answer.resume(with: result) }
        if let next { readAhead(next, reader) }
    }

    /// Reads pages for as long as callers wait for them, and then one to keep.
    private func readAhead(_ first: Coming, _ reader: Reader) {
        var page: Coming? = first
        while let current = page {
            let result = Result { try readPage(reader, current.request, current.cancellation) }.mapError(reported)
            let batch = try? result.get()
            let following = batch.flatMap { ReadAhead.next(current.request, $0) }
            let (answers, next) = state.withLock { state -> ([SharedPages.Answer], Coming?) in
                let answers = state.pages.end(current.number)
                state.ahead.end(current.request, current.number, keeping: answers.isEmpty ? batch : nil)
                return (answers, answers.isEmpty ? nil : following.flatMap { Self.begin($0, &state) })
            }
            for answer in answers { answer.resume(with: result) }
            page = next
        }
    }

    /// Refuses new reads, lets those that wait finish, and returns when the threads have ended.
    package func close(refusing error: any Error) async {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if state.running == 0 { return true }
                if state.closing == nil { state.closing = error }
                state.stopWaiters.append(continuation)
                return false
            }
            if isStopped { continuation.resume() } else { state.wakeAll() }
        }
    }

    /// Refuses new reads and lets the threads end by themselves.
    package func abandon(refusing error: any Error) {
        state.withLock { state in
            if state.closing == nil { state.closing = error }
        }
        state.wakeAll()
    }
}

/// Something that was made here and from now on belongs to one thread alone.
@usableFromInline
package final class Handover<Value>: @unchecked Sendable {
    /// The value, for its thread only; `nil` after `release`.
    @usableFromInline package private(set) var value: Value?

    @usableFromInline
    package init(_ value: Value) { self.value = value }

    /// Lets go of the value on its own thread.
    @usableFromInline
    package func release() { value = nil }

    /// The value, which is made on its own thread when it is first wanted.
    package func made<Made>(_ make: () throws -> Made) rethrows -> Made where Value == Made? {
        if let made = value ?? nil { return made }
        let made = try make()
        value = .some(made)
        return made
    }
}
