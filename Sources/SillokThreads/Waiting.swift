import SillokCore

/// Runs `body`, which may block, on its own thread.
package func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

/// Waits for `body` or until the task is cancelled. Then `body` is cancelled too, and continues alone.
package func untilCancelled<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let answer = FirstAnswer<Result>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            guard answer.wait(continuation) else {
                return continuation.resume(throwing: CancellationError())
            }
            answer.work(
                Task {
                    do { answer.give(.success(try await body())) } catch { answer.give(.failure(error)) }
                })
        }
    } onCancel: {
        answer.give(.failure(CancellationError()))
        answer.cancel()
    }
}

/// The first of several answers to a waiting caller.
private final class FirstAnswer<Answer: Sendable>: Sendable {
    typealias Waiting = CheckedContinuation<Answer, any Error>

    private enum State {
        case before
        case waiting(Waiting)
        case ended
    }

    private let state = Lock(State.before)
    private let task = Lock<(task: Task<Void, Never>?, isCancelled: Bool)>((nil, false))

    /// Stores the task that works for the answer.
    func work(_ worker: Task<Void, Never>) {
        let isCancelled = task.withLock { task in
            task.task = worker
            return task.isCancelled
        }
        if isCancelled { worker.cancel() }
    }

    /// Cancels the task.
    func cancel() {
        task.withLock { task in
            task.isCancelled = true
            return task.task
        }?.cancel()
    }

    /// Stores the continuation of the caller; returns `false` if there has been an answer already.
    func wait(_ continuation: Waiting) -> Bool {
        state.withLock { state in
            if case .ended = state { return false }
            state = .waiting(continuation)
            return true
        }
    }

    /// Resumes the caller with an answer, unless there has been one.
    func give(_ answer: Result<Answer, any Error>) {
        let waiting = state.withLock { state -> Waiting? in
            defer { state = .ended }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(with: answer)
    }
}
