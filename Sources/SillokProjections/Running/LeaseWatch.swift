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
    private let owner: String
    private let balances: Bool
    private let lease: Duration
    private let elapsed: @Sendable () -> Duration
    private let seen = Lock<[Key: Seen]>([:])
    /// The partitions for which runners wait, and how many.
    private let waiting = Lock<[Key: Int]>([:])
    /// A partition that this projector may take from a living holder.
    private let surplus = Lock<(key: Key, holder: String)?>(nil)
    private let looks = WakeUp()

    /// - Parameters:
    ///   - owner: the name of this projector in leases.
    ///   - balances: whether it takes over partitions of a projector that holds at least two more.
    init(_ ledger: Ledger, _ projection: String, _ owner: String, _ options: ProjectorOptions, balances: Bool) {
        (self.ledger, self.projection, self.owner, self.balances) = (ledger, projection, owner, balances)
        lease = options.lease ?? .zero
        elapsed = stopwatch(options.clock)
    }

    /// Reads all leases, if a runner waits for one.
    func look() async throws {
        let waiting = Set(waiting.withLock { $0.keys })
        guard !waiting.isEmpty else { return }
        let rows = try await ledger.allPartitions(of: projection)
        let now = elapsed()
        let current = seen.withLock { seen in
            let before = seen
            seen = [:]
            for (id, row) in rows {
                let key = Key(id: id, partition: row.number)
                seen[key] = before[key].flatMap { $0.row == row ? $0 : nil } ?? Seen(row: row, since: now)
            }
            return seen
        }
        if balances { surplus.withLock { $0 = Self.surplus(current.mapValues(\.row.owner), waiting, owner) } }
        looks.wake()
    }

    /// Returns a partition of the holder of the most, if this projector would still hold no more than that holder.
    ///
    /// A single move makes the numbers more equal, so moves end. Processes that look at the same time mostly choose
    /// different partitions, because the choice depends on their names.
    private static func surplus(
        _ holders: [Key: String], _ waiting: Set<Key>, _ owner: String
    ) -> (key: Key, holder: String)? {
        // Builds that this projector does not run count for nothing.
        let others = Dictionary(grouping: waiting.filter { holders[$0]?.isEmpty == false }) { holders[$0] ?? "" }
        let mine = holders.values.count { $0 == owner }
        guard let (holder, keys) = others.max(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) }),
            keys.count >= mine + 2
        else { return nil }
        let ordered = keys.sorted { ($0.id.description, $0.partition) < ($1.id.description, $1.partition) }
        return (ordered[Int(truncatingIfNeeded: owner.fnv1a % UInt64(keys.count))], holder)
    }

    /// Whether a partition has no holder, its holder has shown no heartbeat for a lease, or it is to be taken from a
    /// holder of more partitions.
    func isFree(_ row: PartitionRow, _ id: ProjectionID) -> Bool {
        if row.owner.isEmpty { return true }
        let key = Key(id: id, partition: row.number)
        if let surplus = surplus.withLock({ $0 }), surplus == (key, row.owner) { return true }
        let found = seen.withLock { $0[key] }
        return found.map { $0.row == row && elapsed() - $0.since >= lease } ?? false
    }

    /// The number of times that the leases were read.
    var count: Int { looks.count }

    /// Waits until a partition may be taken, or its build was dropped.
    ///
    /// - Parameter count: the number of reads before the partition was found held.
    func waitUntilFree(_ partition: Int, of id: ProjectionID, beyond count: Int) async throws {
        let key = Key(id: id, partition: partition)
        waiting.withLock { $0[key, default: 0] += 1 }
        defer { waiting.withLock { $0[key] = $0[key].flatMap { $0 > 1 ? $0 - 1 : nil } } }
        var count = count
        while true {
            try await looks.wait(beyond: count)
            count = looks.count
            guard let row = seen.withLock({ $0[key]?.row }), !isFree(row, id) else {
                return
            }
        }
    }
}
