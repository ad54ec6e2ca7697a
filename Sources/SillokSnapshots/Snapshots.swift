import Sillok
import SillokCore
import SillokJSON
public import SillokSQL

/// Stores states next to the log, so that a long stream need not be replayed from its beginning.
///
/// ```swift
/// let snapshots = Snapshots(in: try SQLiteReadModel(path: "snapshots.sqlite"), .every(100))
/// ```
/// Snapshots are rows of a read model, and only an optimisation: you can delete any of them at any time. A snapshot is
/// used only if its checksum is right, the present code made it (a fingerprint, see ``SnapshottedDecider``) from this
/// store, and the log still has its last event at the same position. Otherwise the stream is replayed, and
/// `onMeasurement` is called. Snapshots are written in the background after the answer to a command, with bounded
/// memory: a read model that is slow or fails does not delay commands.
///
/// A snapshot is found by the name of its stream or by the whole boundary. The state of a boundary is written only when
/// a process asks for that boundary for the second time. A boundary with a new key in each command, such as the
/// reference of a new booking, is never asked for again: `SnapshotMeasurement.Outcome.withheld(subject:)` reports its
/// state.
public final class Snapshots: Sendable {
    /// What is known of snapshots of one decider.
    struct Kind: Hashable, Sendable {
        let decider: String
        let fingerprint: Fingerprint
    }

    private struct State {
        /// Kinds of which one was not what the replay gives.
        var distrusted: Set<Kind> = []
        /// How many were used, by kind.
        var used: [Kind: Int] = [:]
    }

    let model: any ReadModel
    let policy: SnapshotPolicy
    let record: @Sendable (SnapshotMeasurement) -> Void
    let work: BackgroundWork
    private let state = Lock(State())
    /// The boundaries that were asked for, so that no snapshot is written of one that is never asked for again.
    private let boundaries = AskedKeys(capacity: 10_000)

    /// Snapshots in a read model.
    ///
    /// - Parameters:
    ///   - readModel: where they are stored. One read model has the snapshots of one store.
    ///   - policy: when a state is stored.
    ///   - onMeasurement: called when a snapshot is used, written or rejected; must not block.
    public init(
        in readModel: any ReadModel, _ policy: SnapshotPolicy = .every(100),
        onMeasurement: @escaping @Sendable (SnapshotMeasurement) -> Void = { _ in }
    ) {
        model = readModel
        self.policy = policy
        record = onMeasurement
        work = BackgroundWork(limit: 256)
    }

    /// Waits until everything that is to be written has been. Nothing needs it but a tidy end, and tests.
    public func flush() async { await work.flush() }

    /// What a command handler does with snapshots of its decider.
    func access<D: SnapshottedDecider>(_ decider: D.Type) -> KeptStates<D>.SnapshotAccess {
        let kind = Kind(decider: stableName(D.self), fingerprint: Fingerprint(of: D.self))
        let storeID = KnownStore()
        return KeptStates<D>.SnapshotAccess(
            find: { [self] subject, store, moment in
                guard let kept: Kept<D> = await find(kind, subject, storeID, store, moment) else { return nil }
                if isToBeChecked(kind) { check(kept, kind, subject, store) }
                return kept
            },
            offer: { [self] subject, kept, store in
                guard policy.isDue(kept.place, since: kept.snapshot, first: kept.first), !isDistrusted(kind) else {
                    return false
                }
                return work.add(StreamID("\(kind.decider)\n\(subject)")) { [self] in
                    await write(kept, kind, subject, storeID, store)
                }
            },
            reject: { [self] subject, place in
                ignored(kind, subject, "it is ahead of its stream, or of another history")
                remove(kind, subject, place.mark.position)
            },
            ask: { [boundaries] subject in boundaries.ask("\(kind.decider)\n\(subject)") },
            isAskedAgain: { [boundaries] subject in boundaries.isAskedAgain("\(kind.decider)\n\(subject)") },
            withhold: { [self] subject, kept in
                guard policy.isDue(kept.place, since: kept.snapshot, first: kept.first) else { return }
                record(SnapshotMeasurement(decider: kind.decider, .withheld(subject: subject)))
            },
            areDistrusted: { [self] in isDistrusted(kind) })
    }

    /// Stops the use of snapshots of this kind in this process, and removes the stored ones.
    func distrust(_ kind: Kind) {
        _ = state.withLock { $0.distrusted.insert(kind) }
        work.add(StreamID("distrust\n\(kind.decider)")) { [model] in
            try? await model.write(
                ReadModelWrite([
                    .init(
                        """
                        DELETE FROM sillok_snapshots
                        WHERE decider = \(kind.decider) AND fingerprint = \("\(kind.fingerprint)")
                        """)
                ]))
        }
    }

    func ignored(_ kind: Kind, _ subject: String, _ reason: String) {
        record(SnapshotMeasurement(decider: kind.decider, .ignored(subject: subject, reason: reason)))
    }

    /// Removes a snapshot that no reader can use.
    func remove(_ kind: Kind, _ subject: String, _ position: Position) {
        work.add(StreamID("remove\n\(position)\n\(kind.decider)\n\(subject)")) { [model] in
            try? await model.write(
                ReadModelWrite([
                    .init(
                        """
                        DELETE FROM sillok_snapshots
                        WHERE decider = \(kind.decider) AND subject = \(subject) AND position = \(position)
                        """)
                ]))
        }
    }

    private func isDistrusted(_ kind: Kind) -> Bool { state.withLock { $0.distrusted.contains(kind) } }

    private func isToBeChecked(_ kind: Kind) -> Bool {
        guard policy.checkedShare > 0 else { return false }
        return state.withLock { state in
            state.used[kind, default: 0] += 1
            return (state.used[kind] ?? 0) % policy.checkedShare == 1 % policy.checkedShare
        }
    }
}

// Reading and writing them.
extension Snapshots {
    /// Returns the newest usable snapshot, and reports the faults of others.
    private func find<D: SnapshottedDecider>(
        _ kind: Kind, _ subject: String, _ known: KnownStore, _ store: any EventStore, _ moment: Moment?
    ) async -> Kept<D>? {
        guard !isDistrusted(kind) else { return nil }
        do {
            let storeID = try await known.id(of: store)
            var bound: SQL = moment.map { "AND \($0.includesSnapshot)" } ?? ""
            // A few may be unusable; a long search would cost more than the replay of what they lack.
            for _ in 0..<8 {
                let rows = try await model.ownRows(
                    """
                    SELECT * FROM sillok_snapshots WHERE decider = \(kind.decider) AND subject = \(subject) \(bound)
                    ORDER BY position DESC LIMIT 1
                    """)
                guard let found = rows.first else { return nil }
                let row = try SnapshotRow(found)
                do throws(SnapshotRow.Unusable) {
                    let kept: Kept<D> = try row.kept(kind, storeID)
                    record(SnapshotMeasurement(decider: kind.decider, .used))
                    return kept
                } catch {
                    ignored(kind, subject, error.reason)
                    if error.isUseless { remove(kind, subject, row.position) }
                }
                bound = "\(bound) AND position < \(row.position)"
            }
        } catch {
            record(SnapshotMeasurement(decider: kind.decider, .failed("it could not be read: \(error)")))
        }
        return nil
    }

    private func write<D: SnapshottedDecider>(
        _ kept: Kept<D>, _ kind: Kind, _ subject: String, _ known: KnownStore, _ store: any EventStore
    ) async {
        do {
            let (text, isKept) = try PlainCoding.encodeChecked(kept.state)
            guard isKept else {
                let reason = """
                    the state of \(subject) was not kept: storing would change a value in it, such as a date with a \
                    fraction of a microsecond. Round it in evolve.
                    """
                return record(SnapshotMeasurement(decider: kind.decider, .failed(reason)))
            }
            guard text.utf8.count <= policy.maximumBytes else {
                let reason = "\(subject) takes \(text.utf8.count) bytes, the limit is \(policy.maximumBytes)"
                return record(SnapshotMeasurement(decider: kind.decider, .failed(reason)))
            }
            let row = SnapshotRow(kept, text, kind, subject, try await known.id(of: store))
            try await model.write(ReadModelWrite(row.insertion(retaining: policy.retained).map { .init($0) }))
            record(SnapshotMeasurement(decider: kind.decider, .written(bytes: text.utf8.count)))
        } catch {
            record(SnapshotMeasurement(decider: kind.decider, .failed("it could not be written: \(error)")))
        }
    }
}

/// The identity of a store, requested only once.
final class KnownStore: Sendable {
    private let known = Lock<StoreID?>(nil)

    func id(of store: any EventStore) async throws -> StoreID {
        if let id = known.withLock({ $0 }) { return id }
        let id = try await store.storeID()
        known.withLock { $0 = id }
        return id
    }
}

extension Moment {
    /// The SQL condition that a snapshot is within it.
    fileprivate var includesSnapshot: SQL {
        switch self {
        case .revision(let revision): "events <= \(revision)"
        case .position(let position): "position <= \(position)"
        case .time(let time): "recorded_at <= \(time)"
        }
    }
}
