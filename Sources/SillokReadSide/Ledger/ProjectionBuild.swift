public import SillokCore
import SillokJSON
public import SillokSQL

/// A build of a projection: its tables and its state.
public struct ProjectionBuild: Hashable, Sendable {
    /// The state of a build.
    public enum State: String, Sendable {
        /// An operator has requested it, and the application has not started it yet.
        case requested
        /// It is being built. Queries see the live build meanwhile.
        case building
        /// Queries see it.
        case live
        /// It was the live build before; ``ReadSide/rollback(_:by:)`` makes it live again.
        case previous
    }

    /// The identity of the build.
    public let id: ProjectionID
    /// The state of the build.
    public let state: State
    /// The number of partitions over which its sequences are spread.
    public let partitions: Int
    /// When its rows are written.
    public let lifecycle: Lifecycle
    /// The names of its tables, as used in queries.
    public let tables: [String]
    /// Whether an operator has paused it.
    public let isPaused: Bool
    /// Why it stopped; `nil` if it did not.
    public let failure: String?
    /// When it was started.
    public let begun: Timestamp
    /// When it first reached the head of the log; `nil` if it has not.
    public let caughtUp: Timestamp?
    /// The head of the log when the build was started. ``ProjectionStatus/progress`` is relative to it.
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

    /// Creates a build that starts.
    ///
    /// - Parameters:
    ///   - source: the events that the projection handles.
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

    /// What the name of a publisher's sequencing begins with.
    package static let publishing = "publish:"

    /// Whether it is a publisher, which has no rows and passes events on.
    package var isPublisher: Bool { sequencing.hasPrefix(Self.publishing) }

    /// The statement that adds the build.
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
