import Sillok
import SillokCore

/// States that are replayed from their newest snapshot, and stored as snapshots when the policy says so.
struct SnapshottedStates<D: SnapshottedDecider>: StateSource {
    private let snapshots: Snapshots
    private let store: NamedStore
    private let base: any StateSource<D>
    private let kind = Snapshots.Kind(of: D.self)

    init(_ snapshots: Snapshots, of store: any EventStore, base: any StateSource<D>) {
        (self.snapshots, self.store, self.base) = (snapshots, NamedStore(store), base)
    }

    func start(of subject: Subjects<D>.Subject, at moment: Moment?) async -> ReplayStart<D>? {
        guard let key = subject.key else { return await base.start(of: subject, at: moment) }
        if subject.stream == nil { snapshots.boundaries.ask("\(kind.decider)\n\(key)") }
        guard let start: ReplayStart<D> = await snapshots.find(kind, key, of: store, at: moment) else {
            return await base.start(of: subject, at: moment)
        }
        if snapshots.isToBeChecked(kind) { snapshots.check(start, kind, key, store.store) }
        return start
    }

    func accepts(_ start: ReplayStart<D>) -> Bool {
        (start.stored == nil || !snapshots.isDistrusted(kind)) && base.accepts(start)
    }

    func keep(_ subjects: inout Subjects<D>, at moment: Moment?) {
        base.keep(&subjects, at: moment)
        for (index, place) in subjects.refuted {
            guard let key = subjects.all[index].key else { continue }
            snapshots.report(
                kind,
                .ignored(subject: key, reason: "it has events that its stream does not have, or belongs to another log")
            )
            snapshots.removeLater(kind, key, place.position)
        }
        for (index, start) in subjects.starts {
            guard snapshots.policy.isDue(start.place, since: start.stored, first: start.first),
                let key = subjects.all[index].key
            else { continue }
            if mayBeAskedForAgain(subjects.all[index], key) {
                if offer(start, key) { subjects.noteStored(index) }
            } else {
                snapshots.report(kind, .withheld(subject: key))
            }
        }
    }

    /// Returns `false` for a boundary that was asked for only once, as far as this process knows.
    private func mayBeAskedForAgain(_ subject: Subjects<D>.Subject, _ key: String) -> Bool {
        subject.stream != nil || subject.hasStart || snapshots.boundaries.isAskedAgain("\(kind.decider)\n\(key)")
    }

    /// Writes a state in the background. Returns `false` if too much is waiting.
    private func offer(_ start: ReplayStart<D>, _ key: String) -> Bool {
        guard !snapshots.isDistrusted(kind) else { return false }
        return snapshots.work.add(StreamID("\(kind.decider)\n\(key)")) { [snapshots, kind, store] in
            await snapshots.write(start, kind, key, of: store)
        }
    }
}
