#if Postgres
import SillokCore

/// One step of the way from an empty schema to the present one. Steps are never changed, only added; each has a file.
struct Step: Sendable {
    let number: Int64
    let name: String
    let statements: [String]

    /// All steps, in order.
    static let all = [tables, questions, append, appendAfter, trackedEvents]

    /// The number of the last step: the version of the schema.
    static var latest: Int64 { all.last?.number ?? 0 }

    /// The statements for a schema.
    func queries(_ address: ServerAddress) -> [Query] {
        let channel = "'" + address.schema.replacing("'", with: "''") + "'"
        return statements.map { text in
            Query(text.replacing("SCHEMA.", with: address.quotedSchema + ".").replacing("CHANNEL", with: channel))
        }
    }
}
#endif
