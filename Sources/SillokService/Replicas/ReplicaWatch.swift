public import ServiceLifecycle
public import SillokCore

/// A service that compares the store of a replica with its primary once a second.
///
/// ```swift
/// let replica = try await PostgresEventStore("postgres://app@replica/shop", mode: .readOnly)
/// let primary = try await PostgresEventStore("postgres://app@db1,db2/shop", mode: .existing, timeout: .seconds(1))
/// let watch = ReplicaWatch(of: replica) { try await primary.head() }
/// served.tools.replica = { watch.lag }
/// ```
public final class ReplicaWatch: Service {
    private let replica: any EventStore
    private let primary: @Sendable () async throws -> Position
    private let comparisons = Lock(ReplicaComparisons())

    /// Creates a service of a replica.
    ///
    /// - Parameter primary: returns the head of the primary. If it throws, the number of missing events is not known.
    public init(of replica: any EventStore, primary: @escaping @Sendable () async throws -> Position) {
        self.replica = replica
        self.primary = primary
    }

    /// How far the replica is behind now.
    public var lag: ReplicaLag { comparisons.withLock { $0.lag(at: .now) } }

    /// Compares both stores once a second until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.compare()
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Compares both stores once. The primary is asked first, so a replica is never shown as ahead of what it is.
    func compare() async {
        let time = ContinuousClock.now
        let head = try? await primary()
        guard let replica = try? await replica.head() else { return }
        comparisons.withLock { $0.note(primary: head, at: time, replica: replica) }
    }
}
