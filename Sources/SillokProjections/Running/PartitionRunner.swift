import SillokCore
import SillokSQL

/// Why a runner looks anew at what the read model knows of its partition.
enum Interlude: Error {
    /// An operator wants something, or the build is no more.
    case controlMoved
    /// Somebody else holds the lease.
    case leaseLost
}

/// Runs one partition of one build: reads, applies, writes, waits.
struct PartitionRunner: Sendable {
    let store: any EventStore
    let ledger: Ledger
    let maker: BatchMaker
    let wish: Wish
    /// Who runs it, in leases.
    let owner: String
    /// Told after each write; `nil`: somebody else runs the partition.
    let progress: @Sendable (Standing?) -> Void
    /// Told when everything up to the head is written.
    let atHead: @Sendable () async throws -> Void

    var id: ProjectionID { maker.id }
    var options: ProjectorOptions { maker.options }

    /// Follows the log until the build is taken away or the task is cancelled.
    func run() async throws {
        do {
            try await runHeld()
        } catch {
            await release()
            throw error
        }
    }

    /// Gives up the lease, so that the next one need not wait for it to run out.
    private func release() async {
        guard options.lease != nil else { return }
        try? await Lease(ledger: ledger, id: id, owner: owner).release(maker.partition)
        progress(nil)
    }

    private func runHeld() async throws {
        while true {
            try Task.checkCancellation()
            guard let build = try await ledger.build(id) else { return }
            let heard = wish.count
            guard let standing = try await hold() else {
                progress(nil)
                try await wish.wait(beyond: heard, options.lease ?? options.pollInterval, options.clock)
                continue
            }
            if build.isPaused {
                try await wish.wait(beyond: heard, options.pollInterval, options.clock)
                continue
            }
            do {
                try await beating(standing.row) { try await follow(try await redriven(standing), heard) }
            } catch is Interlude {
                continue
            }
        }
    }

    /// Shows signs of life while `body` runs, however long that takes.
    private func beating(_ row: PartitionRow, _ body: @escaping @Sendable () async throws -> Void) async throws {
        guard let lease = options.lease else { return try await body() }
        let (keeper, clock) = (Lease(ledger: ledger, id: id, owner: owner), options.clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while true {
                    try await clock.sleep(for: lease / 3)
                    // What keeps it from being written keeps the runner from writing too, and is reported there.
                    try? await keeper.beat(row)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Writes everything up to the head of the log once.
    func catchUp() async throws {
        do {
            try await catchUpHeld()
            await release()
        } catch {
            await release()
            throw error
        }
    }

    private func catchUpHeld() async throws {
        while true {
            guard let standing = try await hold() else { throw CheckpointMoved(projection: id) }
            do {
                let head = try await checkedHead(standing)
                var current = try await redriven(standing)
                while current.row.checkpoint.position < head { current = try await advanceAll(current) }
                progress(current)
                return
            } catch is Interlude {
                continue
            }
        }
    }

    /// The partition as it stands, if it is ours to run.
    private func hold() async throws -> Standing? {
        documentsAreStale()
        guard var row = try await ledger.partition(maker.partition, of: id) else { return nil }
        if let lease = options.lease, row.owner != owner {
            guard let taken = try await Lease(ledger: ledger, id: id, owner: owner).take(row, lease, options.clock)
            else { return nil }
            row = taken
        }
        let standing = Standing(
            row: row, parked: try await ledger.parkedSequences(of: id, maker.partition),
            decisions: try await ledger.decisions(of: id.name))
        progress(standing)
        return standing
    }

    private func documentsAreStale() { maker.documents?.clear() }

    /// Everything that an operator wants tried again, tried.
    private func redriven(_ standing: Standing) async throws -> Standing {
        let sequences = try await ledger.sequencesToRetry(of: id, maker.partition)
        if sequences.isEmpty { return standing }
        var standing = standing
        for sequence in sequences {
            standing = try await Redrive(runner: self, sequence: sequence).run(standing)
        }
        return standing
    }

    private func follow(_ standing: Standing, _ heard: Int) async throws {
        var current = standing
        _ = try await checkedHead(standing)
        var isAtHead = false
        while true {
            let before = current.row.checkpoint.position
            current = try await advanceAll(current)
            if !isAtHead || current.row.checkpoint.position > before {
                isAtHead = true
                try await atHead()
            }
            let isSilent = try await wait(for: current.row.checkpoint.position.next, heard)
            if isSilent {
                let row = try await ledger.partition(maker.partition, of: id)
                guard let row, row.epoch == current.row.epoch, row.token == current.row.token else {
                    throw Interlude.controlMoved
                }
                if row.checkpoint != current.row.checkpoint { throw CheckpointMoved(projection: id) }
            }
        }
    }

    /// Writes page after page until there is nothing new. While one is written the next is applied, and the one after it
    /// read.
    private func advanceAll(_ standing: Standing) async throws -> Standing {
        var current = standing
        var ahead = Ahead()
        while true {
            try Task.checkCancellation()
            if ahead.batch == nil { ahead = try await lookAhead(of: current, nil) }
            guard let batch = ahead.batch else { return current }
            let page = ahead.page
            let mayLookAhead = !batch.isEnd && batch.stop == nil && maker.documents?.isFull != true
            async let next = mayLookAhead ? lookAhead(of: batch.after, page) : Ahead()
            let isWritten = try await write(batch)
            ahead = try await next
            if isWritten {
                current = batch.after
                progress(current)
                if !mayLookAhead { documentsAreStale() }
            } else {
                ahead = Ahead()
                current = try await writeWithVerdicts(batch)
                progress(current)
            }
            if batch.isEnd, ahead.batch == nil { return current }
        }
    }

    /// What is made before it is its turn: the next batch, and the page that follows it.
    private struct Ahead {
        var batch: Batch?
        var page: EventBatch?
    }

    /// - Parameter known: the page that follows, if it was read.
    private func lookAhead(of standing: Standing, _ known: EventBatch?) async throws -> Ahead {
        let mark = standing.row.checkpoint.mark
        let page: EventBatch
        if let known { page = known } else { page = try await self.page(after: mark) }
        guard page.through > mark.position else { return Ahead() }
        async let following = page.isEnd ? nil : self.page(after: page.mark)
        let batch = try await maker.batch(page, after: standing)
        return Ahead(batch: batch, page: try await following)
    }

    private func page(after mark: EventMark) async throws -> EventBatch {
        try await ofThisHistory {
            try await store.read(
                maker.rule.source, resumingAfter: mark, limit: min(options.batch, store.limits.pageEvents))
        }
    }

    /// Reads from the log; one that is not that of the checkpoint is an error which names the build.
    private func ofThisHistory<Result: Sendable>(_ read: () async throws -> Result) async throws -> Result {
        do {
            return try await read()
        } catch let error as StoreError where error.code == .storeChanged {
            throw StoreError(.storeChanged, "\(id) was made from another log: \(error.message)")
        }
    }

    /// Writes a batch; `false` if one of its changes failed by its own fault.
    private func write(_ batch: Batch) async throws -> Bool {
        do {
            try await commit(batch)
        } catch let failure as ChangeFailed {
            guard batch.origins.indices.contains(failure.index), batch.origins[failure.index] >= 0 else {
                throw failure
            }
            return false
        }
        if let stop = batch.stop { throw ProjectionFailure(projection: id, event: stop.event, cause: stop.cause) }
        return true
    }

    private func commit(_ batch: Batch) async throws {
        if batch.changes.isEmpty { return }
        do {
            try await ledger.model.write(
                ReadModelWrite(batch.changes, if: [batch.before.row.isUnchanged(id)]))
        } catch is ConditionFailed {
            throw try await interlude(batch.before.row)
        }
    }

    /// Why the partition is not as it was left.
    func interlude(_ known: PartitionRow) async throws -> any Error {
        guard let row = try await ledger.partition(maker.partition, of: id) else { return Interlude.controlMoved }
        if row.token != known.token { return Interlude.leaseLost }
        if row.epoch != known.epoch { return Interlude.controlMoved }
        return CheckpointMoved(projection: id)
    }

    /// Writes a batch of which a change failed: that event is tried again, and then parked, or stopped at.
    private func writeWithVerdicts(_ batch: Batch) async throws -> Standing {
        let end = batch.after.row.checkpoint.mark
        let page = EventBatch(events: batch.events, mark: end, isEnd: batch.isEnd, head: end.position)
        var verdicts: Verdicts = [:]
        var tries: [Position: Int] = [:]
        while true {
            documentsAreStale()
            let again = try await maker.batch(page, after: batch.before, verdicts)
            do {
                try await commit(again)
                if let stop = again.stop {
                    throw ProjectionFailure(projection: id, event: stop.event, cause: stop.cause)
                }
                return again.after
            } catch let failure as ChangeFailed {
                guard again.origins.indices.contains(failure.index), again.origins[failure.index] >= 0 else {
                    throw failure
                }
                let event = again.events[again.origins[failure.index]]
                tries[event.position, default: 0] += 1
                try await judge(event, failure, tries[event.position] ?? 1, &verdicts, batch)
            }
        }
    }

    /// Waits before the next try of an event whose change failed, or gives it up.
    private func judge(
        _ event: RecordedEvent, _ failure: ChangeFailed, _ tries: Int, _ verdicts: inout Verdicts, _ batch: Batch
    ) async throws {
        guard case .park(let attempts, let pause, _) = options.failures else {
            try await writeBefore(event, batch)
            throw ProjectionFailure(projection: id, event: event, cause: failure)
        }
        if tries >= attempts {
            verdicts[event.position] = "\(failure)"
        } else {
            try await options.clock.sleep(for: pause * (1 << min(tries - 1, 10)))
        }
    }

    /// Writes what lies before an event that stops the projection.
    private func writeBefore(_ event: RecordedEvent, _ batch: Batch) async throws {
        documentsAreStale()
        let before = batch.events.prefix { $0.position < event.position }
        guard let last = before.last else { return }
        let page = EventBatch(events: Array(before), mark: EventMark(last), isEnd: false, head: last.position)
        try await commit(try await maker.batch(page, after: batch.before))
    }

    /// The head of the log, if the log is the one that the checkpoint is of.
    private func checkedHead(_ standing: Standing) async throws -> Position {
        let checkpoint = standing.row.checkpoint
        let actual = try await store.storeID()
        guard actual == checkpoint.store else {
            throw StoreError(
                .storeChanged, "\(id) was made from store \(checkpoint.store), this is \(actual): rebuild it.")
        }
        return try await ofThisHistory { try await store.head(resumingAfter: checkpoint.mark) }.position
    }

    /// Waits for something new: `true` if nothing came, or an operator wants something.
    private func wait(for position: Position, _ heard: Int) async throws -> Bool {
        let (store, clock, wish) = (store, options.clock, wish)
        let pause = options.lease.map { min($0, options.pollInterval) } ?? options.pollInterval
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await store.reach(position)
                return false
            }
            group.addTask {
                try await wish.wait(beyond: heard, pause, clock)
                return true
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
    }
}
