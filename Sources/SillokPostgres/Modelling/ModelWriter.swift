#if Postgres
import SillokCore
import SillokSQL

/// The writes of this process to a read model. Belongs to one thread.
///
/// Each write first locks the one row of `sillok_turn`. So the writes of all processes run one after the other, and the
/// conditions still hold when the changes are made. A write also records its own number. If its answer is lost, the
/// retry finds the number.
final class ModelWriter {
    private let session: Session
    private let statements: ModelStatement
    /// The name of this writer in `sillok_writers`.
    private let writer: String
    private var number: Int64 = 0

    init(_ session: Session, writer: String) {
        self.session = session
        self.writer = writer
        statements = ModelStatement(schema: session.address)
    }

    /// Creates the missing tables of the format, unless there is a newer format.
    ///
    /// If all tables exist, this only reads. So a role that may only write to the tables can open them.
    func install() throws {
        try session.retrying { connection in
            try connection.checkEncoding()
            if try isComplete(connection), try found(connection) == Int64(ReadModelFormat.version) { return }
            try connection.locked("sillok read model \(session.address.schema)") {
                // Creating a schema requires a privilege on the database, even if the schema exists.
                if try !hasSchema(connection) {
                    _ = try connection.run(Query("CREATE SCHEMA \(session.address.quotedSchema)"))
                }
                try makeTables(connection)
                _ = try connection.run(.commit)
            }
        }
    }

    private func makeTables(_ connection: Connection) throws {
        let own = [
            Query("SET LOCAL search_path = \(session.address.quotedSchema)"),
            Query("CREATE TABLE IF NOT EXISTS sillok_turn (is_only boolean PRIMARY KEY CHECK (is_only))"),
            Query("INSERT INTO sillok_turn VALUES (true) ON CONFLICT DO NOTHING"),
            Query(
                "CREATE TABLE IF NOT EXISTS sillok_writers (writer TEXT PRIMARY KEY, number BIGINT NOT NULL, "
                    + "at timestamptz NOT NULL DEFAULT now())"),
            try statements.query(ReadModelFormat.versions, of: nil),
        ]
        _ = try connection.run(own)
        let version = try found(connection)
        if let version, version > Int64(ReadModelFormat.version) { throw ReadModelFormat.newer(version) }
        let upgrade = version.map { ReadModelFormat.upgrade(from: $0) } ?? [ReadModelFormat.noteVersion]
        let rest = try (ReadModelFormat.schema + upgrade).map { statement throws(PostgresFailure) in
            try statements.query(statement, of: nil)
        }
        _ = try connection.run(rest)
    }

    private func hasSchema(_ connection: Connection) throws(PostgresFailure) -> Bool {
        var name = Parameters()
        name.add(session.address.schema)
        return try connection.run(Query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", name)).count == 1
    }

    /// Returns whether everything of the format exists. An older version of the library may have left out a table.
    private func isComplete(_ connection: Connection) throws -> Bool {
        let names = ["sillok_turn", "sillok_writers", "sillok_format"] + ReadModelFormat.relations
        var parameters = Parameters()
        parameters.add(session.address.schema)
        parameters.add(names.map { $0 as String? })
        let rows = try connection.run(
            Query(
                "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                    + "WHERE n.nspname = $1 AND c.relname = ANY ($2)", parameters))
        return try rows.int(0, 0) == Int64(names.count)
    }

    private func found(_ connection: Connection) throws -> Int64? {
        let rows = try connection.run(
            Query("SELECT version FROM \(session.address.quotedSchema).sillok_format", isBinary: true))
        return rows.count == 0 ? nil : try rows.int(0, 0)
    }

    /// Makes the commit wait for the disk, in a database that does not by default.
    private static let durable = Query(
        "SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
    )

    /// A process that is frozen between the two rounds of a write has the turn. The server ends its connection, so that
    /// the others wait for this time at most; the process repeats its write when it continues.
    private static let bounded = Query("SET LOCAL idle_in_transaction_session_timeout = '5s'")

    /// A write that waits for its turn.
    struct Request: Sendable {
        let write: ReadModelWrite
        let asked = ContinuousClock.now
    }

    /// Makes the changes if the conditions hold.
    func write(_ request: Request) throws {
        let write = request.write
        if write.changes.isEmpty && write.conditions.isEmpty { return }
        number += 1
        let number = number
        var mayBeWritten = false
        do {
            try session.retrying(for: Session.Caller(asked: request.asked)) { connection in
                guard try begin(connection, write.conditions, isAgain: mayBeWritten ? number : nil) else { return }
                let queries = try changes(write.changes)
                mayBeWritten = true
                let durable = write.isDurable ? [Self.durable] : []
                let round = queries.map(\.query) + [try noteQuery(number)] + durable + [.commit]
                do throws(PostgresFailure) {
                    _ = try connection.run(round)
                } catch {
                    if !error.isConnectionLost && !error.state.isEmpty { mayBeWritten = false }
                    guard error.isOfStatement, error.completed < queries.count, !error.isOfPreparedStatement else {
                        throw error
                    }
                    let index = queries[error.completed].change
                    let reason = ModelStatement.explained(error, write.changes[index].statement)
                    throw ChangeFailed(index: index, reason: reason)
                }
            }
        } catch let failure as PostgresFailure {
            let outcome: StoreError.Outcome = mayBeWritten ? .unknown : .definite
            throw failure.storeError("the read model could not be written", outcome: outcome)
        }
    }

    /// Begins the transaction, takes the turn and checks the conditions. `false`: the write has been made before.
    private func begin(
        _ connection: Connection, _ conditions: [ReadModelWrite.Condition], isAgain number: Int64?
    ) throws -> Bool {
        let schema = session.address.quotedSchema
        var own = Parameters()
        own.add(writer)
        var queries = [
            Query.begin, Query("SET LOCAL search_path = \(schema)"),
            Query("SELECT FROM \(schema).sillok_turn FOR UPDATE"),
            Query("SELECT number FROM \(schema).sillok_writers WHERE writer = $1", own),
        ]
        for condition in conditions { queries.append(try statements.query(condition.query, of: nil)) }
        queries.append(Self.bounded)
        let answers: [Rows]
        do throws(PostgresFailure) {
            answers = try connection.run(queries)
        } catch {
            throw error.isOfStatement && error.completed >= 4 && !error.isOfPreparedStatement
                ? StoreError(
                    .invalidQuery, "a condition of the write cannot be evaluated: \(error.message).", cause: error)
                : error
        }
        if let number, answers[3].count == 1, try answers[3].int(0, 0) == number {
            _ = try connection.run(.rollback)
            return false
        }
        for (index, condition) in conditions.enumerated() {
            let rows = answers[4 + index].values
            guard condition.holds(for: rows) else {
                _ = try connection.run(.rollback)
                throw ConditionFailed(index: index, rows: rows)
            }
        }
        return true
    }

    /// Returns the statements of the changes, each with the index of its change.
    private func changes(_ changes: [ReadModelWrite.Change]) throws -> [(query: Query, change: Int)] {
        let schema = session.address.quotedSchema
        var queries: [(query: Query, change: Int)] = []
        var isOfProjection = false
        for (index, change) in changes.enumerated() {
            if (change.projection != nil) != isOfProjection {
                isOfProjection.toggle()
                let path = isOfProjection ? "pg_catalog, pg_temp" : schema
                queries.append((Query("SET LOCAL search_path = \(path)"), index))
            }
            do {
                if isOfProjection { try ModelStatement.check(change.statement) }
                queries.append((try statements.query(change.statement, of: change.projection), index))
            } catch {
                throw ChangeFailed(index: index, reason: error.message)
            }
        }
        return queries
    }

    private func noteQuery(_ number: Int64) throws(PostgresFailure) -> Query {
        var parameters = Parameters()
        parameters.add(writer)
        parameters.add(number)
        return Query(
            "INSERT INTO \(session.address.quotedSchema).sillok_writers VALUES ($1, $2) "
                + "ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = now()", parameters, isKept: true)
    }

    /// Deletes the rows of writers whose processes ended long ago, and of this one.
    func finish() {
        try? session.retrying { connection in
            var parameters = Parameters()
            parameters.add(writer)
            _ = try connection.run(
                Query(
                    "DELETE FROM \(session.address.quotedSchema).sillok_writers "
                        + "WHERE writer = $1 OR at < now() - interval '1 day'", parameters))
        }
        session.disconnect()
    }
}

/// The reads of this process from a read model. Belongs to one thread.
struct ModelReader {
    let session: Session

    /// Returns the rows of a query that changes nothing.
    func rows(_ query: ModelQueries.Query) throws -> [SQLRow] {
        do {
            let path = Query("SET LOCAL search_path = \(session.address.quotedSchema)")
            let statement = try ModelStatement(schema: session.address)
                .query(query.sql, of: query.projection)
            let caller = Session.Caller(query.cancellation)
            return try session.retrying(for: caller, except: "25006") { connection in
                try connection.run([.beginReading, path, statement, .commit])[2].sqlRows
            }
        } catch let failure as PostgresFailure {
            if failure.isOfStatement || failure.state == "25006" {
                throw StoreError(.invalidQuery, "the query cannot be executed: \(failure.message).", cause: failure)
            }
            throw failure.storeError("the read model could not be read")
        }
    }
}
#endif
