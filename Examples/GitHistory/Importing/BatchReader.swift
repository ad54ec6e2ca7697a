import Foundation

/// Reads a git log on a thread of its own, a few batches ahead of the caller.
///
/// The thread waits while that number of batches is pending, so that memory does not grow with the history.
final class BatchReader: Sendable {
    /// The batches; ends with the log, or throws what went wrong with it.
    let batches: AsyncThrowingStream<CommitBatch, any Error>

    private let continuation: AsyncThrowingStream<CommitBatch, any Error>.Continuation
    private let child: ChildProcess
    private let free = DispatchSemaphore(value: 0)

    init(_ child: ChildProcess, ahead: Int = 4, sizes: CommitBatches = CommitBatches()) {
        self.child = child
        (batches, continuation) = AsyncThrowingStream.makeStream()
        for _ in 0..<ahead { free.signal() }
        Thread.detachNewThread { [self] in
            do {
                try read(sizes)
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
    }

    /// Says that a batch was taken.
    func didTake() { free.signal() }

    /// Ends the reading, wherever it is.
    func stop() {
        continuation.finish()
        child.stop()
        free.signal()
    }

    private func read(_ sizes: CommitBatches) throws {
        var batches = sizes
        let child = child
        var log = GitLog(TokenReader { try child.read(into: $0) })
        while let commit = try log.next() {
            for batch in batches.add(commit) {
                guard deliver(batch) else { return }
            }
        }
        try child.finish()
        for batch in batches.finish() {
            guard deliver(batch) else { return }
        }
    }

    /// Hands a batch over when there is room for it; false if the caller has stopped.
    private func deliver(_ batch: CommitBatch) -> Bool {
        free.wait()
        if case .terminated = continuation.yield(batch) { return false }
        return true
    }
}

/// Runs what blocks on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}
