import SillokCore

/// Where projections write: changes under conditions, all of them or none, and queries.
///
/// The seam that every storage of read models implements. A storage knows nothing of projections: their checkpoints,
/// builds and dead letters are rows too, in the tables that ``ReadModelFormat`` makes.
public protocol ReadModel: Sendable {
    /// Makes all changes in one transaction, if all conditions hold in it.
    ///
    /// - Throws: ``ConditionFailed`` or ``ChangeFailed``: nothing was written. `StoreError`: nothing was written,
    ///   unless its outcome is unknown.
    func write(_ write: ReadModelWrite) async throws

    /// The rows that a query gives, all from one state between two writes.
    ///
    /// - Parameters:
    ///   - query: a query that changes nothing.
    ///   - projection: the build whose tables `\(table:)` names; `nil`: the live ones.
    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow]
}

extension ReadModel {
    /// The rows that a query over the live tables gives.
    public func rows(_ query: SQL) async throws -> [SQLRow] { try await rows(query, of: nil) }

    /// The rows that a query over the live tables gives, each read as a value whose properties are named like the
    /// columns.
    ///
    /// ```swift
    /// let query: SQL = "SELECT owner, cents FROM account_balance WHERE account = 'account-42'"
    /// ```
    /// - Throws: what ``rows(_:of:)`` throws, and what ``SQLRow/decode(_:)`` throws for the first row that does not
    ///   fit.
    public func rows<Value: Decodable>(_ query: SQL, as type: Value.Type) async throws -> [Value] {
        try await rows(query).map { try $0.decode(type) }
    }

    /// The rows that a query over Sillok's own tables gives. It does not wait behind queries of applications.
    package func ownRows(_ query: SQL) async throws -> [SQLRow] { try await rows(query.ofSillok, of: nil) }
}

/// Which build of which projection.
public struct ProjectionID: Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `balances`.
    public let name: String

    /// The version of the rule, from 1.
    public let version: Int

    /// Which build of this version, from 1: each has tables of its own.
    public let build: Int

    /// A build of a projection.
    public init(_ name: String, version: Int, build: Int = 1) {
        self.name = name
        self.version = version
        self.build = build
    }

    /// The name under which the build keeps a table or an index: `balances_v1_accounts`.
    public func physicalName(_ name: String) -> String {
        "\(self.name)_v\(version)\(build > 1 ? "b\(build)" : "")_\(name)"
    }

    /// Whether both are the same build; names are compared by their bytes.
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

/// Changes of a read model, and what must hold for them to be made.
public struct ReadModelWrite: Sendable {
    /// A query, and the rows that it must give.
    public struct Condition: Hashable, Sendable {
        /// The query of the condition.
        public var query: SQL
        /// The values of the rows that it must give.
        public var rows: [[SQLValue]]

        /// A query and the rows that it must give.
        public init(_ query: SQL, gives rows: [[SQLValue]]) {
            self.query = query
            self.rows = rows
        }
    }

    /// A statement, with the projection that it belongs to.
    public struct Change: Hashable, Sendable {
        /// What is done.
        public var statement: SQL

        /// The projection whose change it is: it may touch the tables alone that it names by `\(table:)`, which are
        /// those of this build. `nil`: one of Sillok's own.
        public var projection: ProjectionID?

        /// Whether the write that this is part of must survive a power cut once it has returned, as an operator's act
        /// must. A storage may otherwise lose its last writes, all changes of a write together: projectors make them
        /// again.
        public var isDurable: Bool

        /// A statement of a projection, or of Sillok itself.
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

    /// Whether the write must survive a power cut once it has returned: true if one of its changes must.
    public var isDurable: Bool { changes.contains(where: \.isDurable) }

    /// Creates a write that executes all changes if all conditions hold, and otherwise none.
    public init(_ changes: [Change], if conditions: [Condition] = []) {
        self.conditions = conditions
        self.changes = changes
    }
}

/// A condition of a write did not hold; nothing was written.
public struct ConditionFailed: Error, Hashable, CustomStringConvertible {
    /// Which of the write's conditions, from 0.
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
    /// Which of the write's changes, from 0.
    public let index: Int
    /// Why, in the words of the database.
    public let reason: String

    /// Creates an error for the change with this index.
    public init(index: Int, reason: String) {
        self.index = index
        self.reason = reason
    }

    /// What happened, in a sentence.
    public var description: String { "The read model refused the change: \(reason)" }
}
