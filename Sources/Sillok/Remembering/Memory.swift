import SillokCore

/// A state that was kept, and where it is in its history.
struct Kept<D: Decider>: Sendable {
    let state: D
    let place: KeptPlace
    /// Nothing further of it lies up to here.
    let through: Position
    /// When its first event was recorded, if that is known.
    var first: Timestamp?
    /// Where a snapshot of it was last taken.
    var snapshot: KeptPlace?
    /// Whether a decision may rest on it without a look at the store, for the append will tell.
    var isTrusted = false
    /// How large it was when it was measured, after how many events.
    var measured: (events: UInt64, bytes: Int)?
}

/// What a handler keeps between commands: hot states in the process, others as snapshots.
struct Memory<D: Decider>: Sendable {
    /// Snapshots of this decider; what they do needs a state that is `Codable`.
    struct SnapshotAccess: Sendable {
        let find: @Sendable (_ subject: String, _ store: any EventStore, Moment?) async -> Kept<D>?
        let offer: @Sendable (_ subject: String, _ kept: Kept<D>, _ store: any EventStore) -> Bool
        let reject: @Sendable (_ subject: String, _ place: KeptPlace) -> Void
        /// Whether one of them was found to be wrong, so that nothing may rest on any.
        let areDistrusted: @Sendable () -> Bool
    }

    let cache: CachedStates<D>?
    let snapshots: SnapshotAccess?

    init?(cache: AggregateCache?, snapshots: SnapshotAccess? = nil) {
        if cache == nil && snapshots == nil { return nil }
        self.cache = cache.map { CachedStates($0) }
        self.snapshots = snapshots
    }

    /// What is kept of a subject. A cached state is handed over, not lent: put it back by ``remember(_:in:)``.
    func recall(_ subject: Subjects<D>.Subject, from store: any EventStore, at moment: Moment? = nil) async -> Kept<D>?
    {
        guard let key = subject.key else { return nil }
        if moment == nil, let kept = cache?.take(key), kept.snapshot == nil || snapshots?.areDistrusted() != true {
            return kept
        }
        return await snapshots?.find(key, store, moment)
    }

    /// Keeps what a command has learned of its subjects, and lets go of what proved wrong.
    ///
    /// - Parameter isOfNow: whether nothing that is in the store was left out; what is of the past is no hot state.
    func remember(_ subjects: Subjects<D>, in store: any EventStore, isOfNow: Bool = true) {
        for (index, place) in subjects.rejected {
            if let key = subjects.all[index].key { snapshots?.reject(key, place) }
        }
        for (key, kept) in subjects.keepable {
            var kept = kept
            if let snapshots, snapshots.offer(key, kept, store) { kept.snapshot = kept.place }
            if isOfNow { cache?.put(key, kept) }
        }
    }
}
