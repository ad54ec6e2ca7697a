#if Postgres
/// A check of what is stored, and the query for the places where it fails.
package struct VerificationCheck: Sendable {
    /// The name of the check.
    package let step: String
    /// The message of a finding.
    package let message: String
    /// The query for the positions of the findings.
    package let places: String

    /// Returns all checks of a store.
    ///
    /// - Parameter schema: the name of the schema, quoted for SQL.
    package static func all(in schema: String) -> [VerificationCheck] {
        [
            VerificationCheck(
                step: "positions", message: "the position before it is missing",
                places: """
                    SELECT position FROM (
                        SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before
                    FROM \(schema).events) e WHERE position <> before + 1
                    """),
            VerificationCheck(
                step: "times", message: "it was recorded earlier than the event before it",
                places: """
                    SELECT position FROM (SELECT position, recorded, lag(recorded) OVER (ORDER BY position) AS before
                    FROM \(schema).events) e WHERE recorded < before
                    """),
            VerificationCheck(
                step: "revisions", message: "its revision is not the next one of its stream",
                places: """
                    SELECT position FROM (SELECT position, revision,
                    row_number() OVER (PARTITION BY stream ORDER BY position) AS next
                    FROM \(schema).events WHERE stream IS NOT NULL) e WHERE revision <> next
                    """),
            VerificationCheck(
                step: "tags", message: "its tags differ from those in the index",
                places: """
                    SELECT DISTINCT coalesce(e.position, t.position) FROM (
                        SELECT e.position, unnest(e.tags) AS tag FROM \(schema).events e WHERE e.tags IS NOT NULL) e
                    FULL JOIN \(schema).event_tags t ON t.position = e.position AND t.tag = e.tag
                    WHERE e.position IS NULL OR t.position IS NULL
                    """),
            VerificationCheck(
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
}
#endif
