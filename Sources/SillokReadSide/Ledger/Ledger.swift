import SillokCore
package import SillokSQL

/// Access to the tables in which a read model stores the state of its projections.
package struct Ledger: Sendable {
    package let model: any ReadModel

    package init(model: any ReadModel) { self.model = model }

    /// Returns the builds of a projection, or of all projections, the newest last.
    package func builds(of name: String? = nil) async throws -> [ProjectionBuild] {
        let filter: SQL = name.map { "WHERE projection = \($0)" } ?? ""
        return try await model.ownRows("SELECT * FROM sillok_builds \(filter) ORDER BY projection, version, build")
            .map { try ProjectionBuild($0) }
    }

    package func build(_ id: ProjectionID) async throws -> ProjectionBuild? {
        try await model.ownRows("SELECT * FROM sillok_builds \(Self.whose(id))").first.map { try ProjectionBuild($0) }
    }

    package func live(_ name: String) async throws -> ProjectionBuild? {
        try await builds(of: name).first { $0.state == .live }
    }

    package func partitions(of id: ProjectionID) async throws -> [PartitionRow] {
        try await model.ownRows("SELECT * FROM sillok_checkpoints \(Self.whose(id)) ORDER BY \"partition\"")
            .map { try PartitionRow($0) }
    }

    /// Returns the partitions of all builds of a projection.
    package func allPartitions(of name: String) async throws -> [(ProjectionID, PartitionRow)] {
        try await model.ownRows("SELECT * FROM sillok_checkpoints WHERE projection = \(name)")
            .map { (try ProjectionID($0), try PartitionRow($0)) }
    }

    package func partition(_ number: Int, of id: ProjectionID) async throws -> PartitionRow? {
        try await model.ownRows("SELECT * FROM sillok_checkpoints \(Self.whose(id, number))").first
            .map { try PartitionRow($0) }
    }

    /// Returns the decisions of operators about events of a projection, in any build.
    package func decisions(of name: String) async throws -> Decisions {
        let rows = try await model.ownRows(
            "SELECT event, action, replacement FROM sillok_decisions WHERE projection = \(name)")
        return try Decisions(rows)
    }

    package static func whose(_ id: ProjectionID) -> SQL { ReadModelFormat.whose(id) }

    package static func whose(_ id: ProjectionID, _ partition: Int) -> SQL { ReadModelFormat.whose(id, partition) }
}
