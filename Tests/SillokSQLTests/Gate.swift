import SillokCore

/// Holds threads up until it is opened.
final class Gate: Sendable {
    private let state = Lock((isOpen: false, arrived: 0))

    /// The threads that wait, or have passed.
    var arrived: Int { state.withLock { $0.arrived } }

    func pass() {
        state.withLock { $0.arrived += 1 }
        state.wait { $0.isOpen ? () : nil }
    }

    func open() {
        state.withLock { $0.isOpen = true }
        state.wakeAll()
    }
}

/// Waits until something is so; throws when the time limit of the test is over.
func until(_ isSo: () -> Bool) async throws {
    while !isSo() {
        try Task.checkCancellation()
        await Task.yield()
    }
}

/// What a task returns; throws when the time limit of the test is over, also if the task never ends.
func value<Value: Sendable, Failure: Error>(of task: Task<Value, Failure>) async throws -> Value {
    let (results, continuation) = AsyncStream<Result<Value, Failure>>.makeStream()
    Task {
        continuation.yield(await task.result)
        continuation.finish()
    }
    guard let result = await results.first(where: { _ in true }) else { throw CancellationError() }
    return try result.get()
}
