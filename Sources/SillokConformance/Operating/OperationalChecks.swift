public import SillokCore
import SillokTesting

/// Scenarios with many concurrent clients on one store. Each counts the broken guarantees.
///
/// Each check appends to the store that it is given, which may already hold other events, and prints nothing: its
/// ``OperationalReport`` contains the counts.
///
/// ```swift
/// let report = try await OperationalChecks(store: store).hotStream(clients: 64, appends: 10)
/// print(report)
/// #expect(report.isClean)
/// ```
public struct OperationalChecks: Sendable {
    /// The store to check.
    public let store: any EventStore

    /// The seed of all random choices.
    public let seed: UInt64

    /// Creates checks of a store. The default seed is `SILLOK_SEED`, or a new one.
    public init(store: any EventStore, seed: UInt64? = nil) {
        self.store = store
        self.seed = seed ?? Environment.seed
    }

    /// A generator for one of the clients.
    func random(_ client: Int) -> SeededGenerator {
        SeededGenerator(seed: seed &+ UInt64(bitPattern: Int64(client)) &* 0x1_0000_0001)
    }

    /// A prefix for names that no other run uses.
    func fresh(_ name: String) -> String { "\(name)\(EventID().description.suffix(12))" }

    /// Runs `clients` bodies at once and gathers what they return.
    func together<Result: Sendable>(
        _ clients: Int, _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            for client in 0..<clients { group.addTask { try await body(client) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Runs `body` and measures it.
    func report(
        _ name: String, _ body: () async throws -> (counts: [(name: String, value: Int)], violations: [String])
    ) async throws -> OperationalReport {
        let clock = ContinuousClock()
        let start = clock.now
        let (counts, violations) = try await body()
        return OperationalReport(
            name: "\(name) (seed \(seed))", counts: counts, seconds: (clock.now - start) / .seconds(1),
            violations: violations)
    }
}
