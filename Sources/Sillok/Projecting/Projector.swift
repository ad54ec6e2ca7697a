public import SillokCore
public import SillokSQL

/// Runs a projection: reads events, writes its changes and its checkpoint together, and waits for more.
///
/// A crash, a cancelled task, or a second projector of the same name change nothing: each event is handled once, in the
/// order of the log.
public final class Projector<Rule: Projection, Model: ReadModel>: Sendable {
    private struct State {
        var signal = HeadSignal()
        var hasFailed = false
    }

    /// The projection that it runs.
    public let projection: Rule

    /// The read model that it writes.
    public let readModel: Model

    private let store: any EventStore
    private let clock: any Clock<Duration>
    private let coding = EventCoding<Rule.Event>()
    private let state = Lock(State())

    /// A projector that does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - store: the log that it reads.
    ///   - readModel: where its rows and its checkpoint are written.
    ///   - clock: measures the waiting of ``model(atLeast:within:)``.
    public init(
        _ projection: Rule, from store: any EventStore, into readModel: Model,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.projection = projection
        self.store = store
        self.readModel = readModel
        self.clock = clock
    }

    /// The name and version of the projection.
    public var id: ProjectionID { ProjectionID(projection.name, version: projection.version) }

    /// Up to where this projector has written, as far as it knows.
    public var position: Position { state.withLock { $0.signal }.head }

    /// Handles what is in the log and what comes, until the task is cancelled.
    ///
    /// - Throws: ``ProjectionFailure`` when it cannot go on; `CancellationError`.
    public func run() async throws {
        state.withLock { state in
            if state.hasFailed { state = State() }
        }
        do {
            var checkpoint = try await begin()
            let events = store.subscribe(
                to: projection.source, after: checkpoint.position, expecting: checkpoint.store)
            for try await batch in events { checkpoint = try await handle(batch, after: checkpoint) }
            try Task.checkCancellation()
        } catch let error as CancellationError {
            throw error
        } catch {
            if Task.isCancelled { throw CancellationError() }
            let failure =
                error as? ProjectionFailure ?? ProjectionFailure(projection: id, event: nil, cause: error)
            let signal = state.withLock { state in
                state.hasFailed = true
                return state.signal
            }
            signal.fail(failure)
            throw failure
        }
    }

    /// The read model, when it tells the log up to a position: for reading one's own write.
    ///
    /// - Parameters:
    ///   - position: a receipt's position.
    ///   - duration: how long to wait for it at most.
    /// - Throws: ``StaleModel`` when the time is over, ``ProjectionFailure`` when the projector has stopped,
    ///   `CancellationError`.
    public func model(atLeast position: Position, within duration: Duration) async throws -> Model {
        let signal = state.withLock { $0.signal }
        if signal.head >= position { return readModel }
        let clock = clock
        let isFresh = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await signal.reach(position)
                return true
            }
            group.addTask {
                try await clock.sleep(for: duration)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        if isFresh { return readModel }
        throw StaleModel(projection: id, position: signal.head, wanted: position)
    }

    /// The checkpoint to go on from; makes the tables at the very first time.
    private func begin() async throws -> Checkpoint {
        if let checkpoint = try await readModel.checkpoint(of: id) {
            announce(checkpoint)
            return checkpoint
        }
        let first = Checkpoint(store: try await store.storeID())
        try await readModel.write(ReadModelChanges(id, from: nil, to: first, statements: projection.schema))
        return first
    }

    /// Writes what a batch changes; if one of its events fails, what lies before that.
    private func handle(_ batch: EventBatch, after checkpoint: Checkpoint) async throws -> Checkpoint {
        var next = checkpoint
        var statements: [SQL] = []
        var failure: ProjectionFailure?
        for event in batch.events {
            do {
                statements += try changes(of: event)
                next.handle(event)
            } catch {
                failure = ProjectionFailure(projection: id, event: event, cause: error)
                break
            }
        }
        if failure == nil { next.pass(batch.through) }
        if next != checkpoint {
            try await readModel.write(ReadModelChanges(id, from: checkpoint, to: next, statements: statements))
            announce(next)
        }
        if let failure { throw failure }
        return next
    }

    private func changes(of event: RecordedEvent) throws -> [SQL] {
        do {
            return try projection.project(coding.recorded(event))
        } catch is UnknownEventType where projection.unknownTypes == .ignore {
            return []
        }
    }

    private func announce(_ checkpoint: Checkpoint) {
        state.withLock { $0.signal }.advance(to: checkpoint.position)
    }
}
