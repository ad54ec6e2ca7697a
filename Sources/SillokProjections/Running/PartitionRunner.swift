import SillokCore
import SillokProjectionMachine
import SillokSQL

/// The runner of one partition of one build: it executes the actions of a `PartitionMachine`.
struct PartitionRunner: Sendable {
    let store: any EventStore
    /// `nil` for a build with one partition.
    let pages: PartitionPages?
    let ledger: Ledger
    let maker: BatchMaker
    /// An empty cache; `nil` for a projection that writes SQL.
    let documents: DocumentCache?
    let options: ProjectorOptions
    let wakeUp: WakeUp
    let watch: LeaseWatch
    /// The name of this process in leases.
    let owner: String
    /// Called after each write, and with `nil` when another process runs the partition.
    let progress: @Sendable (PartitionState?) -> Void
    /// Called when everything up to the head was written.
    let atHead: @Sendable () async throws -> Void

    var id: ProjectionID { maker.id }

    private var lease: Lease { Lease(ledger: ledger, id: id, owner: owner) }

    /// Follows the log until the build is dropped or the task is cancelled.
    ///
    /// A cancelled task leaves the release of the lease to its projector, which releases all of them together.
    func run() async throws {
        do {
            try await follow()
            await release()
        } catch {
            if !Task.isCancelled { await release() }
            throw error
        }
    }

    private func follow() async throws {
        while true {
            try Task.checkCancellation()
            guard let build = try await ledger.build(id) else { return }
            let (heard, looks) = (wakeUp.count, watch.count)
            guard let state = try await hold() else {
                progress(nil)
                try await waitUntilFree(heard, looks)
                continue
            }
            if build.isPaused {
                try await wakeUp.wait(beyond: heard, atMost: options.pollInterval, options.clock)
                continue
            }
            _ = try await checkedHead(state)
            _ = try await drive(state, heard, until: nil)
        }
    }

    /// Projects everything up to the current head of the log, and returns.
    func catchUp() async throws {
        while true {
            let heard = wakeUp.count
            guard let state = try await holdInTime() else { throw CheckpointMoved(projection: id) }
            if try await drive(state, heard, until: try await checkedHead(state)) { return }
        }
    }

    private func waitUntilFree(_ heard: Int, _ looks: Int) async throws {
        if options.lease == nil {
            try await wakeUp.wait(beyond: heard, atMost: options.pollInterval, options.clock)
        } else {
            try await watch.waitUntilFree(maker.partition, of: id, beyond: looks)
        }
    }

    /// Returns the state of the partition as soon as another process has lost its lease, or `nil` if it keeps it.
    private func holdInTime() async throws -> PartitionState? {
        let looks = watch.count
        if let state = try await hold() { return state }
        guard let lease = options.lease else { return nil }
        try await firstResult { [watch, maker, id] in
            try await watch.waitUntilFree(maker.partition, of: id, beyond: looks)
        } or: { [clock = options.clock] in
            try await clock.sleep(for: lease * 2)
        }
        return try await hold()
    }

    /// Releases the lease, so that the next process need not wait until it expires.
    private func release() async {
        guard options.lease != nil else { return }
        try? await lease.release(maker.partition)
        progress(nil)
    }

    /// Returns the state of the partition, or `nil` if another process holds it.
    private func hold() async throws -> PartitionState? {
        guard var row = try await ledger.partition(maker.partition, of: id) else { return nil }
        if options.lease != nil, row.owner != owner {
            guard watch.isFree(row, id), let taken = try await lease.take(row) else { return nil }
            row = taken
        }
        var state = try await ledger.state(of: row, id)
        if let pause = maker.rule.delivery?.pause { try await ledger.schedule(&state, id, options.wallClock, pause) }
        progress(state)
        return state
    }

    /// Returns the head of the log if the log is the one that the checkpoint belongs to.
    private func checkedHead(_ state: PartitionState) async throws -> Position {
        let checkpoint = state.row.checkpoint
        let actual = try await store.storeID()
        guard actual == checkpoint.store else {
            throw StoreError(
                .storeChanged,
                "\(id) was built from store \(checkpoint.store), but this is store \(actual). Rebuild it, or connect "
                    + "to the right store.")
        }
        return try await store.ofHistory(id) { try await store.head(resumingAfter: checkpoint.mark) }.position
    }

    /// Runs a machine until it ends: `true` at the goal, `false` if the partition must be loaded again.
    private func drive(_ state: PartitionState, _ heard: Int, until goal: Position?) async throws -> Bool {
        let pause = options.lease.map { min($0, options.pollInterval) } ?? options.pollInterval
        var machine = PartitionMachine(maker, state, documents, .init(pollInterval: pause, goal: goal))
        do {
            return try await drive(&machine, heard)
        } catch {
            await storeProgress(machine.state)
            throw error
        }
    }

    /// Stores the progress that is in memory only, so that a stopped projection does not seem to be behind. If it
    /// cannot be stored, the same events are passed again.
    private func storeProgress(_ state: PartitionState) async {
        guard state.isUnstored else { return }
        var batch = Batch(EventBatch(events: [], mark: state.checkpoint.mark, isEnd: true, head: .start), after: state)
        batch.addCheckpoint(id)
        let (write, model) = (batch.write(id), ledger.model)
        // A separate task, because this one is cancelled when the projector is stopped.
        await Task { try? await model.write(write) }.value
    }

    private func drive(_ machine: inout PartitionMachine, _ heard: Int) async throws -> Bool {
        let io = PartitionIO(
            store: store, pages: pages, ledger: ledger, rule: maker.rule, id: id, partition: maker.partition,
            limit: min(options.batch, store.limits.pageEvents), clock: options.clock, wakeUp: wakeUp, heard: heard)
        let elapsed = stopwatch(options.clock)
        return try await withThrowingTaskGroup(of: PartitionMachine.Input.self) { group in
            defer { group.cancelAll() }
            var input: PartitionMachine.Input? = .started
            while let next = input {
                try Task.checkCancellation()
                for action in machine.handle(next, at: elapsed()) {
                    switch action {
                    case .end(.caughtUp): return true
                    case .end(.leaseLost), .end(.controlMoved): return false
                    case .end(.failed(let error)): throw error
                    case .report(let state): progress(state)
                    case .reachedHead: try await atHead()
                    case .read, .loadDocuments, .loadDeadLetters, .deliver, .write, .readRow, .wait:
                        group.addTask { try await io.execute(action) }
                    }
                }
                input = try await group.next()
            }
            throw CancellationError()
        }
    }
}

/// Returns a function that measures the time since this call.
func stopwatch<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
}

extension Ledger {
    /// Sets the retries of a publisher that were due later when it stopped. A time that is long ago is due at once.
    func schedule(
        _ state: inout PartitionState, _ id: ProjectionID, _ clock: WallClock,
        _ pause: @Sendable (_ attempt: Int, _ event: EventID) -> Duration?
    ) async throws {
        let rows = try await model.ownRows(
            """
            SELECT sequence, event, attempts, parked FROM sillok_dead_letters \(Self.whose(id, state.row.number))
            AND state = 'retrying' AND attempts > 0
            """)
        for row in rows {
            guard let event = EventID(try row.text("event")) else { continue }
            let pauses = (1...max(1, try row.count("attempts"))).map { pause($0, event) ?? .zero }
            let elapsed = Duration.microseconds(clock.now().microseconds(since: try row.time("parked")))
            // A clock that was set back delays a retry by no more than its own pause.
            let left = min(pauses.reduce(.zero, +) - elapsed, pauses.last ?? .zero)
            state.delayRetry(of: StreamID(try row.text("sequence")), until: max(.zero, left))
        }
    }

    /// Returns the state of a partition: its row, its sequences with dead letters, and those to retry immediately.
    func state(of row: PartitionRow, _ id: ProjectionID) async throws -> PartitionState {
        let rows = try await model.ownRows(
            """
            SELECT sequence, COUNT(*) AS letters, 
            MAX(CASE state WHEN 'retry' THEN 2 WHEN 'retrying' THEN 1 ELSE 0 END) AS again
            FROM sillok_dead_letters \(Self.whose(id, row.number)) AND state <> 'skipped' GROUP BY sequence
            """)
        var parked: [StreamID: Int] = [:]
        var retries: [StreamID: PartitionState.Retry] = [:]
        for found in rows {
            let (sequence, again) = (StreamID(try found.text("sequence")), try found.integer("again"))
            parked[sequence] = try found.count("letters")
            if again > 0 { retries[sequence] = PartitionState.Retry(due: .zero, isRequested: again == 2) }
        }
        return PartitionState(
            row: row, parked: parked, retries: retries, decisions: try await decisions(of: id.name))
    }
}
