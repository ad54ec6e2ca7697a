#if Postgres
import SillokCore
import SillokThreads

/// The queries whose results are the findings.
struct Verification {
    let connection: Connection
    let schema: String

    /// The name of a check, and the query for the places where it fails.
    private struct Check {
        let step: String
        let message: String
        let places: String
    }

    private var checks: [Check] {
        [
            Check(
                step: "positions", message: "the position before it is missing",
                places: """
                    SELECT position FROM (
                        SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before
                    FROM \(schema).events) e WHERE position <> before + 1
                    """),
            Check(
                step: "times", message: "it was recorded earlier than the event before it",
                places: """
                    SELECT position FROM (SELECT position, recorded, lag(recorded) OVER (ORDER BY position) AS before
                    FROM \(schema).events) e WHERE recorded < before
                    """),
            Check(
                step: "revisions", message: "its revision is not the next one of its stream",
                places: """
                    SELECT position FROM (SELECT position, revision,
                    row_number() OVER (PARTITION BY stream ORDER BY position) AS next
                    FROM \(schema).events WHERE stream IS NOT NULL) e WHERE revision <> next
                    """),
            Check(
                step: "tags", message: "its tags differ from those in the index",
                places: """
                    SELECT DISTINCT coalesce(e.position, t.position) FROM (
                        SELECT e.position, unnest(e.tags) AS tag FROM \(schema).events e WHERE e.tags IS NOT NULL) e
                    FULL JOIN \(schema).event_tags t ON t.position = e.position AND t.tag = e.tag
                    WHERE e.position IS NULL OR t.position IS NULL
                    """),
            Check(
                step: "tracking",
                message: "the tracked position of a source is not the one that was recorded last",
                places: """
                    SELECT e.position FROM (
                        SELECT source, max(tracked) AS tracked, max(position) AS position FROM (
                            SELECT source, tracked, position FROM \(schema).events WHERE source IS NOT NULL
                            UNION ALL SELECT source, position, NULL FROM \(schema).tracked_alone) l
                        GROUP BY source) e
                    FULL JOIN \(schema).tracking t ON t.source = e.source
                    WHERE t.position IS DISTINCT FROM e.tracked
                    """),
        ]
    }

    func run(
        _ progress: (WorkProgress) -> Void, _ cancellation: Cancellation
    ) throws -> VerificationReport {
        let checks = checks
        return try connection.transaction([.beginReading]) {
            let counts = try connection.run(
                Query("SELECT count(*), count(DISTINCT stream) FROM \(schema).events"))
            var findings: [VerificationReport.Finding] = []
            for (index, check) in checks.enumerated() {
                try cancellation.check()
                progress(WorkProgress(step: check.step, done: UInt64(index), total: UInt64(checks.count)))
                let rows = try connection.run(Query(check.places + " LIMIT 20"))
                for row in 0..<rows.count {
                    let position = rows.isNull(row, 0) ? nil : Position(UInt64(clamping: try rows.int(row, 0)))
                    findings.append(.init(position: position, check.message))
                }
            }
            _ = try connection.run(.commit)
            return VerificationReport(
                events: UInt64(clamping: try counts.int(0, 0)), streams: UInt64(clamping: try counts.int(0, 1)),
                findings: findings)
        }
    }
}
#endif
