#if Postgres
import SillokPostgresSchema

/// The roles with the minimum privileges for each part of an application.
///
/// | role | may |
/// |---|---|
/// | `…_reader` | read the log |
/// | `…_writer` | read the log, and append, only through the functions |
/// | `…_projector` | read the log, and create and write read models in their schema |
///
/// The owner of the schemas is the fourth: it installs the store and brings it up to date.
public struct PostgresRoles: Sendable {
    private let store: ServerAddress
    private let readModel: ServerAddress

    /// Creates the roles for a store, and for the read models in another schema.
    public init(schema: String = "sillok", readModel: String = "read_model") {
        store = ServerAddress(text: "", schema: schema)
        self.readModel = ServerAddress(text: "", schema: readModel)
    }

    /// Returns the name of a role of this store, such as `sillok_writer`.
    private func role(_ part: String) -> String {
        ServerAddress(text: "", schema: "\(store.schema)_\(part)").quotedSchema
    }

    /// The SQL statements that create the roles. The owner executes them in order after the store was installed.
    ///
    /// The roles cannot log in: grant them to roles that can. All projectors should log in as the same role, because a
    /// table belongs to the role that created it.
    public var statements: [String] {
        let (reader, writer, projector) = (role("reader"), role("writer"), role("projector"))
        return RoleStatements.all(
            reader: reader, writer: writer, projector: projector, log: store.quotedSchema,
            views: readModel.quotedSchema)
    }
}
#endif
