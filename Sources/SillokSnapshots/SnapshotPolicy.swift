import Sillok
import SillokCore

/// The rules for when snapshots are written, how many are kept, and how they are checked.
public struct SnapshotPolicy: Hashable, Sendable {
    /// The number of events after the last snapshot at which a new one is written; `nil`: the number does not matter.
    public var events: UInt64?

    /// A new snapshot is written if the last event of the stream is at least this much later than the last event of the
    /// newest snapshot. With `nil`, time does not matter.
    public var age: Duration?

    /// The number of snapshots that are kept for each stream, by default 2. More of them make old states faster to
    /// load.
    public var retained = 2

    /// A snapshot larger than this is not written: 16 MiB.
    public var maximumBytes = 16 << 20

    /// One in this number of used snapshots is compared with a replay, in the background: 1,000. The first used
    /// snapshot of each decider is compared too. With 0 none is compared.
    public var checkedShare = 1000

    private init(events: UInt64?, age: Duration?) {
        self.events = events
        self.age = age
    }

    /// Returns the policy to write a snapshot after this number of events.
    public static func every(_ events: Int) -> SnapshotPolicy {
        SnapshotPolicy(events: UInt64(max(1, events)), age: nil)
    }

    /// Returns the policy to write a snapshot when the last one is older than `age`, by the recorded times of events.
    public static func olderThan(_ age: Duration) -> SnapshotPolicy { SnapshotPolicy(events: nil, age: age) }

    /// Returns the policy to write a snapshot after this number of events, or when the last one is older than `age`.
    public static func every(_ events: Int, orOlderThan age: Duration) -> SnapshotPolicy {
        SnapshotPolicy(events: UInt64(max(1, events)), age: age)
    }

    /// Returns this policy with `count` snapshots kept for each stream.
    public func retaining(_ count: Int) -> SnapshotPolicy {
        var policy = self
        policy.retained = max(1, count)
        return policy
    }

    /// Whether a state is to be kept, given where the last one was kept, or where the stream begins.
    func isDue(_ place: HistoryPlace, since last: HistoryPlace?, first: Timestamp?) -> Bool {
        guard place.events > (last?.events ?? 0) else { return false }
        if let events, place.events - (last?.events ?? 0) >= events { return true }
        guard let age, let start = last?.recordedAt ?? first else { return false }
        return .microseconds(place.recordedAt.microseconds(since: start)) >= age
    }
}
