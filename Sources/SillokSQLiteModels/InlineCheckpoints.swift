import SillokCore
package import SillokSQL
import SillokSQLiteConnections

extension ModelStatements {
    /// Returns the checkpoints of all builds that are written inline; none if the file has no tables of a read model.
    package func inlineCheckpoints() throws -> [(build: ProjectionID, checkpoint: Checkpoint)] {
        let tables: SQL = "SELECT 1 FROM sqlite_schema WHERE name = 'sillok_builds'"
        guard try !values(tables.ofSillok, of: nil).isEmpty else { return [] }
        let query: SQL = """
            SELECT c.projection, c.version, c.build, c.store, c.position, c.count, c.sum, c.mark
            FROM sillok_checkpoints c JOIN sillok_builds b
                ON b.projection = c.projection AND b.version = c.version AND b.build = c.build
            WHERE b.lifecycle = 'inline'
            """
        return try values(query.ofSillok, of: nil).map { row in
            guard let name = row[0].text, let version = row[1].integer, let build = row[2].integer,
                let checkpoint = Checkpoint(standing: Array(row[3...]))
            else { throw StoreError(.corrupt, "a checkpoint of the read model cannot be read.") }
            return (ProjectionID(name, version: Int(version), build: Int(build)), checkpoint)
        }
    }
}

extension InlineModel {
    /// Returns the checkpoints of all builds that are written inline, attached or not.
    package func checkpoints() throws -> [(build: ProjectionID, checkpoint: Checkpoint)] {
        try statements.inlineCheckpoints()
    }
}
