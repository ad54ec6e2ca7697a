import CSQLite
import SillokCore
import SillokSQL

/// The one connection of a read model. Belongs to the thread that writes and reads it.
final class ModelConnection {
    private let connection: Connection
    private var statements: [String: Statement] = [:]

    init(path: String) throws {
        connection = try Connection(path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, cacheKiB: 16_384)
        guard try connection.number("PRAGMA application_id") != Schema.applicationID else {
            throw StoreError(.unsupportedFormat, "\(path) is an event store: give the read model a file of its own.")
        }
        try connection.run("PRAGMA journal_mode = WAL")
        // A commit that a power cut takes away takes rows and checkpoint together: the projector makes them again.
        try connection.run("PRAGMA synchronous = NORMAL")
        for statement in ReadModelFormat.schema { try connection.run(statement.text { "?\($0)" }) }
    }

    /// Moves everything into the one file.
    func finish() { try? connection.checkpoint(SQLITE_CHECKPOINT_TRUNCATE) }

    func write(_ write: ReadModelWrite) throws {
        try connection.run("BEGIN IMMEDIATE")
        do {
            for (index, condition) in write.conditions.enumerated() {
                let rows = try rows(condition.query, nil).map(\.values)
                guard rows == condition.rows else { throw ConditionFailed(index: index, rows: rows) }
            }
            for (index, change) in write.changes.enumerated() {
                do { _ = try rows(change.statement, change.projection) } catch let error as SQLiteFailure {
                    throw ChangeFailed(index: index, reason: error.message)
                }
            }
            try connection.run("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.run("ROLLBACK") }
            throw error
        }
    }

    /// The rows of a query that changes nothing.
    func read(_ query: SQL, _ id: ProjectionID?) throws -> [SQLRow] {
        guard try prepared(query, id).isReadOnly else {
            throw StoreError(.readOnly, "only a projection changes a read model, through its checkpointed writes.")
        }
        return try rows(query, id)
    }

    private func rows(_ query: SQL, _ id: ProjectionID?) throws -> [SQLRow] {
        let statement = try prepared(query, id)
        defer { statement.reset() }
        for (index, value) in query.values.enumerated() { statement.bind(value, at: Int32(clamping: index + 1)) }
        var rows: [SQLRow] = []
        var columns: [String]?
        while try statement.step() {
            let names = columns ?? statement.columns
            columns = names
            rows.append(SQLRow(columns: names, values: names.indices.map { statement.value(Int32(clamping: $0)) }))
        }
        return rows
    }

    private func prepared(_ query: SQL, _ id: ProjectionID?) throws -> Statement {
        let text = query.text(name: { SQL.quoted(id?.physicalName($0) ?? $0) }) { "?\($0)" }
        if let statement = statements[text] { return statement }
        if statements.count >= 200 { statements.removeAll() }
        let statement = try connection.prepareWhole(text)
        statements[text] = statement
        return statement
    }
}
