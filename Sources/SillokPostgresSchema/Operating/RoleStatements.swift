#if Postgres
/// The statements that create the roles with the minimum privileges.
package enum RoleStatements {
    /// Returns the statements, in their order. All names are quoted for SQL.
    ///
    /// - Parameters:
    ///   - log: the schema of the store.
    ///   - views: the schema of the read models.
    package static func all(
        reader: String, writer: String, projector: String, log: String, views: String
    ) -> [String] {
        [
            "CREATE ROLE \(reader) NOLOGIN", "CREATE ROLE \(writer) NOLOGIN", "CREATE ROLE \(projector) NOLOGIN",
            "GRANT USAGE ON SCHEMA \(log) TO \(reader)",
            "GRANT SELECT ON ALL TABLES IN SCHEMA \(log) TO \(reader)",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA \(log) GRANT SELECT ON TABLES TO \(reader)",
            "GRANT EXECUTE ON FUNCTION "
                + ["revision_at", "recorded_until", "first_match", "matches_after", "matches_before", "judge"]
                .map { "\(log).\($0)" }.joined(separator: ", ") + " TO \(reader)",
            "GRANT \(reader) TO \(writer), \(projector)",
            "GRANT EXECUTE ON FUNCTION "
                + ["append", "append_group", "append_after", "note_tracked"].map { "\(log).\($0)" }
                .joined(separator: ", ") + " TO \(writer)",
            "CREATE SCHEMA IF NOT EXISTS \(views)",
            "GRANT USAGE, CREATE ON SCHEMA \(views) TO \(projector)",
        ]
    }
}
#endif
