import Sillok
import SillokCore
import SillokJSON
public import SillokSQL

/// A storage for states next to the log, so that a long stream need not be replayed from its beginning.
///
/// ```swift
/// let snapshots = Snapshots(in: try SQLiteReadModel(path: "snapshots.sqlite"), .every(100))
/// ```
/// Snapshots are rows of a read model, and only an optimisation: you can delete any of them at any time. A snapshot is
/// used only if all of these hold: it is of this version of the decider (see ``SnapshottedDecider``) and of this store;
/// its checksum is right; the log still has its last event at the same position. Otherwise the stream is replayed, and
/// `onMeasurement` is called. Snapshots are written in the background after the answer to a command, with bounded
/// memory, so slow writes do not delay commands. A command waits for the read model only when it looks for a snapshot.
///
/// A snapshot is found by the name of its stream or by the whole boundary. The state of a boundary is written only when
/// a process asks for that boundary for the second time. A boundary with a new key in each command, such as the
/// reference of a new booking, is never asked for again: its snapshot is not written, and `onMeasurement` gets
/// `SnapshotMeasurement.Outcome.withheld(subject:)`.
public final class Snapshots: Sendable {
    /// The snapshots of one version of one decider.
    struct Kind: Hashable, Sendable {
        let decider: String
        let version: SnapshotVersion

        init<D: SnapshottedDecider>(of decider: D.Type) {
            // For a private type Swift prints the address of where it was declared, which differs from run to run.
            let parts = String(reflecting: D.self).split(separator: ".").filter { !$0.hasPrefix("(unknown context") }
            self.decider = parts.joined(separator: ".")
            version = SnapshotVersion(of: D.self)
        }
    }

    private struct State {
        /// Kinds of which one was not what the replay gives.
        var distrusted: Set<Kind> = []
        /// How many were used, by kind.
        var used: [Kind: Int] = [:]
    }

    let model: any ReadModel
    let policy: SnapshotPolicy
    let work: BackgroundWork
    /// The boundaries that were asked for, so that no snapshot is written of one that is never asked for again.
    let boundaries = AskedKeys(capacity: 10_000)
    private let record: @Sendable (SnapshotMeasurement) -> Void
    private let state = Lock(State())

    /// Creates a storage for snapshots in a read model.
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

    /// Waits until all waiting snapshots are written. Call it before the process ends, and in tests.
    public func flush() async { await work.flush() }

    func report(_ kind: Kind, _ outcome: SnapshotMeasurement.Outcome) {
        record(SnapshotMeasurement(decider: kind.decider, outcome))
    }

    /// Whether a snapshot of this kind was wrong, so that none of them may be used.
    func isDistrusted(_ kind: Kind) -> Bool { state.withLock { $0.distrusted.contains(kind) } }

    /// Counts a snapshot that is used. Returns whether it has to be compared with the replay.
    func isToBeChecked(_ kind: Kind) -> Bool {
        guard policy.checkedShare > 0 else { return false }
        return state.withLock { state in
            state.used[kind, default: 0] += 1
            return (state.used[kind] ?? 0) % policy.checkedShare == 1 % policy.checkedShare
        }
    }

    /// Stops the use of snapshots of this kind in this process, also of those that wait to be written, and removes the
    /// stored ones.
    func distrust(_ kind: Kind) async throws {
        _ = state.withLock { $0.distrusted.insert(kind) }
        try await delete(kind, "fingerprint = \(kind.version.description)")
    }

    /// Removes a snapshot that no reader can use.
    func remove(_ kind: Kind, _ subject: String, _ position: Position) async throws {
        try await delete(kind, "subject = \(subject) AND position = \(position)")
    }

    /// Removes a snapshot that no reader can use, in the background. If too much is waiting, or the removal fails, the
    /// next reader that finds the snapshot tries again.
    func removeLater(_ kind: Kind, _ subject: String, _ position: Position) {
        work.add(StreamID("remove\n\(position)\n\(kind.decider)\n\(subject)")) { [self] in
            try? await remove(kind, subject, position)
        }
    }

    private func delete(_ kind: Kind, _ condition: SQL) async throws {
        let statement: SQL = "DELETE FROM sillok_snapshots WHERE decider = \(kind.decider) AND \(condition)"
        try await model.write(ReadModelWrite([.init(statement)]))
    }

    /// Returns the newest usable snapshot, and reports the faults of others.
    func find<D: SnapshottedDecider>(
        _ kind: Kind, _ subject: String, of store: NamedStore, at moment: Moment?
    ) async -> ReplayStart<D>? {
        guard !isDistrusted(kind) else { return nil }
        do {
            let storeID = try await store.id
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
                    let start: ReplayStart<D> = try row.start(kind, storeID)
                    report(kind, .used)
                    return start
                } catch {
                    report(kind, .ignored(subject: subject, reason: error.reason))
                    if error.isUseless { removeLater(kind, subject, row.position) }
                }
                bound = "\(bound) AND position < \(row.position)"
            }
        } catch {
            report(kind, .failed("it could not be read: \(error)"))
        }
        return nil
    }

    /// Writes a state.
    func write<D: SnapshottedDecider>(
        _ start: ReplayStart<D>, _ kind: Kind, _ subject: String, of store: NamedStore
    ) async {
        guard !isDistrusted(kind) else { return }
        do {
            let (text, isKept) = try PlainCoding.encodeChecked(start.state)
            guard isKept else {
                let reason = """
                    the state of \(subject) was not kept: storing would change a value in it, such as a date with a \
                    fraction of a microsecond. Round it in evolve.
                    """
                return report(kind, .failed(reason))
            }
            guard text.utf8.count <= policy.maximumBytes else {
                let reason = "\(subject) takes \(text.utf8.count) bytes, the limit is \(policy.maximumBytes)"
                return report(kind, .failed(reason))
            }
            let row = SnapshotRow(start.place, text, kind, subject, try await store.id)
            try await model.write(ReadModelWrite(row.insertion(retaining: policy.retained).map { .init($0) }))
            report(kind, .written(bytes: text.utf8.count))
        } catch {
            report(kind, .failed("it could not be written: \(error)"))
        }
    }
}

/// A store, and its identity, which is requested only once.
final class NamedStore: Sendable {
    let store: any EventStore
    private let known = Lock<StoreID?>(nil)

    init(_ store: any EventStore) { self.store = store }

    var id: StoreID {
        get async throws {
            if let id = known.withLock({ $0 }) { return id }
            let id = try await store.storeID()
            known.withLock { $0 = id }
            return id
        }
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
