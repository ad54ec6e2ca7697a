package import SillokCore

/// The requests that are under way and would hold up the end of a store or a read model: they are cancelled when it
/// closes.
package final class RunningRequests: Sendable {
    private struct State {
        var running: [ObjectIdentifier: Cancellation] = [:]
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    private let closed: StoreError

    /// - Parameter closed: the error of requests that come later, and of those that closing ends.
    package init(closed: StoreError) { self.closed = closed }

    /// Runs `body`, which ends early when its cancellation is set: by the caller's task, if `body` says so, or by
    /// ``close()``.
    ///
    /// - Throws: what `body` throws; `closed` if it ends because of ``close()``, or begins after it.
    package func run<Result: Sendable>(_ body: (Cancellation) async throws -> Result) async throws -> Result {
        let cancellation = Cancellation()
        let isOpen = state.withLock { state in
            if !state.isClosed { state.running[ObjectIdentifier(cancellation)] = cancellation }
            return !state.isClosed
        }
        guard isOpen else { throw closed }
        defer { end(cancellation) }
        do {
            return try await body(cancellation)
        } catch let error as CancellationError {
            let isClosed = state.withLock { $0.isClosed }
            throw isClosed && !Task.isCancelled ? closed : error
        }
    }

    private func end(_ cancellation: Cancellation) {
        let waiters = state.withLock { state in
            state.running[ObjectIdentifier(cancellation)] = nil
            guard state.isClosed, state.running.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Cancels all requests that are under way, and refuses others.
    package func cancel() {
        let running = state.withLock { state in
            state.isClosed = true
            return Array(state.running.values)
        }
        for cancellation in running { cancellation.cancel() }
    }

    /// Cancels all requests that are under way, refuses others, and returns when all have ended.
    package func close() async {
        cancel()
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if !state.running.isEmpty { state.waiters.append(continuation) }
                return state.running.isEmpty
            }
            if isDone { continuation.resume() }
        }
    }
}

extension RunningRequests {
    /// Runs work that takes long on a thread of its own. It has to look at its cancellation, which is set when the
    /// task is cancelled and when the store closes.
    package func runOnThread<Result: Sendable>(
        _ body: @escaping @Sendable (Cancellation) throws -> Result
    ) async throws -> Result {
        try await run { cancellation in
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    startThread {
                        continuation.resume(
                            with: Swift.Result {
                                try cancellation.check()
                                return try body(cancellation)
                            })
                    }
                }
            } onCancel: {
                cancellation.cancel()
            }
        }
    }
}
