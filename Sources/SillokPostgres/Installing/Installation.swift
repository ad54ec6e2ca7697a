#if Postgres
import SillokChain
import SillokCore
import SillokPostgresSchema

/// The installation of a store's schema: it creates the schema, updates it, or checks it.
struct Installation {
    let address: ServerAddress
    let connection: Connection
    /// The steps that this version knows. Fewer steps create the schema of an older version.
    var steps = Step.all

    private var latest: Int64 { steps.last?.number ?? 0 }

    private var schema: String { address.quotedSchema }

    /// Returns the identity of the store.
    ///
    /// - Parameter mayInstall: whether it may create the schema, or bring it up to date.
    func prepare(mayInstall: Bool, newID: () -> StoreID, now: Timestamp) throws -> StoreID {
        try connection.checkEncoding()
        let version = try installedVersion()
        guard version <= latest else {
            throw StoreError(
                .unsupportedFormat,
                "schema \(address.schema) has version \(version), but this version of Sillok knows version \(latest). "
                    + "Use a newer version of Sillok.")
        }
        if version < latest {
            guard mayInstall else {
                throw version == 0
                    ? StoreError(.notFound, "there is no store in schema \(address.schema).")
                    : StoreError(
                        .unsupportedFormat,
                        "schema \(address.schema) has version \(version), but this version of Sillok needs version "
                            + "\(latest). Open the store once as the owner of the schema to update it.")
            }
            try install(newID: newID(), now: now)
        }
        let rows = try connection.run(Query("SELECT id FROM \(schema).store"))
        guard rows.count == 1, let id: StoreID = rows.id(0, 0) else {
            throw StoreError(.corrupt, "the store in schema \(address.schema) has no identity.")
        }
        return id
    }

    /// Returns the number of the last applied step; 0 if there is no store.
    private func installedVersion() throws -> Int64 {
        var parameters = Parameters()
        parameters.add(address.schema)
        // Reads the catalog: `to_regclass` may answer from a cache, as if another process had not created the table.
        let table = try connection.run(
            Query(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                    + "ON n.oid = c.relnamespace WHERE n.nspname = $1::name AND c.relname = 'steps')", parameters))
        guard table.bytes(0, 0).first == 1 else { return 0 }
        return try connection.run(Query("SELECT coalesce(max(number), 0) FROM \(schema).steps")).int(0, 0)
    }

    /// Applies the missing steps in one transaction. If several processes try, only one does it.
    private func install(newID: StoreID, now: Timestamp) throws {
        // A step may build an index of a large table, and other processes wait for it.
        connection.answerTimeout = nil
        try connection.locked("sillok \(address.schema)") {
            // Read under the lock, because another process may have been faster.
            let version = try installedVersion()
            var queries: [Query] = []
            if version == 0 {
                queries.append(Query("CREATE SCHEMA IF NOT EXISTS \(schema)"))
                queries.append(
                    Query(
                        "CREATE TABLE \(schema).steps (number bigint PRIMARY KEY, name text NOT NULL, "
                            + "taken timestamptz NOT NULL DEFAULT now())"))
            }
            for step in steps where step.number > version {
                queries += step.statements(schema: address.schema, quoted: schema).map { Query($0) }
                var parameters = Parameters()
                parameters.add(step.number)
                parameters.add(step.name)
                queries.append(Query("INSERT INTO \(schema).steps VALUES ($1, $2)", parameters))
            }
            if version == 0 {
                var parameters = Parameters()
                parameters.add(newID)
                parameters.add(now.microsecondsSince1970)
                parameters.add(Chain(of: newID, from: 1).genesis.bytes)
                queries.append(Query("INSERT INTO \(schema).store VALUES ($1, $2, $3)", parameters))
            }
            queries.append(Query("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA \(schema) FROM PUBLIC"))
            _ = try connection.run(queries + [.commit])
        }
    }
}

extension Connection {
    /// Runs `body`, which commits, in a transaction. An error rolls it back.
    func transaction<Result>(_ begin: [Query], _ body: () throws -> Result) throws -> Result {
        _ = try run(begin)
        do {
            return try body()
        } catch {
            _ = try? run(.rollback)
            throw error
        }
    }

    /// Runs `body`, which commits, in a transaction that only one process at a time has under a name.
    func locked(_ name: String, _ body: () throws -> Void) throws {
        var lock = Parameters()
        lock.add(name)
        try transaction([.begin, Query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)], body)
    }

    /// Throws unless the database uses UTF-8. Other encodings cannot store every name and payload.
    func checkEncoding() throws {
        let rows = try run(Query("SELECT current_setting('server_encoding'), current_database()"))
        let (encoding, database) = (rows.text(0, 0), rows.text(0, 1))
        guard encoding == "UTF8" else {
            throw StoreError(
                .unsupportedFormat,
                "The database \(database) has the encoding \(encoding); Sillok needs UTF8, which can keep every text. "
                    + "Create another one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.")
        }
    }
}
#endif
