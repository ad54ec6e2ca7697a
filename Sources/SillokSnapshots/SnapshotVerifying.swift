import Sillok
public import SillokCore
import SillokJSON
import SillokSQL

/// The result of a comparison of snapshots with the replay.
public struct SnapshotVerification: Hashable, Sendable {
    /// A snapshot that differs from the replay of its events.
    public struct Finding: Hashable, Sendable {
        /// The stream, or the query as JSON.
        public let subject: String
        /// The position of the last event in the snapshot.
        public let position: Position
        /// How the replayed state differs from the snapshot, in sentences. Empty if there is another reason.
        public let differences: [String]
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
    /// Run it with the code of a release before that code serves commands, for example against a copy of the data. If a
    /// state differs, `evolve` or the state has changed under the same ``SnapshottedDecider/foldVersion``. Then all
    /// snapshots of this version of the decider are removed, and this process no longer uses any of them.
    /// - Parameters:
    ///   - decider: the decider whose snapshots are compared.
    ///   - store: the log.
    ///   - sample: the maximum number of snapshots to compare.
    /// - Throws: errors of the store and of the read model, also when a snapshot that differs cannot be removed.
    public func verify<D: SnapshottedDecider>(
        _ decider: D.Type, in store: any EventStore, sample: Int = 100
    ) async throws -> SnapshotVerification {
        let kind = Kind(of: D.self)
        let storeID = try await store.storeID()
        // The checksum orders them by chance.
        let rows = try await model.ownRows(
            "SELECT * FROM sillok_snapshots WHERE decider = \(kind.decider) ORDER BY checksum LIMIT \(sample)")
        var findings: [SnapshotVerification.Finding] = []
        for found in rows {
            try Task.checkCancellation()
            let row = try SnapshotRow(found)
            do {
                let start: ReplayStart<D> = try row.start(kind, storeID)
                guard let finding = try await finding(start, row.subject, store) else { continue }
                findings.append(finding)
                if !finding.differences.isEmpty { try await distrust(kind) }
            } catch let error as SnapshotRow.Unusable {
                findings.append(
                    .init(subject: row.subject, position: row.position, differences: [], reason: error.reason))
            }
            try await remove(kind, row.subject, row.position)
        }
        return SnapshotVerification(checked: rows.count, findings: findings)
    }

    /// Compares a snapshot that is in use with the replay, in the background.
    func check<D: SnapshottedDecider>(_ start: ReplayStart<D>, _ kind: Kind, _ subject: String, _ store: any EventStore)
    {
        work.add(StreamID("check\n\(kind.decider)")) { [self] in
            guard let finding = try? await finding(start, subject, store) else { return }
            report(kind, .ignored(subject: subject, reason: finding.reason))
            do {
                if finding.differences.isEmpty {
                    try await remove(kind, subject, start.place.position)
                } else {
                    try await distrust(kind)
                }
            } catch {
                report(kind, .failed("it could not be removed: \(error)"))
            }
        }
    }

    /// What is wrong with a snapshot, or `nil`.
    private func finding<D: SnapshottedDecider>(
        _ start: ReplayStart<D>, _ subject: String, _ store: any EventStore
    ) async throws -> SnapshotVerification.Finding? {
        let position = start.place.position
        let coding = EventCoding<D.Event>()
        var subjects = Subjects<D>([Self.subject(of: subject)], limits: store.limits, coding: coding)
        try await subjects.load(from: store, coding: coding, before: .position(position.next))
        let replayed = subjects.all[0]
        guard replayed.place?.position == position, replayed.place?.id == start.place.id else {
            return .init(
                subject: subject, position: position, differences: [],
                reason: "it has events that its stream does not have, or belongs to another log")
        }
        if replayed.state == start.state { return nil }
        let differences = try Self.differences(replayed.state, from: start.state)
        return .init(
            subject: subject, position: position, differences: differences,
            reason:
                "it differs from the replay of its events: \(differences[0]); raise foldVersion whenever evolve changes"
        )
    }

    /// How a replayed state differs from a stored one. Says at least that it does.
    private static func differences(_ replayed: some Encodable, from stored: some Encodable) throws -> [String] {
        let now = JSONValue(try JSONReader(PlainCoding.bytes(of: replayed)).root)
        let was = JSONValue(try JSONReader(PlainCoding.bytes(of: stored)).root)
        let differences = now.differences(from: was)
        return differences.isEmpty ? ["the state is \(now) and was \(was)"] : differences
    }

    private static func subject<D: Decider>(of key: String) -> Subjects<D>.Subject {
        if D.self is any BoundaryDecider.Type, let query = try? StoredQuery.query(of: key) {
            return .init(boundary: query)
        }
        return .init(stream: StreamID(key))
    }
}
