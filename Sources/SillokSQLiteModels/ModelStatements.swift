import CSQLite
import SillokCore
package import SillokSQL
package import SillokSQLiteConnections

/// The statements of read models on one connection, each prepared once and kept. Belongs to the connection's thread.
package final class ModelStatements {
    private let connection: Connection
    private let authorizer: Authorizer
    private let arena = ValueArena()
    private var all: [PreparedSQL.Key: PreparedSQL] = [:]
    /// The statements that were used last. A rule has few, and comparing them is faster than hashing.
    private var latest: [PreparedSQL] = []
    private var nextPlace = 0
    private static let capacity = 300
    private static let latestCapacity = 8
    /// The tables that no statement may change: those of the log.
    private let protected: Set<String>

    package init(_ connection: Connection, protecting protected: Set<String> = []) {
        self.connection = connection
        self.protected = protected
        authorizer = Authorizer(connection)
    }

    /// Runs a statement and ignores its rows.
    package func run(_ sql: SQL, of projection: ProjectionID?) throws(SQLiteFailure) {
        let prepared = try prepared(sql, projection)
        try begin(prepared, sql)
        defer { authorizer.scope = nil }
        do {
            while try prepared.statement.step() {}
        } catch {
            throw explained(error, prepared.scope)
        }
    }

    /// Returns the values of the rows of a query that changes nothing.
    package func values(_ sql: SQL, of projection: ProjectionID?) throws(SQLiteFailure) -> [[SQLValue]] {
        try query(sql, of: projection) { $0.values }
    }

    /// Returns the rows of a query that changes nothing.
    func query<Row>(
        _ sql: SQL, of projection: ProjectionID?, row: (Statement) -> Row
    ) throws(SQLiteFailure) -> [Row] {
        let prepared = try prepared(sql, nil, named: projection)
        guard prepared.statement.isReadOnly else {
            throw SQLiteFailure(code: SQLITE_READONLY, message: "a query must not change data")
        }
        try begin(prepared, sql)
        defer {
            prepared.statement.reset()
            authorizer.scope = nil
        }
        var rows: [Row] = []
        do {
            while try prepared.statement.step() { rows.append(row(prepared.statement)) }
        } catch {
            throw explained(error, prepared.scope)
        }
        return rows
    }

    @inline(__always) private func begin(_ prepared: PreparedSQL, _ sql: SQL) throws(SQLiteFailure) {
        authorizer.scope = prepared.scope
        do {
            try prepared.statement.bind(sql.values, arena)
        } catch {
            authorizer.scope = nil
            throw error
        }
    }

    private func explained(_ failure: SQLiteFailure, _ scope: StatementScope) -> SQLiteFailure {
        // SQLite reports a denied function as an ordinary error.
        guard [SQLITE_AUTH, SQLITE_ERROR].contains(failure.primary), let denial = scope.denial else { return failure }
        return SQLiteFailure(code: failure.code, message: denial)
    }

    /// - Parameters:
    ///   - owner: the projection, which may access only tables that it names; `nil` if all tables may be accessed.
    ///   - named: the build whose tables are named.
    @inline(__always) private func prepared(
        _ sql: SQL, _ owner: ProjectionID?, named: ProjectionID?
    ) throws(SQLiteFailure) -> PreparedSQL {
        for candidate in latest where candidate.key.isFor(sql, owner, named) { return candidate }
        return try look(PreparedSQL.Key(sql, owner, named), sql)
    }

    @inline(__always) private func prepared(
        _ sql: SQL, _ owner: ProjectionID?
    ) throws(SQLiteFailure) -> PreparedSQL { try prepared(sql, owner, named: owner) }

    private func look(_ key: PreparedSQL.Key, _ sql: SQL) throws(SQLiteFailure) -> PreparedSQL {
        if let known = all[key] {
            keep(known)
            return known
        }
        if all.count >= Self.capacity {
            all.removeAll(keepingCapacity: true)
            latest.removeAll(keepingCapacity: true)
            nextPlace = 0
        }
        let made = try prepare(key, sql)
        all[key] = made
        keep(made)
        return made
    }

    private func keep(_ prepared: PreparedSQL) {
        if latest.count < Self.latestCapacity { return latest.append(prepared) }
        latest[nextPlace] = prepared
        nextPlace = (nextPlace + 1) % Self.latestCapacity
    }

    private func prepare(_ key: PreparedSQL.Key, _ sql: SQL) throws(SQLiteFailure) -> PreparedSQL {
        var names: [String] = []
        let text = sql.text(
            name: { name in
                let resolved = key.named?.physicalName(name) ?? name
                names.append(resolved)
                return SQL.quoted(resolved)
            }, placeholder: { "?\($0)" })
        let scope = StatementScope(key.owner, names: names, text: text, protected: protected)
        authorizer.scope = scope
        defer { authorizer.scope = nil }
        let statement: Statement
        do {
            statement = try connection.prepareWhole(text)
        } catch {
            throw explained(error, scope)
        }
        // Otherwise a statement could end the transaction it is part of; SQLite does not ask the authorizer.
        guard key.owner == nil && protected.isEmpty || !scope.mentions("rollback") else {
            throw SQLiteFailure(code: SQLITE_AUTH, message: "it uses ROLLBACK, which is not allowed in a projection")
        }
        guard statement.valueCount == sql.values.count else {
            throw SQLiteFailure(
                code: SQLITE_RANGE,
                message: "it needs \(statement.valueCount) values but has \(sql.values.count): interpolate each value")
        }
        return PreparedSQL(key: key, statement: statement, scope: scope)
    }
}

/// A prepared statement, its key, and the scope that limits it.
private final class PreparedSQL {
    struct Key: Hashable {
        let template: String
        let owner: ProjectionID?
        let named: ProjectionID?

        init(_ sql: SQL, _ owner: ProjectionID?, _ named: ProjectionID?) {
            template = sql.template
            self.owner = owner
            self.named = named
        }

        /// Compares bytes: names that are equivalent in Unicode are different names to a database.
        static func == (left: Key, right: Key) -> Bool {
            left.isFor(right.template, right.owner, right.named)
        }

        func hash(into hasher: inout Hasher) {
            template.hashBytes(into: &hasher)
            hasher.combine(owner?.build)
        }

        @inline(__always) func isFor(_ sql: SQL, _ owner: ProjectionID?, _ named: ProjectionID?) -> Bool {
            isFor(sql.template, owner, named)
        }

        @inline(__always) private func isFor(
            _ other: String, _ owner: ProjectionID?, _ named: ProjectionID?
        ) -> Bool {
            template.hasSameBytes(as: other) && Self.isSame(self.named, named) && Self.isSame(self.owner, owner)
        }

        @inline(__always) private static func isSame(_ left: ProjectionID?, _ right: ProjectionID?) -> Bool {
            guard let left, let right else { return left == nil && right == nil }
            return left.version == right.version && left.build == right.build
                && left.name.hasSameBytes(as: right.name)
        }
    }

    let key: Key
    let statement: Statement
    let scope: StatementScope

    init(key: Key, statement: Statement, scope: StatementScope) {
        self.key = key
        self.statement = statement
        self.scope = scope
    }
}
