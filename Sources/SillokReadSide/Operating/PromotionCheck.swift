import SillokCore
import SillokSQL

/// A check that a build contains no less than the live one, so that queries lose no rows when it is promoted.
///
/// It compares positions partition by partition, the number of handled events, and the dead letters. Each comparison
/// returns one number, which is zero if all is well. The check runs early for a good message, and again as conditions
/// of the write, because the live build continues until then.
struct PromotionCheck: Sendable {
    private let id: ProjectionID
    private let live: ProjectionID
    private let isRequested: Bool
    /// Whether both builds spread their sequences in the same way, so that their partitions can be compared one by one.
    private let isAlike: Bool

    init(of build: ProjectionBuild, against live: ProjectionBuild) {
        id = build.id
        self.live = live.id
        isRequested = build.state == .requested
        isAlike = build.partitions == live.partitions && build.sequencing == live.sequencing
    }

    /// A reason against the promotion, and what to do about it.
    struct Lack: CustomStringConvertible {
        /// The reason, which the audit records if the promotion is forced.
        let fact: String
        let advice: String

        var description: String { "\(fact). \(advice)" }
    }

    /// Returns what the build lacks, or `nil` if it lacks nothing.
    func whatIsLacking(_ ledger: Ledger) async throws -> Lack? {
        if isRequested {
            return Lack(fact: "no application has started \(id) yet", advice: "Run the application that registers it.")
        }
        if try await count(behind, ledger) > 0 {
            let (mine, lived) = (try await positions(id, ledger), try await positions(live, ledger))
            return Lack(
                fact: "\(id) is at position \(mine), the live build \(live) at position \(lived)",
                advice: "Wait until it has caught up. If the log has become shorter, as after a restore, it cannot: "
                    + "\(Self.forcing)")
        }
        let letters = try await count(letters, ledger)
        if letters > 0 {
            return Lack(
                fact: "\(id) has \(letters) dead letters that the live \(live) does not have: their events would be "
                    + "missing",
                advice: "Retry, skip or replace them, or \(Self.forcing)")
        }
        let fewer = try await count(fewer, ledger)
        if fewer > 0 {
            return Lack(
                fact: "up to the same position, \(id) has handled \(fewer) fewer events than the live build \(live)",
                advice: "If that is what the new version is for, \(Self.forcing)")
        }
        return nil
    }

    /// The advice on how to promote it nevertheless.
    private static let forcing =
        "force the promotion with a reason: promote(_:by:force:) with force: true, or "
        + "sillok projections promote --force --reason TEXT."

    /// The conditions of the transaction that promotes it.
    var conditions: [ReadModelWrite.Condition] {
        [behind, letters, fewer].map { question in
            ReadModelWrite.Condition("SELECT CASE WHEN (\(question)) > 0 THEN 1 ELSE 0 END", gives: [[.integer(0)]])
        }
    }

    /// A query for the number of partitions that are behind those of the live build. If the builds spread their
    /// sequences differently, it compares them as a whole: the slowest partition with the fastest.
    private var behind: SQL {
        if isAlike {
            return """
                SELECT COUNT(*) FROM sillok_checkpoints l WHERE \(Self.whose("l", live)) AND NOT EXISTS (
                    SELECT 1 FROM sillok_checkpoints n WHERE \(Self.whose("n", id)) AND n."partition" = l."partition"
                    AND n.position >= l.position)
                """
        }
        return """
            SELECT CASE WHEN (SELECT MIN(n.position) FROM sillok_checkpoints n WHERE \(Self.whose("n", id)))
                >= (SELECT MAX(l.position) FROM sillok_checkpoints l WHERE \(Self.whose("l", live))) THEN 0 ELSE 1 END
            """
    }

    /// A query for the number of events that are dead letters in the build and were projected in the live one.
    private var letters: SQL {
        """
        SELECT COUNT(*) FROM sillok_dead_letters n WHERE \(Self.whose("n", id)) AND n.state <> 'skipped'
        AND NOT EXISTS (SELECT 1 FROM sillok_dead_letters l WHERE \(Self.whose("l", live)) AND l.event = n.event)
        """
    }

    /// A query for the number of events that it handled less. It is at least as far as the live build when this is run.
    private var fewer: SQL {
        """
        SELECT (SELECT COALESCE(SUM(l.count), 0) FROM sillok_checkpoints l WHERE \(Self.whose("l", live)))
            - (SELECT COALESCE(SUM(n.count), 0) FROM sillok_checkpoints n WHERE \(Self.whose("n", id)))
        """
    }

    private static func whose(_ table: String, _ id: ProjectionID) -> SQL {
        """
        \(raw: table).projection = \(id.name) AND \(raw: table).version = \(id.version)
        AND \(raw: table).build = \(id.build)
        """
    }

    private func count(_ question: SQL, _ ledger: Ledger) async throws -> Int64 {
        let rows = try await ledger.model.ownRows("SELECT CAST((\(question)) AS BIGINT) AS number")
        return try rows.first?.integer("number") ?? 0
    }

    /// Returns the position of each partition, such as `7` or `7, 9 and 8`.
    private func positions(_ id: ProjectionID, _ ledger: Ledger) async throws -> String {
        let positions = try await ledger.partitions(of: id).map { "\($0.checkpoint.position)" }
        guard let last = positions.last, positions.count > 1 else { return positions.first ?? "0" }
        return positions.dropLast().joined(separator: ", ") + " and " + last
    }
}
