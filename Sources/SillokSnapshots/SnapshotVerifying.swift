public import Sillok
public import SillokCore
import SillokJSON
import SillokSQL

/// What a comparison of snapshots with the replay has found.
public struct SnapshotVerification: Hashable, Sendable {
    /// A snapshot that is not what its events lead to.
    public struct Finding: Hashable, Sendable {
        /// The stream, or the query as JSON.
        public let subject: String
        /// The last event that the snapshot has taken.
        public let position: Position
        /// How the state differs: from what the snapshot says to what the replay gives. Empty if there is another
        /// reason.
        public let differences: [StateChange]
        /// Why it cannot be used, in a sentence.
        public let reason: String
    }

    /// The number of snapshots that were compared.
    public let checked: Int
    /// The snapshots that differ. They were removed.
    public let findings: [Finding]
}

extension Snapshots {
    /// Compares some of a decider's snapshots with the full replay of their events, and removes those that differ.
    ///
    /// If a state differs, the decider's code has changed under the same ``SnapshottedDecider/foldVersion``. Then all
    /// of its snapshots are removed, and this process no longer uses any of them.
    /// - Parameters:
    ///   - decider: the decider whose snapshots are compared.
    ///   - store: the log.
    ///   - sample: how many, at most.
    public func verify<D: SnapshottedDecider>(
        _ decider: D.Type, in store: any EventStore, sample: Int = 100
    ) async throws -> SnapshotVerification {
        let kind = Kind(decider: stableName(D.self), fingerprint: Fingerprint(of: D.self))
        let storeID = try await store.storeID()
        // The checksum orders them by chance.
        let rows = try await model.ownRows(
            "SELECT * FROM sillok_snapshots WHERE decider = \(kind.decider) ORDER BY checksum LIMIT \(sample)")
        var findings: [SnapshotVerification.Finding] = []
        for found in rows {
            try Task.checkCancellation()
            let row = try SnapshotRow(found)
            do {
                let kept: Kept<D> = try row.kept(kind, storeID)
                guard let finding = try await finding(kept, row.subject, store) else { continue }
                findings.append(finding)
                if !finding.differences.isEmpty { distrust(kind) }
            } catch let error as SnapshotRow.Unusable {
                findings.append(
                    .init(subject: row.subject, position: row.position, differences: [], reason: error.reason))
            }
            remove(kind, row.subject, row.position)
        }
        await flush()
        return SnapshotVerification(checked: rows.count, findings: findings)
    }

    /// Compares a snapshot that is in use with the replay, in the background.
    func check<D: SnapshottedDecider>(_ kept: Kept<D>, _ kind: Kind, _ subject: String, _ store: any EventStore) {
        work.add(StreamID("check\n\(kind.decider)")) { [self] in
            guard let finding = try? await finding(kept, subject, store) else { return }
            ignored(kind, subject, finding.reason)
            if finding.differences.isEmpty { remove(kind, subject, kept.place.mark.position) } else { distrust(kind) }
        }
    }

    /// What is wrong with a snapshot, or `nil`.
    private func finding<D: SnapshottedDecider>(
        _ kept: Kept<D>, _ subject: String, _ store: any EventStore
    ) async throws -> SnapshotVerification.Finding? {
        let mark = kept.place.mark
        let coding = EventCoding<D.Event>()
        var subjects = Subjects<D>([Self.subject(of: subject)], limits: store.limits, coding: coding)
        try await subjects.load(from: store, coding: coding, before: .position(mark.position.next))
        let replayed = subjects.all[0]
        guard replayed.place?.mark == mark else {
            return .init(
                subject: subject, position: mark.position, differences: [],
                reason: "it is ahead of its stream, or of another history")
        }
        let differences = StateTree(reflecting: kept.state).changes(to: StateTree(reflecting: replayed.state))
        if differences.isEmpty { return nil }
        return .init(
            subject: subject, position: mark.position, differences: differences,
            reason: "it is not what its events lead to: \(differences[0]); raise foldVersion when evolve changes")
    }

    private static func subject<D: Decider>(of key: String) -> Subjects<D>.Subject {
        if D.self is any BoundaryDecider.Type, let query = try? StoredQuery.query(of: key) {
            return .init(boundary: query)
        }
        return .init(stream: StreamID(key))
    }
}
