import Sillok
import SillokCore

/// What a handler keeps between commands: hot states in the process, others as snapshots.
struct KeptStates<D: Decider>: Sendable {
    /// Snapshots of this decider; what they do needs a state that is `Codable`.
    struct SnapshotAccess: Sendable {
        let find: @Sendable (_ subject: String, _ store: any EventStore, Moment?) async -> Kept<D>?
        let offer: @Sendable (_ subject: String, _ kept: Kept<D>, _ store: any EventStore) -> Bool
        let reject: @Sendable (_ subject: String, _ place: KeptPlace) -> Void
        /// Notes that a snapshot was due and is not offered, because nothing asked for its boundary before.
        let withhold: @Sendable (_ subject: String, _ kept: Kept<D>) -> Void
        /// Whether one of them was found to be wrong, so that nothing may rest on any.
        let areDistrusted: @Sendable () -> Bool
    }

    let cache: CachedStates<D>?
    let snapshots: SnapshotAccess?
    /// The boundaries that were asked for, so that no snapshot is written of one that never is again.
    private let boundaries = AskedKeys(capacity: 10_000)

    init(cache: AggregateCache?, snapshots: SnapshotAccess? = nil) {
        self.cache = cache.map { CachedStates($0) }
        self.snapshots = snapshots
    }

    /// What a command handler does with it.
    var memory: Memory<D> {
        Memory(
            recall: { subject, store, moment in await recall(subject, from: store, at: moment) },
            remember: { subjects, store, isOfNow in remember(subjects, in: store, isOfNow: isOfNow) })
    }

    /// What is kept of a subject. A cached state is handed over, not lent: `remember` puts it back.
    private func recall(
        _ subject: Subjects<D>.Subject, from store: any EventStore, at moment: Moment?
    ) async -> Kept<D>? {
        guard let key = subject.key else { return nil }
        if moment == nil, subject.isBoundary, snapshots != nil { boundaries.ask(key) }
        if moment == nil, let kept = cache?.take(key), kept.snapshot == nil || snapshots?.areDistrusted() != true {
            return kept
        }
        return await snapshots?.find(key, store, moment)
    }

    /// Caches the states that a command has loaded, and removes the states that proved wrong.
    ///
    /// - Parameter isOfNow: whether the states include all events of the store; past states are not cached.
    private func remember(_ subjects: Subjects<D>, in store: any EventStore, isOfNow: Bool) {
        for (index, place) in subjects.rejected {
            if let key = subjects.all[index].key { snapshots?.reject(key, place) }
        }
        for (key, isBoundary, kept) in subjects.keepable {
            var kept = kept
            if isBoundary && !boundaries.isAskedAgain(key) {
                snapshots?.withhold(key, kept)
            } else if let snapshots, snapshots.offer(key, kept, store) {
                kept.snapshot = kept.place
            }
            if isOfNow { cache?.put(key, kept) }
        }
    }
}
