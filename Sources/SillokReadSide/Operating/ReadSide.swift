public import SillokCore
import SillokJSON
public import SillokSQL

/// The projections of a read model, for operators: their status, and the operations on them.
///
/// It needs no code of the projections, because every status and every request is a row in the read model. A running
/// application sees a request within its poll interval and executes it. So the command line works with any read model.
public struct ReadSide: Sendable {
    /// The log of the projections.
    public let store: any EventStore

    /// The read model of the projections.
    public let readModel: any ReadModel

    package let ledger: Ledger
    package let wallClock: WallClock
    package let wake: @Sendable () -> Void

    /// Creates the read side of a read model over a log.
    public init(of store: any EventStore, in readModel: any ReadModel, wallClock: WallClock = .system) {
        self.init(of: store, in: readModel, wallClock: wallClock, wake: {})
    }

    package init(
        of store: any EventStore, in readModel: any ReadModel, wallClock: WallClock,
        wake: @escaping @Sendable () -> Void
    ) {
        self.store = store
        self.readModel = readModel
        self.wallClock = wallClock
        self.wake = wake
        ledger = Ledger(model: readModel)
    }

    /// Returns the status of all builds of all projections, or of one.
    public func status(of name: String? = nil) async throws -> [ProjectionStatus] {
        let head = try await store.head()
        var all: [ProjectionStatus] = []
        for build in try await ledger.builds(of: name) { all.append(try await status(build, head)) }
        return all
    }

    /// Requests a new build of a projection's live version, and returns its identity. The live build stays in use.
    ///
    /// - Throws: ``ProjectionRefusal`` if there is no such projection, it is a publisher, or a build of it is in
    ///   progress.
    @discardableResult
    public func requestRebuild(of name: String, by whom: Operator) async throws -> ProjectionID {
        let builds = try await ledger.builds(of: name)
        guard let live = builds.first(where: { $0.state == .live }) else { throw unknown(name) }
        if live.isPublisher {
            throw ProjectionRefusal("\(name) is a publisher and has no rows to rebuild: redrive it from a position.")
        }
        if let other = builds.first(where: { $0.state == .building || $0.state == .requested }) {
            throw ProjectionRefusal("\(other.id) is already being built: promote it or drop it first.")
        }
        let newest = builds.map(\.id).filter { $0.version == live.id.version }.map(\.build).max() ?? 0
        let id = ProjectionID(name, version: live.id.version, build: newest + 1)
        let insertion: SQL = """
            INSERT INTO sillok_builds SELECT projection, version, \(id.build), 'requested', partitions, lifecycle, source,
                sequencing, tables, 0, '', \(wallClock.now()), 0, 0 FROM sillok_builds \(Ledger.whose(live.id))
            """
        try await write(
            [.init(insertion), whom.did("rebuild", to: id, at: wallClock.now())],
            if: [Builds(ledger: ledger).unchanged(builds, name)])
        return id
    }

    /// Makes the newest build of a projection visible to queries, in one transaction. The live one is kept as the
    /// previous build.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - whom: the operator who requests it.
    ///   - force: whether to promote a build that contains less than the live one. The reasons against it are recorded
    ///     with the operator's reason.
    /// - Throws: ``ProjectionRefusal`` if there is no new build. Unless `force` is set, also if it contains less than
    ///   the live build: a partition is behind, there are more dead letters, or it has handled fewer events.
    public func promote(_ name: String, by whom: Operator, force: Bool = false) async throws {
        try await show(.building, of: name, as: "promote", by: whom, force: force) { builds in
            guard let previous = builds.last(where: { $0.state == .previous }) else {
                return "has only the live build: rebuild it first"
            }
            return "has no new build: rebuild it first. To make \(previous.id) live, which was live before, roll back"
        }
    }

    /// Makes the previous build visible to queries again.
    ///
    /// - Throws: ``ProjectionRefusal`` if there is none.
    public func rollback(_ name: String, by whom: Operator) async throws {
        try await show(.previous, of: name, as: "rollback", by: whom, force: true) { _ in
            "has no build that was live before"
        }
    }

    /// Makes the last build in a state visible to queries; refuses with a reason if there is none.
    private func show(
        _ state: ProjectionBuild.State, of name: String, as act: String, by whom: Operator, force: Bool,
        otherwise reason: ([ProjectionBuild]) -> String
    ) async throws {
        let builds = try await ledger.builds(of: name)
        guard let build = builds.last(where: { $0.state == state }) else {
            throw builds.isEmpty ? unknown(name) : ProjectionRefusal("\(name) \(reason(builds)).")
        }
        try await Builds(ledger: ledger, wallClock: wallClock).promote(build.id, as: act, by: whom, force: force)
        wake()
    }

    /// Deletes a build that is not live, with its tables.
    public func drop(_ id: ProjectionID, by whom: Operator) async throws {
        let builds = try await ledger.builds(of: id.name)
        guard let build = builds.first(where: { $0.id == id }) else { throw unknown("\(id)") }
        if build.state == .live { throw ProjectionRefusal("\(id) is live: promote another build first.") }
        let tools = Builds(ledger: ledger, wallClock: wallClock)
        try await write(
            tools.drop(build) + [whom.did("drop", to: id, at: wallClock.now())], if: [tools.unchanged(builds, id.name)])
    }

    /// Stops all builds of a projection until ``resume(_:by:)``. New events wait in the log meanwhile.
    public func pause(_ name: String, by whom: Operator) async throws { try await setPaused(name, true, whom) }

    /// Lets a paused projection continue.
    public func resume(_ name: String, by whom: Operator) async throws { try await setPaused(name, false, whom) }

    /// Returns the acts of operators, the newest first.
    public func audit(limit: Int = 100) async throws -> [AuditEntry] {
        try await readModel.ownRows("SELECT * FROM sillok_audit ORDER BY at DESC LIMIT \(limit)").map { row in
            AuditEntry(
                at: try row.time("at"), actor: try row.text("actor"), reason: try row.text("reason"),
                action: try row.text("action"), projection: try ProjectionID(row), detail: try row.text("detail"))
        }
    }

    /// Returns the live build of a projection.
    package func live(_ name: String) async throws -> ProjectionBuild {
        guard let live = try await ledger.live(name) else { throw unknown(name) }
        return live
    }

    func unknown(_ name: String) -> ProjectionRefusal {
        ProjectionRefusal("The read model has no projection \(name). First run the application that registers it.")
    }

    package func write(
        _ changes: [ReadModelWrite.Change], if conditions: [ReadModelWrite.Condition] = []
    ) async throws {
        do {
            try await readModel.write(ReadModelWrite(changes, if: conditions))
        } catch is ConditionFailed {
            throw ProjectionRefusal(
                "Another operator changed the projection at the same time. Nothing was written. Check its status, and "
                    + "retry if needed.")
        }
        wake()
    }

    /// Returns the change that makes the runners of a build check for requests.
    static func rouse(_ id: ProjectionID) -> ReadModelWrite.Change {
        .init("UPDATE sillok_checkpoints SET epoch = epoch + 1 \(Ledger.whose(id))")
    }

    private func setPaused(_ name: String, _ isPaused: Bool, _ whom: Operator) async throws {
        let builds = try await ledger.builds(of: name)
        guard let live = builds.first(where: { $0.state == .live }) else { throw unknown(name) }
        if isPaused && live.lifecycle == .inline {
            throw ProjectionRefusal("\(name) is inline and cannot be paused, because every append writes its rows.")
        }
        var changes = builds.map { Self.rouse($0.id) }
        changes.append(
            .init("UPDATE sillok_builds SET paused = \(isPaused) WHERE projection = \(name)"))
        changes.append(whom.did(isPaused ? "pause" : "resume", to: live.id, at: wallClock.now()))
        try await write(changes)
    }

    private func status(_ build: ProjectionBuild, _ head: Position) async throws -> ProjectionStatus {
        let partitions = try await ledger.partitions(of: build.id)
        let position = partitions.map(\.checkpoint.position).min() ?? .start
        let unread = ReadRequest(try StoredQuery.query(of: build.source), after: .position(position), limit: 1)
        let next = position < head ? try await store.firstEvent(of: unread) : nil
        let letters = try await readModel.ownRows(
            """
            SELECT COUNT(*) AS letters FROM sillok_dead_letters \(Ledger.whose(build.id))
            AND state <> 'skipped'
            """)
        return ProjectionStatus(
            build: build, position: next == nil ? head : position, head: head,
            count: partitions.reduce(0) { $0 &+ $1.checkpoint.count },
            lag: next.map { max(0, wallClock.now().microseconds(since: $0.recordedAt)) } ?? 0,
            deadLetters: try letters.first?.count("letters") ?? 0)
    }
}

/// The status of a build of a projection.
public struct ProjectionStatus: Sendable {
    /// The build.
    public let build: ProjectionBuild
    /// The position up to which the build contains the log. It is the head if the build has handled all of its events.
    public let position: Position
    /// The head of the log.
    public let head: Position
    /// The number of events that it has handled.
    public let count: UInt64
    /// The age of the oldest event that it has not handled, in microseconds.
    let lag: Int64
    /// The number of its dead letters, without those that an operator has decided to skip.
    public let deadLetters: Int

    init(build: ProjectionBuild, position: Position, head: Position, count: UInt64, lag: Int64, deadLetters: Int) {
        self.build = build
        self.position = position
        self.head = head
        self.count = count
        self.lag = lag
        self.deadLetters = deadLetters
    }

    /// The number of positions that it is behind.
    public var behind: UInt64 { head > position ? head.value - position.value : 0 }

    /// The age of the oldest event that it has not handled; zero if there is none.
    public var lagTime: Duration { .microseconds(lag) }

    /// How much of the log the build has handled, from 0 to 1. Events after ``ProjectionBuild/target`` do not count.
    public var progress: Double {
        build.target.value == 0 ? 1 : min(1, Double(position.value) / Double(build.target.value))
    }
}

/// An act of an operator.
public struct AuditEntry: Hashable, Sendable {
    /// When the operator did it.
    public let at: Timestamp
    /// The name of the operator.
    public let actor: String
    /// The reason of the operator.
    public let reason: String
    /// The act: `rebuild`, `promote`, `rollback`, `drop`, `pause`, `resume`, `retry`, `skip`, `replace` or
    /// `redrive`.
    public let action: String
    /// The build that was changed.
    public let projection: ProjectionID
    /// The details of the act.
    public let detail: String
}
