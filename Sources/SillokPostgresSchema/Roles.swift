#if Postgres
/// The names of the three roles of a store, and of the schemas that they may use; all quoted for SQL.
package struct RoleNames {
    let reader: String
    let writer: String
    let projector: String
    let log: String
    let views: String

    package init(reader: String, writer: String, projector: String, log: String, views: String) {
        (self.reader, self.writer, self.projector) = (reader, writer, projector)
        (self.log, self.views) = (log, views)
    }

    /// The statements that create the roles and give them what they need.
    package var statements: [String] {
        [
            "CREATE ROLE \(reader) NOLOGIN", "CREATE ROLE \(writer) NOLOGIN", "CREATE ROLE \(projector) NOLOGIN",
            "GRANT USAGE ON SCHEMA \(log) TO \(reader)",
            "GRANT SELECT ON ALL TABLES IN SCHEMA \(log) TO \(reader)",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA \(log) GRANT SELECT ON TABLES TO \(reader)",
            "GRANT EXECUTE ON FUNCTION \(functions(Self.asked)) TO \(reader)",
            "GRANT \(reader) TO \(writer), \(projector)",
            "GRANT EXECUTE ON FUNCTION \(functions(Self.appending)) TO \(writer)",
            "CREATE SCHEMA IF NOT EXISTS \(views)",
            "GRANT USAGE, CREATE ON SCHEMA \(views) TO \(projector)",
        ]
    }

    /// The functions that only read.
    private static let asked = [
        "revision_at", "recorded_until", "first_match", "matches_after", "matches_before", "judge",
    ]
    /// The functions that append.
    private static let appending = ["append", "append_group", "append_after", "note_tracked"]

    private func functions(_ names: [String]) -> String { names.map { "\(log).\($0)" }.joined(separator: ", ") }
}
#endif
