/// Runs two operations at the same time, returns the result of the one that ends first, and cancels the other.
///
/// - Throws: what the one that ends first throws.
package func firstResult<Result: Sendable>(
    of one: @escaping @Sendable () async throws -> Result, or other: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask { try await one() }
        group.addTask { try await other() }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
