public import Sillok
public import SillokCore
public import SillokProcessMachine
import SillokProjectionMachine
import SillokProjections
public import SillokSQL

/// The runner of a process manager: it handles inputs, and executes the recorded requests, effects and deadlines.
///
/// ```swift
/// let checkout = ProcessRunner(Checkout.self, after: .start, in: store, index: model) { request in
///     switch request { case .reserve(let item): .execute(.reserve, on: item, with: stock) }
/// } effects: { effect in
///     switch effect { case .charge(let cents): EffectCall { try await bank.charge(cents, key: $0.idempotencyKey) } }
/// }
/// try await checkout.run()
/// ```
/// A `ReadSideService` runs it next to the projections of a server.
///
/// The index only lists the work that may be due; the stream of the instance decides. An input and the steps that
/// follow from it are one append, with ids that follow from the input, under the condition that the stream of the
/// instance has not changed. So a crash at any point, a second runner or a lost index neither lose nor double a step.
/// Several runners with a ``ProcessOptions/lease`` share the partitions.
///
/// Over a store on a server the runner needs a key with the scopes `read` and `append`, on the categories of its source
/// and of the aggregates that it commands, and on its own: `process:checkout-*`.
public final class ProcessRunner<Manager: ProcessManager>: Sendable {
    let store: any EventStore
    let index: ProcessIndex<Manager>
    let projector: Projector<AnyReadModel>
    let model: any ReadModel
    let options: ProcessOptions
    let start: Position
    let requests: @Sendable (Manager.Request) -> ProcessCommand
    let effects: @Sendable (Manager.Effect) -> EffectCall
    let instances: InstanceStore<Manager>
    let time: StoreTime
    let counters = Lock(ProcessCounters())
    let running = Lock<[EventID: String]>([:])
    let kinds = Lock(KindStates())
    let random: Lock<any RandomNumberGenerator & Sendable>

    /// Creates a runner. It does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - manager: the process manager.
    ///   - start: events of the source up to here are not handled: `.start`, or where the log was when the process was
    ///     introduced. It must stay the same.
    ///   - store: the log to read, where the instances are recorded.
    ///   - model: the read model for the index of the waiting work, and for leases. It can be rebuilt.
    ///   - options: how the process is run.
    ///   - requests: returns the command for a request. A pure function.
    ///   - effects: returns the call for an effect. A pure function.
    public init(
        _ manager: Manager.Type, after start: Position, in store: any EventStore, index model: any ReadModel,
        options: ProcessOptions = ProcessOptions(),
        requests: @escaping @Sendable (Manager.Request) -> ProcessCommand,
        effects: @escaping @Sendable (Manager.Effect) -> EffectCall
    ) {
        (self.store, self.options, self.start, self.requests, self.effects) = (store, options, start, requests, effects)
        index = ProcessIndex(shards: options.partitions, limits: store.limits, after: start)
        time = StoreTime(store, TrackingSource("\(Manager.category)-clock"), options.clock)
        random = Lock(options.random())
        self.model = model
        let projector = Projector(
            index.rule, .async, store, AnyReadModel(base: model),
            ProjectorOptions(
                partitions: options.partitions, lease: options.lease, pollInterval: options.pollInterval,
                clock: options.clock, ids: options.ids))
        self.projector = projector
        instances = InstanceStore(
            store: store, source: index.source, time: time, cache: InstanceCache(limit: options.cachedInstances),
            snapshots: InstanceSnapshots(
                model: projector.readModel, tables: index.tables, build: { projector.liveBuild }))
    }

    /// Creates the tables of the index if they are missing. ``run()`` does this first too.
    ///
    /// - Throws: `InvalidRequest` if the name of the process contains a dash; `ProjectionFailure` if the index cannot
    ///   be prepared; `CancellationError`.
    public func prepare() async throws {
        try store.limits.check(Manager.category)
        try await projector.prepare()
    }

    /// Handles inputs and executes steps until the task is cancelled.
    ///
    /// A failure of the store or of the read model does not end it: it continues when they answer again. See
    /// ``status()`` for the last failure.
    /// - Throws: `CancellationError`; what ``prepare()`` throws.
    public func run() async throws {
        try await prepare()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.retrying { try await self.projector.run() } }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { calls in
                    let pass = Pass(runner: self) { head in
                        try await self.projector.waitForRows(atLeast: head, within: .seconds(10))
                    }
                    while true { try await self.work(pass) { call in calls.addTask { try await call.run() } } }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Does all work that can be done now, effects included, and returns. Cannot be called while ``run()`` runs.
    ///
    /// - Throws: the first failure of the store, the read model or a target; `CancellationError`.
    public func catchUp() async throws {
        try await prepare()
        let shards = Array(0..<options.partitions)
        while true {
            var calls: [EffectTask] = []
            defer { for call in calls { end(call.step) } }
            let pass = Pass(runner: self, refresh: { _ in try await self.projector.catchUp() }, readsTime: true)
            let result = try await pass.run(shards) { calls.append($0) }
            for call in calls { try await call.run() }
            // What was recorded last, such as that an instance is parked, is in the index too.
            if !result.didWork { return try await projector.catchUp() }
        }
    }

    /// Runs a pass, and waits if there was nothing to do.
    private func work(_ pass: Pass<Manager>, _ start: (EffectTask) -> Void) async throws {
        do {
            let held = projector.heldPartitions
            if held.isEmpty { return try await options.clock.sleep(for: min(options.pollInterval, .milliseconds(50))) }
            counters.withLock { $0.failure = nil }
            let result = try await pass.run(held, start)
            counters.withLock { $0.failures = 0 }
            if !result.didWork { try await wait(after: result.head, until: result.nextDue) }
        } catch let error as CancellationError {
            throw error
        } catch {
            try await paused(after: error)
        }
    }

    /// Waits for an event that may be work, for the next deadline, or for the poll interval.
    private func wait(after head: Position, until due: Timestamp?) async throws {
        var pause = options.pollInterval
        if let due, let now = time.estimate {
            pause = min(pause, max(.zero, .microseconds(due.microseconds(since: now))))
        }
        let (store, clock, query) = (store, options.clock, index.rule.source)
        let duration = pause
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.reach(head.next, for: query) }
            group.addTask { try await clock.sleep(for: duration) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func retrying(_ body: () async throws -> Void) async throws {
        while true {
            do {
                try await body()
            } catch let error as CancellationError {
                throw error
            } catch {
                try await paused(after: error)
            }
        }
    }

    private func paused(after error: any Error) async throws {
        if Task.isCancelled { throw CancellationError() }
        let failures = counters.withLock { counters in
            counters.failure = "\(error)"
            counters.failures += 1
            return counters.failures
        }
        try await options.clock.sleep(for: pause(after: failures, from: .milliseconds(50), to: options.longestPause))
    }

    /// Returns a pause that doubles with each attempt up to a longest one, shortened at random by up to a half.
    func pause(after attempts: Int, from first: Duration, to longest: Duration) -> Duration {
        let full = min(longest, first * (1 << min(max(0, attempts - 1), 20)))
        let share = random.withLock { Double.random(in: 0.5...1, using: &$0) }
        return full * share
    }
}

/// What a runner has counted since it started.
struct ProcessCounters: Sendable {
    var failure: String?
    var failures = 0
    var unknownSteps = 0
    var earlyEvents = 0
    var fired = 0
    var retries = 0
    var lateness = Duration.zero
    /// Since the measurement before.
    var recentRetries = 0
    var recentLateness = Duration.zero
    var heldDeadlines = 0
}
