import SillokCore

/// A storage for the rows of projections. It executes changes under conditions, all of them or none, and answers
/// queries.
///
/// Every storage of read models implements this protocol. A storage knows nothing of projections: their checkpoints,
/// builds and dead letters are rows too, in the tables that ``ReadModelFormat`` makes.
public protocol ReadModel: Sendable {
    /// Executes all changes in one transaction, if all conditions hold in that transaction.
    ///
    /// - Throws: ``ConditionFailed`` or ``ChangeFailed``: nothing was written. `StoreError`: nothing was written,
    ///   unless its outcome is unknown.
    func write(_ write: ReadModelWrite) async throws

    /// Returns the rows of a query. All of them come from one consistent state.
    ///
    /// - Parameters:
    ///   - query: a query that changes nothing.
    ///   - projection: the build whose tables `\(table:)` names; `nil`: the live ones.
    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow]
}

extension ReadModel {
    /// Returns the rows of a query over the live tables.
    public func rows(_ query: SQL) async throws -> [SQLRow] { try await rows(query, of: nil) }

    /// Returns the rows of a query over the live tables, each decoded as a value whose properties have the names of the
    /// columns.
    ///
    /// ```swift
    /// let query: SQL = "SELECT owner, cents FROM account_balance WHERE account = 'account-42'"
    /// let balances = try await model.rows(query, as: Balance.self)
    /// ```
    /// - Throws: the errors of ``rows(_:of:)``, and of ``SQLRow/decode(_:)`` for the first row that does not fit.
    public func rows<Value: Decodable>(_ query: SQL, as type: Value.Type) async throws -> [Value] {
        try await rows(query).map { try $0.decode(type) }
    }

    /// The rows that a query over Sillok's own tables gives. It does not wait behind queries of applications.
    package func ownRows(_ query: SQL) async throws -> [SQLRow] { try await rows(query.ofSillok, of: nil) }
}

/// The identity of a build of a projection.
public struct ProjectionID: Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `balances`.
    public let name: String

    /// The version of the rule, from 1.
    public let version: Int

    /// The number of the build of this version, from 1. Each build has its own tables.
    public let build: Int

    /// Creates the identity of a build.
    public init(_ name: String, version: Int, build: Int = 1) {
        self.name = name
        self.version = version
        self.build = build
    }

    /// Returns the name that a table or an index of the build has in the database: `balances_v1_accounts`.
    public func physicalName(_ name: String) -> String {
        "\(self.name)_v\(version)\(build > 1 ? "b\(build)" : "")_\(name)"
    }

    /// Returns whether both are the same build. Names are compared by their bytes.
    public static func == (left: Self, right: Self) -> Bool {
        left.version == right.version && left.build == right.build && left.name.hasSameBytes(as: right.name)
    }

    /// Hashes the bytes of the name, the version and the build.
    public func hash(into hasher: inout Hasher) {
        name.hashBytes(into: &hasher)
        hasher.combine(version)
        hasher.combine(build)
    }

    /// The name, version and build, such as `balances v1` or `balances v1 build 2`.
    public var description: String { "\(name) v\(version)\(build > 1 ? " build \(build)" : "")" }
}

/// Changes of a read model, and the conditions under which they are executed.
public struct ReadModelWrite: Sendable {
    /// A query, and the rows that it must return.
    public struct Condition: Hashable, Sendable {
        /// The query of the condition.
        public var query: SQL
        /// The values of the rows that the query must return.
        public var rows: [[SQLValue]]

        /// Creates a condition from a query and the rows that it must return.
        public init(_ query: SQL, gives rows: [[SQLValue]]) {
            self.query = query
            self.rows = rows
        }
    }

    /// A statement, with the projection that it belongs to.
    public struct Change: Hashable, Sendable {
        /// The statement to execute.
        public var statement: SQL

        /// The build that the statement belongs to. The statement may use only the tables that it names with
        /// `\(table:)`; these are the tables of this build. `nil` means a statement of Sillok itself.
        public var projection: ProjectionID?

        /// Whether the write with this change must survive a power cut after it has returned. Changes by operators
        /// must. After a power cut a storage may have lost its last writes that are not durable, each as a whole.
        /// Projectors then repeat them.
        public var isDurable: Bool

        /// Creates a change from a statement of a projection, or of Sillok itself.
        public init(_ statement: SQL, of projection: ProjectionID? = nil, isDurable: Bool = false) {
            self.statement = statement
            self.projection = projection
            self.isDurable = isDurable
        }
    }

    /// The conditions of the write, checked in this order.
    public var conditions: [Condition]

    /// The changes, executed in this order.
    public var changes: [Change]

    /// Whether the write must survive a power cut after it has returned: `true` if one of its changes must.
    public var isDurable: Bool { changes.contains(where: \.isDurable) }

    /// Creates a write that executes all changes if all conditions hold, and otherwise none.
    public init(_ changes: [Change], if conditions: [Condition] = []) {
        self.conditions = conditions
        self.changes = changes
    }
}

/// A condition of a write did not hold; nothing was written.
public struct ConditionFailed: Error, Hashable, CustomStringConvertible {
    /// The index of the condition in the write, from 0.
    public let index: Int
    /// The rows that its query returned.
    public let rows: [[SQLValue]]

    /// Creates an error for the condition with this index, whose query returned `rows`.
    public init(index: Int, rows: [[SQLValue]]) {
        self.index = index
        self.rows = rows
    }

    /// What happened, in a sentence.
    public var description: String {
        "Another writer changed the read model: condition \(index) of the write does not hold. Nothing was written."
    }
}

/// A change could not be executed because of the change itself, not because of the storage; nothing was written.
public struct ChangeFailed: Error, Hashable, CustomStringConvertible {
    /// The index of the change in the write, from 0.
    public let index: Int
    /// Why, in the words of the database.
    public let reason: String

    /// Creates an error for the change with this index.
    public init(index: Int, reason: String) {
        self.index = index
        self.reason = reason
    }

    /// What happened, in a sentence.
    public var description: String { "The read model rejected the statement: \(reason)" }
}
