public import SillokCore

/// Where projections write: their changes and how far they have come, together or not at all.
public protocol ReadModel: Sendable {
    /// How far a projection has come here, or `nil` if it never began.
    func checkpoint(of projection: ProjectionID) async throws -> Checkpoint?

    /// Makes the changes and moves the checkpoint, in one transaction.
    ///
    /// - Throws: ``CheckpointMoved`` if the checkpoint is no longer where the changes begin: somebody else runs the same
    ///   projection, or this write was carried out before. Then nothing is written.
    func write(_ changes: ReadModelChanges) async throws

    /// The rows that a query gives, all from one state between two writes.
    func rows(_ query: SQL) async throws -> [SQLRow]
}

/// Which projection: its name, and the version of its rule.
public struct ProjectionID: Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `balances`.
    public let name: String

    /// The version of the rule, from 1.
    public let version: Int

    /// A projection of a name and version.
    public init(_ name: String, version: Int) {
        self.name = name
        self.version = version
    }

    /// The name and the version, such as `balances v1`.
    public var description: String { "\(name) v\(version)" }
}

/// How far a projection has come, and a summary of all that it has handled, to compare with the log.
public struct Checkpoint: Hashable, Sendable {
    /// The store that the events come from.
    public let store: StoreID

    /// Everything up to and with this position has been handled, or does not concern the projection.
    public private(set) var position: Position

    /// How many events were handled.
    public private(set) var count: UInt64

    /// A rolling hash of the position and id of every handled event, in their order.
    public private(set) var hash: UInt64

    /// A checkpoint with all of its parts; by default before the first event.
    public init(store: StoreID, position: Position = .start, count: UInt64 = 0, hash: UInt64 = 0) {
        self.store = store
        self.position = position
        self.count = count
        self.hash = hash
    }

    /// Counts one more event, which must lie behind the checkpoint.
    public mutating func handle(_ event: RecordedEvent) {
        position = event.position
        count &+= 1
        hash = mixed(mixed(mixed(hash, event.position.value), event.id.high), event.id.low)
    }

    /// Moves on over events that do not concern the projection.
    public mutating func pass(_ position: Position) { self.position = max(self.position, position) }
}

/// One step of a mixing function: a changed, missing or exchanged part changes all bits behind it.
private func mixed(_ hash: UInt64, _ part: UInt64) -> UInt64 {
    var mixed = (hash &+ 0x9E37_79B9_7F4A_7C15) ^ part
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
}

/// What one write does to a read model.
public struct ReadModelChanges: Sendable {
    /// The projection that writes.
    public var projection: ProjectionID

    /// Where the checkpoint must be; `nil`: the projection has not begun.
    public var from: Checkpoint?

    /// Where the checkpoint is afterwards.
    public var to: Checkpoint

    /// The changes, in their order.
    public var statements: [SQL]

    /// Changes with all of their parts.
    public init(_ projection: ProjectionID, from: Checkpoint?, to: Checkpoint, statements: [SQL]) {
        self.projection = projection
        self.from = from
        self.to = to
        self.statements = statements
    }
}

/// A write found the checkpoint elsewhere, and wrote nothing.
public struct CheckpointMoved: Error, Hashable, CustomStringConvertible {
    /// The projection.
    public let projection: ProjectionID
    /// Where the writer thought that the checkpoint was; `nil`: not begun.
    public let expected: Position?
    /// Where it is; `nil`: not begun.
    public let actual: Position?

    /// An error with all of its parts.
    public init(_ projection: ProjectionID, expected: Position?, actual: Position?) {
        self.projection = projection
        self.expected = expected
        self.actual = actual
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "\(projection) is at \(actual.map(String.init(describing:)) ?? "its beginning"), not at "
            + "\(expected.map(String.init(describing:)) ?? "its beginning"): something else runs it too. Nothing was "
            + "written; run it in one place."
    }
}

/// A row that a query gave.
public struct SQLRow: Hashable, Sendable {
    /// The names of the columns.
    public let columns: [String]

    /// The values, as many as there are columns.
    public let values: [SQLValue]

    /// A row of values.
    public init(columns: [String], values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// The value of a column; null if there is none of that name.
    public subscript(_ column: String) -> SQLValue {
        guard let index = columns.firstIndex(of: column), index < values.count else { return .null }
        return values[index]
    }
}
