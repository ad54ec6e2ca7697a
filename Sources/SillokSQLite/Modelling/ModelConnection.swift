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
        try connection.run(
            """
            CREATE TABLE IF NOT EXISTS sillok_projections (
                name TEXT NOT NULL, version INTEGER NOT NULL, store TEXT NOT NULL, position INTEGER NOT NULL,
                count INTEGER NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY (name, version)) STRICT, WITHOUT ROWID
            """)
    }

    /// Moves everything into the one file.
    func finish() { try? connection.checkpoint(SQLITE_CHECKPOINT_TRUNCATE) }

    func checkpoint(of projection: ProjectionID) throws -> Checkpoint? {
        let found = try rows(
            """
            SELECT store, position, count, hash FROM sillok_projections
            WHERE name = \(projection.name) AND version = \(projection.version)
            """)
        guard let row = found.first else { return nil }
        guard case .text(let text) = row["store"], let store = StoreID(text),
            case .integer(let position) = row["position"], case .integer(let count) = row["count"],
            case .integer(let hash) = row["hash"]
        else { throw StoreError(.corrupt, "the checkpoint of \(projection) cannot be read.") }
        return Checkpoint(
            store: store, position: Position(UInt64(bitPattern: position)), count: UInt64(bitPattern: count),
            hash: UInt64(bitPattern: hash))
    }

    func write(_ changes: ReadModelChanges) throws {
        try connection.run("BEGIN IMMEDIATE")
        do {
            let actual = try checkpoint(of: changes.projection)
            guard actual == changes.from else {
                throw CheckpointMoved(
                    changes.projection, expected: changes.from?.position, actual: actual?.position)
            }
            for change in changes.statements { _ = try rows(change) }
            try move(changes.projection, to: changes.to)
            try connection.run("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.run("ROLLBACK") }
            throw error
        }
    }

    /// The rows of a query that changes nothing.
    func read(_ query: SQL) throws -> [SQLRow] {
        guard try prepared(query).isReadOnly else {
            throw StoreError(.readOnly, "only a projection changes a read model, through its checkpointed writes.")
        }
        return try rows(query)
    }

    private func rows(_ query: SQL) throws -> [SQLRow] {
        let statement = try prepared(query)
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

    private func move(_ projection: ProjectionID, to checkpoint: Checkpoint) throws {
        let count = Int64(bitPattern: checkpoint.count)
        let hash = Int64(bitPattern: checkpoint.hash)
        _ = try rows(
            """
            INSERT INTO sillok_projections VALUES (
                \(projection.name), \(projection.version), \(checkpoint.store.description), \(checkpoint.position),
                \(count), \(hash))
            ON CONFLICT (name, version) DO UPDATE
            SET store = excluded.store, position = excluded.position, count = excluded.count, hash = excluded.hash
            """)
    }

    private func prepared(_ query: SQL) throws -> Statement {
        let text = query.text { "?\($0)" }
        if let statement = statements[text] { return statement }
        if statements.count >= 200 { statements.removeAll() }
        let statement = try connection.prepareWhole(text)
        statements[text] = statement
        return statement
    }
}
