#if Postgres
/// One step of the way from an empty schema to the present one. Steps are never changed, only added; each has a file.
///
/// In the statements `SCHEMA.` stands for the quoted name of the schema, and `CHANNEL` for the literal of its channel.
package struct Step: Sendable {
    package let number: Int64
    package let name: String
    let statements: [String]

    /// All steps, in order.
    package static let all = [
        tables, questions, append, appendAfter, trackedEvents, walks, appends, trackedAlone,
    ]

    /// The statements for a schema.
    ///
    /// - Parameter quoted: its name as SQL writes it.
    package func statements(schema: String, quoted: String) -> [String] {
        let channel = "'" + schema.replacing("'", with: "''") + "'"
        return statements.map { $0.replacing("SCHEMA.", with: quoted + ".").replacing("CHANNEL", with: channel) }
    }
}
#endif
