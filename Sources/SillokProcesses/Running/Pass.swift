import Sillok
import SillokCore
import SillokProcessMachine
import SillokProjections
import SillokSQL

/// One pass over the work: acts of operators and inputs first, then requests and effects, and deadlines last.
///
/// The order of the first lines is what keeps promise P4. The store's time is read first, then the head, then the index
/// is awaited at that head, and then the inputs up to the head are handled. So a deadline that was due at that time
/// fires only after its instance has seen every event up to a head that is not older than the due time.
struct Pass<Manager: ProcessManager>: Sendable {
    struct Result {
        var didWork = false
        var head = Position.start
        var nextDue: Timestamp?
    }

    let runner: ProcessRunner<Manager>
    var options: ProcessOptions { runner.options }
    var instances: InstanceStore<Manager> { runner.instances }

    /// Brings the index up to a position of the log.
    let refresh: @Sendable (Position) async throws -> Void
    /// Whether the time is read even if no deadline may be due.
    var readsTime = false
    /// Whether requests, effects and deadlines are executed, or inputs are handled only.
    var executes = true

    /// Does the work of some shards that is due now.
    ///
    /// - Parameter start: starts the calls of effects.
    func run(_ shards: [Int], _ start: (EffectTask) -> Void) async throws -> Result {
        guard let build = runner.projector.liveBuild else { return Result() }
        let list = WorkList(model: runner.projector.readModel, tables: runner.index.tables, build: build)
        var result = Result()
        let now = try await now(list, shards)
        result.head = try await runner.store.head()
        try await refresh(result.head)
        let handling = Handling(runner: runner, list: list, now: now, head: result.head, executes: executes)
        for kind in executes ? [WorkKind.act, .input, .request] : [.act, .input] {
            let rows = try await list.due(kind, shards, at: now, limit: options.page)
            if await each(Set(rows.map(\.key)), { await handling.work(on: $0, kind) }) { result.didWork = true }
        }
        guard executes else { return result }
        if try await EffectWork(handling: handling, shards: shards).start(start) { result.didWork = true }
        let due = try await list.due(.deadline, shards, at: now, limit: options.page)
        let letters = due.isEmpty ? [] : try await list.deadLetterStreams()
        let byKey = Dictionary(grouping: due, by: \.key)
        if await each(Set(byKey.keys), { await handling.fire(byKey[$0] ?? [], letters) }) { result.didWork = true }
        result.nextDue = try await list.next(.deadline, shards)
        return result
    }

    /// Returns the store's time. It is read if a deadline may be due, and else at most once per poll interval while
    /// deadlines or effects wait. So a wrong clock of the runner changes their times by no more than that.
    private func now(_ list: WorkList, _ shards: [Int]) async throws -> Timestamp {
        guard !readsTime, let estimate = runner.time.estimate else { return try await runner.time.read() }
        let next = try await list.next(.deadline, shards)
        if let next, estimate >= next { return try await runner.time.read() }
        if runner.time.isFresh(within: options.pollInterval) { return estimate }
        let areEffectsWaiting = try await !list.effectKinds(shards).isEmpty
        return next != nil || areEffectsWaiting ? try await runner.time.read() : estimate
    }

    /// Works on several instances at once. Returns whether any of them had work.
    private func each(_ keys: Set<String>, _ body: @escaping @Sendable (String) async -> Bool) async -> Bool {
        var waiting = keys.sorted()[...]
        return await withTaskGroup(of: Bool.self) { group in
            var didWork = false
            for key in waiting.prefix(options.concurrency) { group.addTask { await body(key) } }
            waiting = waiting.dropFirst(options.concurrency)
            while let worked = await group.next() {
                didWork = didWork || worked
                if let key = waiting.popFirst() { group.addTask { await body(key) } }
            }
            return didWork
        }
    }
}
