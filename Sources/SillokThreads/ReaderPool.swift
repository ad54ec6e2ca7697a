package import SillokCore

/// A few threads, each with a reader of its own that may block, which answer reads.
package final class ReaderPool<Reader>: Sendable {
    /// How a reader reads a page.
    package typealias PageReading = @Sendable (Reader, ReadRequest) throws -> EventBatch

    private typealias Job = @Sendable (Reader) -> Void

    private struct State {
        var jobs: [Job] = []
        var ahead = ReadAhead()
        /// Who waits for pages that no thread has begun to read.
        var waiting: [ReadRequest: [ReadAhead.Answer]] = [:]
        var first = 0
        var closing: (any Error)?
        var running: Int
        var stopWaiters: [CheckedContinuation<Void, Never>] = []

        mutating func next() -> Job?? {
            guard first < jobs.count else { return closing == nil ? nil : .some(nil) }
            let job = jobs[first]
            first += 1
            if first == jobs.count {
                jobs.removeAll(keepingCapacity: true)
                first = 0
            } else if first > 1000 {
                jobs.removeFirst(first)
                first = 0
            }
            return job
        }
    }

    private let state: Lock<State>
    private let readPage: PageReading
    private let reported: @Sendable (any Error) -> any Error

    /// Starts one thread for each reader.
    ///
    /// - Parameters:
    ///   - readers: each belongs to its thread from now on.
    ///   - reported: what a failure of the storage is reported as.
    ///   - readPage: how a reader reads a page.
    package init(
        _ readers: sending [Reader], reported: @escaping @Sendable (any Error) -> any Error,
        readPage: @escaping PageReading
    ) {
        self.readPage = readPage
        self.reported = reported
        state = Lock(State(running: readers.count))
        for reader in readers {
            let reader = Handover(reader)
            startThread { [state] in
                while let job = state.wait(until: { $0.next() }), let value = reader.value { job(value) }
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

    /// Runs `body` on one of the threads.
    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (Reader) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let refusal = state.withLock { state -> (any Error)? in
                if let closing = state.closing { return closing }
                state.jobs.append { [reported] reader in
                    continuation.resume(with: Swift.Result { try body(reader) }.mapError(reported))
                }
                return nil
            }
            if let refusal { continuation.resume(throwing: refusal) } else { state.wakeOne() }
        }
    }

    /// Reads a page, or takes the one that was read ahead, or shares the one that others wait for: a thousand subscribers
    /// at the head cost one read and one page in memory.
    package func page(_ request: ReadRequest) async throws -> EventBatch {
        try await withCheckedThrowingContinuation { continuation in
            let (answer, isJob) = state.withLock { state -> (Result<EventBatch, any Error>?, Bool) in
                if let closing = state.closing { return (.failure(closing), false) }
                switch state.ahead.take(request, continuation) {
                case .waits: return (nil, false)
                case .nothing:
                    state.waiting[request, default: []].append(continuation)
                    guard state.waiting[request]?.count == 1 else { return (nil, false) }
                    state.jobs.append { [self] reader in serve(request, reader) }
                    return (nil, true)
                case .page(let batch):
                    guard let next = ReadAhead.next(request, batch), state.ahead.begin(next) else {
                        return (.success(batch), false)
                    }
                    state.jobs.append { [self] reader in readAhead(next, reader) }
                    return (.success(batch), true)
                }
            }
            if isJob { state.wakeOne() }
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// Reads a page and answers all who wait for it, then reads what will be asked for next.
    private func serve(_ request: ReadRequest, _ reader: Reader) {
        // Who asks from now on may know of a later head, and has to have a page of its own.
        let waiting = state.withLock { $0.waiting.removeValue(forKey: request) } ?? []
        let result = Result { try readPage(reader, request) }.mapError(reported)
        let next = (try? result.get()).flatMap { ReadAhead.next(request, $0) }
        let goesOn = next.map { next in state.withLock { $0.ahead.begin(next) } } ?? false
        for answer in waiting { answer.resume(with: result) }
        if goesOn, let next { readAhead(next, reader) }
    }

    /// Reads pages for as long as somebody waits for them, and then one to keep.
    private func readAhead(_ first: ReadRequest, _ reader: Reader) {
        var request = first
        while true {
            let result = Result { try readPage(reader, request) }.mapError(reported)
            let following = (try? result.get()).flatMap { ReadAhead.next(request, $0) }
            let (answer, goesOn) = state.withLock { state -> (ReadAhead.Answer?, Bool) in
                guard let answer = state.ahead.end(request, result) else { return (nil, false) }
                return (answer, following.map { state.ahead.begin($0) } ?? false)
            }
            answer?.resume(with: result)
            guard goesOn, let following else { return }
            request = following
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
package final class Handover<Value>: @unchecked Sendable {
    /// The value, for its thread only; `nil` after `release`.
    package private(set) var value: Value?

    package init(_ value: Value) { self.value = value }

    /// Lets go of the value on its own thread.
    package func release() { value = nil }

    /// The value, which is made on its own thread when it is first wanted.
    package func made<Made>(_ make: () throws -> Made) rethrows -> Made where Value == Made? {
        if let made = value ?? nil { return made }
        let made = try make()
        value = .some(made)
        return made
    }
}
