#if Postgres
/// One step from an empty schema to the current one. Steps are never changed, only added; each has a file.
///
/// In the statements `SCHEMA.` is replaced by the quoted name of the schema, and `CHANNEL` by the literal of its
/// channel.
package struct Step: Sendable {
    package let number: Int64
    package let name: String
    let statements: [String]

    /// All steps, in order.
    package static let all = [
        tables, questions, append, appendAfter, trackedEvents, walks, appends, trackedAlone,
    ]

    /// Returns the statements for a schema.
    ///
    /// - Parameter quoted: the name of the schema, quoted for SQL.
    package func statements(schema: String, quoted: String) -> [String] {
        let channel = "'" + schema.replacing("'", with: "''") + "'"
        return statements.map { $0.replacing("SCHEMA.", with: quoted + ".").replacing("CHANNEL", with: channel) }
    }
}
#endif
