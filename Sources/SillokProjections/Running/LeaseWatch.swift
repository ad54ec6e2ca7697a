import SillokCore
import SillokReadSide
import SillokSQL

/// The leases of a projection that other processes hold, as one projector sees them.
///
/// One query reads all of them, a few times in each lease, while a runner of this projector waits for a partition.
final class LeaseWatch: Sendable {
    private struct Key: Hashable {
        let id: ProjectionID
        let partition: Int
    }

    /// A row, and the time at which this projector first saw it in this state.
    private struct Seen {
        let row: PartitionRow
        let since: Duration
    }

    private let ledger: Ledger
    private let projection: String
    private let lease: Duration
    private let elapsed: @Sendable () -> Duration
    private let seen = Lock<[Key: Seen]>([:])
    private let waiting = Lock(0)
    private let looks = WakeUp()

    init(_ ledger: Ledger, _ projection: String, _ options: ProjectorOptions) {
        (self.ledger, self.projection, lease) = (ledger, projection, options.lease ?? .zero)
        elapsed = stopwatch(options.clock)
    }

    /// Reads all leases, if a runner waits for one.
    func look() async throws {
        guard waiting.withLock({ $0 }) > 0 else { return }
        let rows = try await ledger.allPartitions(of: projection)
        let now = elapsed()
        seen.withLock { seen in
            let before = seen
            seen = [:]
            for (id, row) in rows {
                let key = Key(id: id, partition: row.number)
                seen[key] = before[key].flatMap { $0.row == row ? $0 : nil } ?? Seen(row: row, since: now)
            }
        }
        looks.wake()
    }

    /// Whether a partition has no holder, or its holder has shown no heartbeat for a lease.
    func isFree(_ row: PartitionRow, _ id: ProjectionID) -> Bool {
        if row.owner.isEmpty { return true }
        let found = seen.withLock { $0[Key(id: id, partition: row.number)] }
        return found.map { $0.row == row && elapsed() - $0.since >= lease } ?? false
    }

    /// The number of times that the leases were read.
    var count: Int { looks.count }

    /// Waits until a partition may be taken, or its build was dropped.
    ///
    /// - Parameter count: the number of reads before the partition was found held.
    func waitUntilFree(_ partition: Int, of id: ProjectionID, beyond count: Int) async throws {
        waiting.withLock { $0 += 1 }
        defer { waiting.withLock { $0 -= 1 } }
        var count = count
        while true {
            try await looks.wait(beyond: count)
            count = looks.count
            guard let row = seen.withLock({ $0[Key(id: id, partition: partition)]?.row }), !isFree(row, id) else {
                return
            }
        }
    }
}
