package import SillokSQL

/// A read model of any type, for code that does not depend on the type.
package struct AnyReadModel: ReadModel {
    let base: any ReadModel

    package init(base: any ReadModel) { self.base = base }

    package func write(_ write: ReadModelWrite) async throws { try await base.write(write) }

    package func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await base.rows(query, of: projection)
    }
}
