import Sillok

/// Something did not happen in time.
package struct Overdue: Error, CustomStringConvertible {
    let limit: Duration
    package var description: String { "it was not done after \(limit)" }
}

/// What `body` returns, or ``Overdue`` after `limit`, even if `body` ignores its cancellation.
package func within<Value: Sendable>(
    _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (results, continuation) = AsyncStream<Result<Value, any Error>>.makeStream()
    let work = Task {
        do { continuation.yield(.success(try await body())) } catch { continuation.yield(.failure(error)) }
    }
    let alarm = Task {
        try await Task.sleep(for: limit)
        continuation.yield(.failure(Overdue(limit: limit)))
    }
    defer {
        work.cancel()
        alarm.cancel()
    }
    for await result in results { return try result.get() }
    throw CancellationError()
}
