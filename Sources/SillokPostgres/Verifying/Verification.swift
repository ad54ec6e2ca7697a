#if Postgres
public import SillokCore
import SillokIndex

extension PostgresEventStore {
    /// Verifies everything that is stored, in one snapshot and on the server: positions, times, revisions, tags,
    /// tracking.
    ///
    /// The server itself checks the bytes on its disks, if the cluster was created with data checksums.
    /// - Parameter progress: called with each step, on the thread that verifies.
    /// - Returns: a report with the findings.
    /// - Throws: `CancellationError` when the task is cancelled; `StoreError`.
    public func verify(
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        let isCancelled = Lock(false)
        return try await withTaskCancellationHandler {
            try await checking { verification in
                try verification.run(progress) { isCancelled.withLock { $0 } }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }
}

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
                    SELECT position FROM (SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before
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
                step: "tags", message: "its tags are not those in the index",
                places: """
                    SELECT DISTINCT coalesce(e.position, t.position) FROM (
                        SELECT e.position, unnest(e.tags) AS tag FROM \(schema).events e WHERE e.tags IS NOT NULL) e
                    FULL JOIN \(schema).event_tags t ON t.position = e.position AND t.tag = e.tag
                    WHERE e.position IS NULL OR t.position IS NULL
                    """),
            Check(
                step: "tracking",
                message: "the tracked position of its source is missing, or before that of its last event",
                places: """
                    SELECT e.position FROM (
                        SELECT DISTINCT ON (source) source, position, tracked FROM \(schema).events
                        WHERE source IS NOT NULL ORDER BY source, position DESC) e
                    LEFT JOIN \(schema).tracking t ON t.source = e.source
                    WHERE t.position IS NULL OR t.position < e.tracked
                    """),
        ]
    }

    func run(
        _ progress: (WorkProgress) -> Void, isCancelled: () -> Bool
    ) throws -> VerificationReport {
        let checks = checks
        _ = try connection.run(.beginReading)
        do {
            let counts = try connection.run(
                Query("SELECT count(*), count(DISTINCT stream) FROM \(schema).events"))
            var findings: [VerificationReport.Finding] = []
            for (index, check) in checks.enumerated() {
                if isCancelled() { throw CancellationError() }
                progress(WorkProgress(step: check.step, done: UInt64(index), total: UInt64(checks.count)))
                let rows = try connection.run(Query(check.places + " LIMIT 20"))
                for row in 0..<rows.count {
                    findings.append(.init(position: Position(UInt64(clamping: rows.int(row, 0))), check.message))
                }
            }
            _ = try connection.run(.commit)
            return VerificationReport(
                events: UInt64(clamping: counts.int(0, 0)), streams: UInt64(clamping: counts.int(0, 1)),
                findings: findings)
        } catch {
            _ = try? connection.run(.rollback)
            throw error
        }
    }
}
#endif
