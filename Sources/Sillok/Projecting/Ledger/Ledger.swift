import SillokCore
import SillokSQL

/// The tables in which a read model keeps what Sillok knows of its projections, as values.
struct Ledger: Sendable {
    let model: any ReadModel

    /// The builds of a projection, or of all, the newest last.
    func builds(of name: String? = nil) async throws -> [ProjectionBuild] {
        let filter: SQL = name.map { "WHERE projection = \($0)" } ?? ""
        return try await model.rows("SELECT * FROM sillok_builds \(filter) ORDER BY projection, version, build")
            .map { try ProjectionBuild($0) }
    }

    func build(_ id: ProjectionID) async throws -> ProjectionBuild? {
        try await model.rows("SELECT * FROM sillok_builds \(Self.whose(id))").first.map { try ProjectionBuild($0) }
    }

    func live(_ name: String) async throws -> ProjectionBuild? {
        try await builds(of: name).first { $0.state == .live }
    }

    func partitions(of id: ProjectionID) async throws -> [PartitionRow] {
        try await model.rows("SELECT * FROM sillok_checkpoints \(Self.whose(id)) ORDER BY \"partition\"")
            .map { try PartitionRow($0) }
    }

    func partition(_ number: Int, of id: ProjectionID) async throws -> PartitionRow? {
        try await model.rows("SELECT * FROM sillok_checkpoints \(Self.whose(id, number))").first
            .map { try PartitionRow($0) }
    }

    /// The sequences that have dead letters which hold up what follows.
    func parkedSequences(of id: ProjectionID, _ partition: Int) async throws -> [StreamID: Int] {
        let rows = try await model.rows(
            """
            SELECT sequence, COUNT(*) AS letters FROM sillok_dead_letters \(Self.whose(id, partition))
            AND state <> 'skipped' GROUP BY sequence
            """)
        return Dictionary(
            rows.map { (StreamID($0["sequence"].text ?? ""), Int(clamping: $0["letters"].integer ?? 0)) },
            uniquingKeysWith: +)
    }

    /// The sequences whose dead letters are to be tried again.
    func sequencesToRetry(of id: ProjectionID, _ partition: Int) async throws -> [String] {
        try await model.rows(
            """
            SELECT DISTINCT sequence FROM sillok_dead_letters \(Self.whose(id, partition)) AND state = 'retry'
            ORDER BY sequence
            """
        ).map { $0["sequence"].text ?? "" }
    }

    static func whose(_ id: ProjectionID) -> SQL { ReadModelFormat.whose(id) }

    static func whose(_ id: ProjectionID, _ partition: Int) -> SQL { ReadModelFormat.whose(id, partition) }
}

/// A build of a projection: its tables, and what they are at the moment.
public struct ProjectionBuild: Hashable, Sendable {
    /// What a build is at the moment.
    public enum State: String, Sendable {
        /// Somebody asked for it; the application begins it.
        case requested
        /// It is made beside the live one.
        case building
        /// Queries see it.
        case live
        /// It was live before; ``ReadSide/rollback(_:by:)`` makes it so again.
        case previous
    }

    /// Which build.
    public let id: ProjectionID
    /// What it is at the moment.
    public let state: State
    /// Into how many partitions its sequences are spread.
    public let partitions: Int
    /// When its rows are made.
    public let lifecycle: Lifecycle
    /// The names of its tables, as queries see them.
    public let tables: [String]
    /// Whether an operator has stopped it for a while.
    public let isPaused: Bool
    /// Why it stopped; `nil`: it did not.
    public let failure: String?
    /// When it was begun.
    public let begun: Timestamp
    /// When it first had come to the head of the log; `nil`: not yet.
    public let caughtUp: Timestamp?
    /// Where the head of the log was when it began: what its progress is measured by.
    public let target: Position

    let source: String
    let sequencing: String

    init(_ row: SQLRow) throws {
        id = try ProjectionID(row)
        state = State(rawValue: row["state"].text ?? "") ?? .building
        partitions = Int(clamping: row["partitions"].integer ?? 1)
        lifecycle = Lifecycle(rawValue: row["lifecycle"].text ?? "") ?? .async
        tables = (row["tables"].text ?? "").split(separator: "\n").map(String.init)
        isPaused = row["paused"].integer != 0
        let failure = row["failure"].text ?? ""
        self.failure = failure.isEmpty ? nil : failure
        begun = Timestamp(microsecondsSince1970: row["begun"].integer ?? 0)
        caughtUp = row["caught_up"].integer.flatMap { $0 > 0 ? Timestamp(microsecondsSince1970: $0) : nil }
        target = Position(UInt64(clamping: row["target"].integer ?? 0))
        source = row["source"].text ?? ""
        sequencing = row["sequencing"].text ?? ""
    }

    init(
        _ id: ProjectionID, _ rule: ProjectionRule, state: State, partitions: Int, lifecycle: Lifecycle,
        begun: Timestamp, target: Position
    ) throws {
        self.id = id
        self.state = state
        self.partitions = partitions
        self.lifecycle = lifecycle
        self.begun = begun
        self.target = target
        tables = rule.schema.reduce(into: Set()) { $0.formUnion($1.tables) }.sorted()
        isPaused = false
        failure = nil
        caughtUp = nil
        source = try StoredQuery.text(of: rule.source)
        sequencing = rule.sequencing.name
    }

    /// What records it.
    var insertion: SQL {
        """
        INSERT INTO sillok_builds VALUES (
            \(id.name), \(id.version), \(id.build), \(state.rawValue), \(partitions), \(lifecycle.rawValue), \(source),
            \(sequencing), \(tables.joined(separator: "\n")), \(0), \("")\
        , \(begun), \(Int64(0)), \(target))
        """
    }
}

extension ProjectionID {
    init(_ row: SQLRow) throws {
        guard let name = row["projection"].text, let version = row["version"].integer, let build = row["build"].integer
        else { throw StoreError(.corrupt, "a row of the read model's own tables cannot be read: \(row).") }
        self.init(name, version: Int(clamping: version), build: Int(clamping: build))
    }
}

/// How far a partition has come, and who runs it.
struct PartitionRow: Hashable, Sendable {
    let number: Int
    var checkpoint: Checkpoint
    var epoch: Int64
    var owner: String
    var token: Int64
    var beat: Int64

    init(_ row: SQLRow) throws {
        guard let store = row["store"].text.flatMap({ StoreID($0) }), let number = row["partition"].integer,
            let position = row["position"].integer, let count = row["count"].integer, let sum = row["sum"].integer
        else { throw StoreError(.corrupt, "a checkpoint of the read model cannot be read: \(row).") }
        self.number = Int(clamping: number)
        checkpoint = Checkpoint(
            store: store, position: Position(UInt64(clamping: position)), count: UInt64(bitPattern: count),
            sum: UInt64(bitPattern: sum))
        epoch = row["epoch"].integer ?? 0
        owner = row["owner"].text ?? ""
        token = row["token"].integer ?? 0
        beat = row["beat"].integer ?? 0
    }

    /// What says that the row is still as this one is; the sign of life may differ.
    func isUnchanged(_ id: ProjectionID) -> ReadModelWrite.Condition {
        ReadModelWrite.Condition(
            "SELECT position, count, sum, epoch, token FROM sillok_checkpoints \(Ledger.whose(id, number))",
            gives: [
                [
                    checkpoint.position.sqlValue, .integer(Int64(bitPattern: checkpoint.count)),
                    .integer(Int64(bitPattern: checkpoint.sum)), .integer(epoch), .integer(token),
                ]
            ])
    }

    /// What moves the checkpoint.
    func moving(_ id: ProjectionID, to checkpoint: Checkpoint) -> SQL {
        ReadModelFormat.move(id, number, to: checkpoint)
    }

    /// What records a partition at its beginning.
    static func insertion(_ id: ProjectionID, _ number: Int, _ checkpoint: Checkpoint) -> SQL {
        """
        INSERT INTO sillok_checkpoints VALUES (
            \(id.name), \(id.version), \(id.build), \(number), \(checkpoint.store.description), \(checkpoint.position),
            \(Int64(bitPattern: checkpoint.count)), \(Int64(bitPattern: checkpoint.sum)), 0, '', 0, 0)
        """
    }
}
