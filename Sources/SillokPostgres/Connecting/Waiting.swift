#if Postgres
import SillokCore

/// Runs `body`, which may block, on a thread of its own.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

/// Waits for `body`, but not longer than until the task is cancelled; `body` then goes on alone.
func untilCancelled<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let answer = FirstAnswer<Result>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            guard answer.wait(continuation) else {
                return continuation.resume(
                    throwing: StoreError(.cancelled, "the task was cancelled before anything was sent."))
            }
            Task {
                do { answer.give(.success(try await body())) } catch { answer.give(.failure(error)) }
            }
        }
    } onCancel: {
        answer.give(
            .failure(
                StoreError(.cancelled, "the task was cancelled before the answer came.", outcome: .unknown)))
    }
}

/// The first of several answers to one who waits.
private final class FirstAnswer<Answer: Sendable>: Sendable {
    typealias Waiting = CheckedContinuation<Answer, any Error>

    private enum State {
        case before
        case waiting(Waiting)
        case ended
    }

    private let state = Lock(State.before)

    /// Keeps who waits; `false` if there has been an answer already.
    func wait(_ continuation: Waiting) -> Bool {
        state.withLock { state in
            if case .ended = state { return false }
            state = .waiting(continuation)
            return true
        }
    }

    /// Gives an answer, unless there has been one.
    func give(_ answer: Result<Answer, any Error>) {
        let waiting = state.withLock { state -> Waiting? in
            defer { state = .ended }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(with: answer)
    }
}
#endif
