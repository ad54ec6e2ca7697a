import SillokCore

/// How far a replica is behind its primary.
public struct ReplicaLag: Hashable, Sendable {
    /// The number of events that the primary had and the replica did not have, when both were last compared. `nil` if
    /// the primary does not answer.
    public let events: UInt64?

    /// The age of what the replica shows: the time since the primary had nothing that the replica does not have now.
    /// `nil` until the first comparison that shows it.
    public let time: Duration?

    /// Creates a lag.
    public init(events: UInt64?, time: Duration?) { (self.events, self.time) = (events, time) }
}

/// The comparisons of a replica with its primary. Has no clock and does no I/O.
struct ReplicaComparisons: Sendable {
    /// Heads of the primary that the replica has not reached, the oldest first, each with the last time of this head.
    private(set) var missing: [(head: Position, at: ContinuousClock.Instant)] = []
    /// The last time at which the primary had nothing that the replica does not have now.
    private var completeAt: ContinuousClock.Instant?
    /// The last comparison that both answered.
    private var last: (events: UInt64, at: ContinuousClock.Instant)?

    /// After this time without a comparison, the number of missing events is not known.
    private static let validity = Duration.seconds(3)
    private static let capacity = 1000
    /// The least time between two kept times.
    private var spacing = Duration.zero

    /// Notes the head of the primary, as it was at a time, and a later head of the replica.
    ///
    /// - Parameter primary: `nil` if the primary did not answer.
    mutating func note(primary: Position?, at time: ContinuousClock.Instant, replica: Position) {
        if let primary {
            // After a restore or a failover that lost events, earlier heads of the primary mean nothing.
            if let known = missing.last, primary < known.head { missing = [] }
            if missing.last?.head == primary || isDense { missing.removeLast() }
            missing.append((primary, time))
            last = (primary > replica ? primary.value - replica.value : 0, time)
        }
        if let reached = missing.lastIndex(where: { $0.head <= replica }) {
            completeAt = missing[reached].at
            missing.removeFirst(reached + 1)
        }
        if missing.isEmpty { spacing = .zero }
        // A replica that stands still for long needs fewer of the times between.
        if missing.count > Self.capacity, let first = missing.first, let last = missing.last {
            missing = missing.indices.filter { $0.isMultiple(of: 2) }.map { missing[$0] }
            spacing = first.at.duration(to: last.at) / missing.count
        }
    }

    /// Whether the last two times are so close that a new one replaces the last.
    private var isDense: Bool {
        missing.count > 1 && missing[missing.count - 2].at.duration(to: missing[missing.count - 1].at) < spacing
    }

    /// Returns the lag at a time.
    func lag(at now: ContinuousClock.Instant) -> ReplicaLag {
        let events = last.flatMap { $0.at.duration(to: now) <= Self.validity ? $0.events : nil }
        return ReplicaLag(events: events, time: events == 0 ? .zero : completeAt.map { $0.duration(to: now) })
    }
}
