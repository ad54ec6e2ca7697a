public import SillokCore
import SillokJSON
public import SillokSQL

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

    package let source: String
    package let sequencing: String

    init(_ row: SQLRow) throws {
        id = try ProjectionID(row)
        state = try row.choice("state")
        partitions = try row.count("partitions")
        lifecycle = try row.choice("lifecycle")
        tables = try row.text("tables").split(separator: "\n").map(String.init)
        isPaused = try row.integer("paused") != 0
        let failure = try row.text("failure")
        self.failure = failure.isEmpty ? nil : failure
        begun = try row.time("begun")
        let caughtUp = try row.time("caught_up")
        self.caughtUp = caughtUp.microsecondsSince1970 > 0 ? caughtUp : nil
        target = try row.position("target")
        source = try row.text("source")
        sequencing = try row.text("sequencing")
    }

    /// A build that begins.
    ///
    /// - Parameters:
    ///   - source: the events that the projection wants.
    ///   - sequencing: the name of the rule that keeps events in order.
    package init(
        _ id: ProjectionID, tables: Set<String>, source: EventQuery, sequencing: String, state: State, partitions: Int,
        lifecycle: Lifecycle, begun: Timestamp, target: Position
    ) throws {
        self.id = id
        self.state = state
        self.partitions = partitions
        self.lifecycle = lifecycle
        self.begun = begun
        self.target = target
        self.tables = tables.sorted()
        isPaused = false
        failure = nil
        caughtUp = nil
        self.source = try StoredQuery.text(of: source)
        self.sequencing = sequencing
    }

    /// What records it.
    package var insertion: SQL {
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
        self.init(
            try row.text("projection"), version: try row.count("version"), build: try row.count("build"))
    }
}
