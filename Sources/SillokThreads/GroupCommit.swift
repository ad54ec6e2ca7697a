public import SillokCore

/// One thread that writes, and a bounded queue of requests: the thread commits all waiting requests together.
///
/// Requests queue up during a commit, and the next commit takes them all: one fsync carries many appends. A single
/// request is committed at once. After a group the thread waits for the callers that it answered to submit again, at
/// most an eighth of the time that the group took. Otherwise half of the callers would wait for the other half.
///
/// Inlinable, because each append passes here: for types of another target, generic code looks for its types again at
/// each step, which took a tenth of an append.
@usableFromInline
package final class GroupCommit<Request: Sendable, Answer: Sendable>: Sendable {
    /// Commits a group and returns the results in the order of the requests.
    @usableFromInline package typealias Commit = @Sendable ([Request]) -> [Result<Answer, any Error>]

    /// Not a checked one, which is one more object for each append: `Waiting.end()` gives it out once.
    @usableFromInline typealias Continuation = UnsafeContinuation<Answer, any Error>

    /// One request and its caller. Its variables belong to the lock of the state.
    @usableFromInline
    final class Waiting: @unchecked Sendable {
        @usableFromInline
        enum Stage: Sendable {
            case new(Request)
            case queued(Request, Continuation)
            /// The caller waits no longer if it has no continuation.
            case committing(Continuation?)
            case ended
        }

        @usableFromInline let weight: Int
        @usableFromInline let bytes: Int
        /// One variable, because each access to one is checked at run time.
        @usableFromInline var stage: Stage

        @inlinable
        init(_ request: Request, weight: Int, bytes: Int) {
            stage = .new(request)
            self.weight = weight
            self.bytes = bytes
        }

        /// Ends the wait: the caller gets one answer only.
        @inlinable
        func end() -> Continuation? {
            let stage = stage
            self.stage = .ended
            switch stage {
            case .queued(_, let continuation): return continuation
            case .committing(let continuation): return continuation
            case .new, .ended: return nil
            }
        }

        /// Whether the caller was cancelled, or has its answer.
        @inlinable var isEnded: Bool { if case .ended = stage { true } else { false } }
    }

    @usableFromInline
    struct Group: Sendable {
        @usableFromInline var waiting: [Waiting] = []
        @usableFromInline var requests: [Request] = []
        @usableFromInline var bytes = 0

        @inlinable
        init() {}
    }

    @usableFromInline
    struct State: Sendable {
        @usableFromInline var queue: [Waiting] = []
        /// Entries of `queue` whose callers were cancelled.
        @usableFromInline var withdrawn = 0
        /// Bytes of the requests that wait or are being committed.
        @usableFromInline var heldBytes = 0
        /// The last group that had bytes, and how long its commit took: the pace of the writer.
        @usableFromInline var lastGroup: (bytes: Int, time: Duration)?
        @usableFromInline var isThreadIdle = false
        /// Work for the thread when no request waits.
        @usableFromInline var idleWork: (@Sendable () -> Void)?
        @usableFromInline var closing: (any Error)?
        @usableFromInline var isStopped = false
        @usableFromInline var stopWaiters: [CheckedContinuation<Void, Never>] = []

        @inlinable
        init() {}
    }

    @usableFromInline
    enum Step: Sendable {
        case commit(Group)
        case run(@Sendable () -> Void)
        case stop([CheckedContinuation<Void, Never>])
    }

    @usableFromInline let state = Lock(State())
    @usableFromInline let queueBytes: Int
    @usableFromInline let cancelledInCommit: StoreError?

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - maximumWeight: a group ends when the weights of its requests reach this.
    ///   - queueBytes: bytes of requests that may wait or be in a commit, see ``submit(_:weight:bytes:)``.
    ///   - cancelledInCommit: the answer for a caller that is cancelled during the commit of its request; `nil`: the
    ///   caller waits for the real answer.
    ///   - lingers: whether the thread also waits for the next request of the one caller that it answered, at most 100
    ///   microseconds. To wake a sleeping thread takes about as long.
    ///   - commit: commits a group, on the thread.
    ///   - afterCommit: housekeeping after the answers, on the thread.
    ///   - atEnd: the last call on the thread.
    @inlinable
    package init(
        maximumWeight: Int, queueBytes: Int = .max, cancelledInCommit: StoreError? = nil, lingers: Bool = false,
        commit: @escaping Commit, afterCommit: @escaping @Sendable () -> Void, atEnd: @escaping @Sendable () -> Void
    ) {
        self.queueBytes = queueBytes
        self.cancelledInCommit = cancelledInCommit
        startThread { [state] in
            while true {
                switch state.wait(until: { Self.nextStep(&$0, maximumWeight) }) {
                case .commit(let group):
                    let start = ContinuousClock.now
                    let answers = commit(group.requests)
                    let time = start.duration(to: .now)
                    Self.answer(group, answers, time, state)
                    afterCommit()
                    if group.waiting.count > 1 {
                        Self.gather(group.waiting.count, state, for: time / 8)
                    } else if lingers {
                        Self.gather(1, state, for: min(time / 8, .microseconds(100)), rounds: .max)
                    }
                case .run(let work): work()
                case .stop(let waiters):
                    atEnd()
                    let late = state.withLock { state in
                        state.isStopped = true
                        defer { state.stopWaiters = [] }
                        return state.stopWaiters
                    }
                    for waiter in waiters + late { waiter.resume() }
                    return
                }
            }
        }
    }

    /// Queues a request and waits for its answer. Cancelling the task does not withdraw the request.
    @inlinable
    package func submit(_ request: Request, weight: Int) async throws -> Answer {
        let waiting = Waiting(request, weight: weight, bytes: 0)
        return try await withUnsafeThrowingContinuation { enqueue(waiting, $0) }
    }

    /// Queues a request that counts towards `queueBytes`, and waits for its answer.
    ///
    /// A cancelled task withdraws its request if the commit has not begun. After that, the caller gets the real answer
    /// or `cancelledInCommit`.
    /// - Parameter bytes: the memory that the request holds. A request that exceeds `queueBytes` together with the
    ///   others fails at once; a single one is always taken.
    /// - Throws: `StoreError`: `overloaded` or `cancelled` with a definite outcome, or what the commit answers.
    @inlinable
    package func submit(_ request: Request, weight: Int, bytes: Int) async throws -> Answer {
        let waiting = Waiting(request, weight: weight, bytes: bytes)
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { enqueue(waiting, $0) }
        } onCancel: {
            withdraw(waiting)
        }
    }

    /// Runs `work` once on the thread, when no request waits.
    package func whenIdle(_ work: @escaping @Sendable () -> Void) {
        let wake = state.withLock { state in
            state.idleWork = work
            return state.isThreadIdle
        }
        if wake { state.wakeOne() }
    }

    /// Bytes of the requests that wait or are being committed.
    @inlinable package var heldBytes: Int { state.withLock { $0.heldBytes } }

    @inlinable
    func enqueue(_ waiting: Waiting, _ continuation: Continuation) {
        let (refusal, wake) = state.withLock { state -> ((any Error)?, Bool) in
            if let closing = state.closing { return (closing, false) }
            guard case .new(let request) = waiting.stage else { return (Self.withdrawn, false) }
            if waiting.bytes > 0, state.heldBytes > 0, state.heldBytes > queueBytes - waiting.bytes {
                return (Self.overload(state, queueBytes), false)
            }
            state.heldBytes += waiting.bytes
            waiting.stage = .queued(request, continuation)
            state.queue.append(waiting)
            return (nil, state.isThreadIdle)
        }
        if let refusal { continuation.resume(throwing: refusal) }
        if wake { state.wakeOne() }
    }

    /// Ends the wait of a cancelled task.
    @inlinable
    func withdraw(_ waiting: Waiting) {
        let (continuation, error) = state.withLock { state -> (Continuation?, StoreError) in
            switch waiting.stage {
            case .new: return (waiting.end(), Self.withdrawn)
            case .queued:
                state.heldBytes -= waiting.bytes
                state.withdrawn += 1
                let continuation = waiting.end()
                if state.withdrawn > 64, state.withdrawn > state.queue.count / 2 {
                    state.queue.removeAll { $0.isEnded }
                    state.withdrawn = 0
                }
                return (continuation, Self.withdrawn)
            case .committing(let continuation):
                guard let cancelledInCommit else { return (nil, Self.withdrawn) }
                waiting.stage = .committing(nil)
                return (continuation, cancelledInCommit)
            case .ended: return (nil, Self.withdrawn)
            }
        }
        continuation?.resume(throwing: error)
    }

    /// Refuses new requests with `error`, finishes the waiting ones, and returns when the thread has ended.
    @inlinable
    package func close(refusing error: any Error) async {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if state.isStopped { return true }
                if state.closing == nil { state.closing = error }
                state.stopWaiters.append(continuation)
                return false
            }
            if isStopped { continuation.resume() } else { state.wakeOne() }
        }
    }

    /// Refuses new requests with `error` and returns at once; the thread finishes the waiting ones and ends.
    @inlinable
    package func abandon(refusing error: any Error) {
        state.withLock { state in
            if state.closing == nil { state.closing = error }
        }
        state.wakeOne()
    }
}

// MARK: On the thread

extension GroupCommit {
    @inlinable
    static func answer(
        _ group: Group, _ answers: [Result<Answer, any Error>], _ time: Duration, _ state: Lock<State>
    ) {
        let continuations = state.withLock { state in
            state.heldBytes -= group.bytes
            if group.bytes > 0 { state.lastGroup = (group.bytes, time) }
            return group.waiting.map { $0.end() }
        }
        for (continuation, answer) in zip(continuations, answers) { continuation?.resume(with: answer) }
    }

    /// Lets other threads run until as many requests wait as were answered, no more come, or the time is over.
    @inlinable
    static func gather(_ expected: Int, _ state: Lock<State>, for time: Duration, rounds: Int = 8) {
        let end = ContinuousClock.now + time
        var (before, quiet) = (0, 0)
        while quiet < rounds, ContinuousClock.now < end {
            let (count, isClosing) = state.withLock { ($0.queue.count - $0.withdrawn, $0.closing != nil) }
            if count >= expected || isClosing { return }
            quiet = count == before ? quiet + 1 : 0
            before = count
            yieldThread()
        }
    }

    @inlinable
    static func nextStep(_ state: inout State, _ maximumWeight: Int) -> Step? {
        let group = nextGroup(&state, maximumWeight)
        state.isThreadIdle = group.waiting.isEmpty
        if !group.waiting.isEmpty { return .commit(group) }
        guard state.closing != nil else {
            guard let work = state.idleWork else { return nil }
            (state.idleWork, state.isThreadIdle) = (nil, false)
            return .run(work)
        }
        defer { state.stopWaiters = [] }
        return .stop(state.stopWaiters)
    }

    @inlinable
    static func nextGroup(_ state: inout State, _ maximumWeight: Int) -> Group {
        var group = Group()
        var (weight, end) = (0, 0)
        for waiting in state.queue {
            end += 1
            guard case .queued(let request, let continuation) = waiting.stage else {
                state.withdrawn -= 1
                continue
            }
            waiting.stage = .committing(continuation)
            group.waiting.append(waiting)
            group.requests.append(request)
            group.bytes += waiting.bytes
            weight += waiting.weight
            if weight >= maximumWeight { break }
        }
        if end == state.queue.count { state.queue = [] } else { state.queue.removeFirst(end) }
        return group
    }

    @usableFromInline
    static var withdrawn: StoreError {
        StoreError(.cancelled, "The task was cancelled while its request waited. Nothing was stored.")
    }

    /// The refusal of a request that has no room, with the time in which the writer makes room at its present pace.
    @usableFromInline
    static func overload(_ state: State, _ queueBytes: Int) -> StoreError {
        var delay = Duration.seconds(1)
        if let last = state.lastGroup { delay = last.time * (Double(state.heldBytes) / Double(last.bytes)) }
        delay = min(max(delay, .milliseconds(50)), .seconds(10))
        return StoreError(
            .overloaded,
            "Appends of \(state.heldBytes) bytes wait for the writer, and at most \(queueBytes) bytes may wait. "
                + "Nothing was stored. Retry in \(delay.wholeMilliseconds) milliseconds.", retryAfter: delay)
    }
}
