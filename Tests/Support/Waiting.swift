/// Repeats `condition` until it holds; returns `false` after a time that only a fault takes.
package func eventually(
    within limit: Duration = .seconds(300), _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while true {
        if try await condition() { return true }
        if ContinuousClock.now > end { return false }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Runs `work` in a task until `body` has ended. Then it cancels the task and waits until that has ended too.
package func running<Result>(
    _ work: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Result
) async throws -> Result {
    let task = Task { try await work() }
    do {
        let result = try await body()
        task.cancel()
        _ = await task.result
        return result
    } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
}
