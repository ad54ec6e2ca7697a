import Sillok
public import SillokCore
package import SillokProjectionMachine
public import SillokSQL

/// A runner of a projection: it reads events, writes the changes together with a checkpoint, and waits for new events.
///
/// ```swift
/// let balances = Projector(AccountBalance(), from: store, into: model)
/// ```
/// Each event is projected once, in the order of its sequence. This holds after a crash, after a cancelled task, and
/// with a second projector of the same name. A new version, or a rebuild, is made next to the live build. Queries see
/// the live build until the new one is promoted.
public final class Projector<Model: ReadModel>: Sendable {
    /// The read model to which the projector writes.
    public let readModel: Model

    let rule: ProjectionRule
    let store: any EventStore
    let lifecycle: Lifecycle
    let options: ProjectorOptions
    let ledger: Ledger
    let board = FreshnessBoard()
    let wakeUp = WakeUp()
    let turns = Turns<String>()
    let watch: LeaseWatch
    let pages: PartitionPages
    let owner: String

    /// Creates a projector of a projection that writes SQL. It does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - lifecycle: when the rows are written.
    ///   - store: the log to read.
    ///   - readModel: where the rows and the checkpoint are written.
    ///   - options: how the projection is run. By default an event that cannot be projected is parked and retried.
    ///     After three attempts in all it waits for an operator.
    public convenience init(
        _ projection: some Projection, _ lifecycle: Lifecycle = .async, from store: any EventStore,
        into readModel: Model, options: ProjectorOptions = ProjectorOptions()
    ) {
        self.init(ProjectionRule(projection), lifecycle, store, readModel, options, balances: true)
    }

    /// Creates a projector of a projection of documents. It does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - lifecycle: when the documents are written; not `inline`.
    ///   - store: the log to read.
    ///   - readModel: where the documents and the checkpoint are written.
    ///   - options: how the projection is run. By default an event that cannot be projected is parked and retried.
    ///     After three attempts in all it waits for an operator.
    public convenience init(
        documents projection: some DocumentProjection, _ lifecycle: Lifecycle = .async, from store: any EventStore,
        into readModel: Model, options: ProjectorOptions = ProjectorOptions()
    ) {
        self.init(ProjectionRule(documents: projection), lifecycle, store, readModel, options, balances: true)
    }

    /// Creates a projector of any rule.
    ///
    /// - Parameter balances: whether it takes over partitions of processes that hold more, which is harmless only if a
    ///   partition does nothing but write rows: the process from which it is taken may be at work on it.
    package init(
        _ rule: ProjectionRule, _ lifecycle: Lifecycle, _ store: any EventStore, _ readModel: Model,
        _ options: ProjectorOptions, balances: Bool = false
    ) {
        // An append has no later time at which a dead letter could be projected, so the append is rejected instead.
        self.rule = lifecycle == .inline ? rule.parkingNothing : rule
        self.lifecycle = lifecycle
        self.store = store
        self.readModel = readModel
        self.options = lifecycle == .inline ? options.inline : options
        ledger = Ledger(model: readModel)
        let id: EventID = options.ids.next()
        owner = id.description
        watch = LeaseWatch(ledger, rule.name, owner, self.options, balances: balances)
        pages = PartitionPages(self.options)
    }

    /// The name of the projection.
    public var name: String { rule.name }

    /// The version of its rule.
    public var version: Int { rule.version }

    /// The last position that the live build contains, as known to this projector. For a build that is attached to
    /// every append it is the largest possible position.
    public var position: Position { board.position }

    /// The build that queries see, as known to this projector.
    package var liveBuild: ProjectionID? { board.live }

    /// The partitions of the live build that this projector runs, because no other process holds them.
    package var heldPartitions: [Int] { board.held }

    /// Waits until the live build contains the log up to a position, also where another process runs it.
    package func waitForRows(atLeast position: Position, within duration: Duration) async throws {
        try await rows(atLeast: position, within: duration)
    }

    /// Projects the events of the log and all new ones, until the task is cancelled.
    ///
    /// An `inline` projection is attached to every append once it has caught up, see ``attach()``. A `live` one does
    /// nothing here.
    /// - Throws: `ProjectionFailure` when it cannot continue; run it again to continue there. `CancellationError`.
    public func run() async throws {
        board.begin()
        defer { board.end() }
        do {
            switch lifecycle {
            case .async: try await holdingLeases { try await Supervisor(projector: self).run() }
            case .inline: try await runInline()
            case .live:
                while true { try await options.clock.sleep(for: options.pollInterval) }
            }
            try Task.checkCancellation()
        } catch let error as CancellationError {
            throw error
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw await failed(error)
        }
    }

    /// Returns the read model as soon as it contains the log up to a position.
    ///
    /// For an append of several events use ``model(atLeast:within:)-(Receipt,_)``, which checks each of them.
    /// - Parameters:
    ///   - position: the position of an event, such as that of a receipt.
    ///   - duration: the longest time to wait.
    /// - Throws: `StaleModel` when the time is over, `ProjectionFailure` when the projector has stopped,
    ///   `ParkedEvent` if the event at the position is a dead letter that waits for an operator, `CancellationError`.
    public func model(atLeast position: Position, within duration: Duration) async throws -> Model {
        try await model(atLeast: position, through: position, within: duration)
    }

    /// Returns the read model as soon as it contains the log up to a mark, such as a token from the receipt of another
    /// process.
    ///
    /// - Parameters:
    ///   - mark: the mark; the log must have its event.
    ///   - duration: the longest time to wait.
    /// - Throws: as ``model(atLeast:within:)-(Position,_)``; `StoreError` `storeChanged` if the log does not have the
    ///   event of the mark.
    public func model(atLeast mark: EventMark, within duration: Duration) async throws -> Model {
        _ = try await store.head(resumingAfter: mark)
        return try await model(atLeast: mark.position, within: duration)
    }

    /// Returns the read model as soon as it contains all events of an append.
    ///
    /// - Parameters:
    ///   - receipt: the result of the append.
    ///   - duration: the longest time to wait.
    /// - Throws: as ``model(atLeast:within:)-(Position,_)``; `ParkedEvent` if any event of the append is such a dead
    ///   letter.
    public func model(atLeast receipt: Receipt, within duration: Duration) async throws -> Model {
        try await model(atLeast: receipt.firstPosition, through: receipt.position, within: duration)
    }

    private func model(
        atLeast first: Position, through last: Position, within duration: Duration
    ) async throws -> Model {
        let elapsed = stopwatch(options.clock)
        try await rows(atLeast: last, within: duration)
        while board.hasDeadLetters, let live = board.live, let letter = try await deadLetter(of: live, first, last) {
            guard letter.isRetried else { throw letter.error }
            let left = duration - elapsed()
            guard left > .zero else { throw StaleModel(projection: live, position: first.previous, wanted: last) }
            try await wakeUp.wait(beyond: wakeUp.count, atMost: min(left, .milliseconds(20)), options.clock)
        }
        return readModel
    }

    /// Waits until everything up to a position is projected or parked. If another process runs the live build, this
    /// reads the stored checkpoint every 20 milliseconds.
    func rows(atLeast position: Position, within duration: Duration) async throws {
        if lifecycle == .live { try await catchUp() }
        let elapsed = stopwatch(options.clock)
        while true {
            if board.position < position { try await reach(position, duration - elapsed()) }
            // Another process may have promoted another build, and this one does not know it yet.
            let live = try await ledger.live(name)?.id
            if live == board.live { return }
            board.setLive(live)
        }
    }

    /// Returns the first dead letter between two positions, and whether it is retried without an operator.
    private func deadLetter(
        of live: ProjectionID, _ first: Position, _ last: Position
    ) async throws -> (error: ParkedEvent, isRetried: Bool)? {
        let letters = try await readModel.ownRows(
            """
            SELECT position, error, state FROM sillok_dead_letters \(Ledger.whose(live))
            AND position >= \(first) AND position <= \(last) AND state <> 'skipped' ORDER BY position LIMIT 1
            """)
        guard let letter = letters.first, let position = letter["position"].integer, let reason = letter["error"].text
        else { return nil }
        let error = ParkedEvent(projection: live, position: Position(UInt64(clamping: position)), reason: reason)
        return (error, letter["state"].text == DeadLetter.State.retrying.rawValue)
    }

    /// Creates the tables of the projection if they are missing, so that queries find them before the first event.
    ///
    /// ``run()`` does this first too. Call this before your service reports that it is ready.
    /// - Throws: `ProjectionFailure`, whose cause is a `ProjectionRefusal` if the projection cannot be run with its
    ///   current definition and options; `CancellationError`.
    public func prepare() async throws {
        try await turns.wait(for: name) { [self] in
            _ = try await reportingFailure { try await ensureBuild() }
        }
    }

    /// Projects everything up to the current head of the log, and returns. Cannot be called while ``run()`` runs.
    ///
    /// - Throws: `ProjectionFailure` when it cannot continue; `ProjectionRefusal` if ``run()`` runs or an operator has
    ///   paused the projection; `CancellationError`.
    public func catchUp() async throws {
        if board.isRunning && lifecycle != .live {
            throw ProjectionRefusal("\(name) runs: wait for it with model(atLeast:within:) instead of catching up.")
        }
        try await turns.wait(for: name) { [self] in
            let build = try await reportingFailure { try await ensureBuild() }
            if build.isPaused {
                if lifecycle == .live { return }
                throw ProjectionRefusal("\(build.id) is paused by an operator: resume it first.")
            }
            try await reportingFailure {
                try await holdingLeases {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for partition in 0..<build.partitions {
                            group.addTask { try await self.runner(build.id, partition, build.partitions).catchUp() }
                        }
                        try await group.waitForAll()
                    }
                }
                try await Builds(ledger: ledger, wallClock: options.wallClock)
                    .reachedHead(build.id, options.promotion)
            }
        }
    }

    /// Runs `body`. Records an error that it throws, so that other processes can read it.
    private func reportingFailure<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw await failed(error)
        }
    }

    /// Returns the runner of one partition of a build.
    func runner(_ id: ProjectionID, _ partition: Int, _ partitions: Int) -> PartitionRunner {
        let documents = rule.documents.map { DocumentCache($0, capacity: options.documentBytes) }
        let maker = BatchMaker(
            rule: rule, id: id, partition: partition, partitions: partitions, parking: options.failures.parking,
            wallClock: options.wallClock)
        let board = board
        return PartitionRunner(
            store: store, pages: partitions > 1 ? pages : nil, ledger: ledger, maker: maker, documents: documents,
            options: options, wakeUp: wakeUp, watch: watch, owner: owner,
            progress: { state in
                if let state {
                    board.update(id, partition, state, of: partitions)
                } else {
                    board.forget(id, partition)
                }
            },
            atHead: { [ledger, options] in
                if board.live == id { return }
                try await Builds(ledger: ledger, wallClock: options.wallClock).reachedHead(id, options.promotion)
            })
    }

    /// Returns the failure that stopped the projection, after recording it for other processes.
    private func failed(_ error: any Error) async -> ProjectionFailure {
        let failure = asFailure(error, of: board.live ?? ProjectionID(name, version: version))
        board.fail(failure)
        try? await Builds(ledger: ledger).record(failure)
        return failure
    }

    /// Returns an error as the failure of a build.
    func asFailure(_ error: any Error, of id: ProjectionID) -> ProjectionFailure {
        error as? ProjectionFailure ?? ProjectionFailure(projection: id, event: nil, cause: error)
    }
}
