public import SillokCore
import SillokProjectionMachine
public import SillokSQL

extension Projector {
    /// The operations on the projections of the read model. A request for this projection that is made through it wakes
    /// this projector, which executes it immediately.
    public var readSide: ReadSide {
        ReadSide(of: store, in: readModel, wallClock: options.wallClock) { [wakeUp] in wakeUp.wake() }
    }

    /// Makes a new build of this version next to the live one, and returns when it has reached the head of the log.
    ///
    /// Queries see the live build until `ReadSide.promote(_:by:force:)`. It does not matter whether ``run()`` runs.
    /// - Parameters:
    ///   - whom: the operator who requests it.
    ///   - progress: called at intervals with the status of the new build.
    /// - Throws: `ProjectionRefusal` if a build is in progress; `ProjectionFailure` if the new build fails.
    @discardableResult
    public func rebuild(
        by whom: Operator, progress: @escaping @Sendable (ProjectionStatus) -> Void = { _ in }
    ) async throws -> ProjectionID {
        if !board.isRunning { _ = try await ensureBuild() }
        let id = try await readSide.requestRebuild(of: name, by: whom)
        if board.isRunning {
            try await watch(id, progress)
        } else {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.make(id) }
                group.addTask { try await self.watch(id, progress) }
                defer { group.cancelAll() }
                try await group.next()
                try await group.next()
            }
        }
        return id
    }

    /// Projects the events of one sequence, such as a stream, again from scratch and in one transaction.
    ///
    /// - Parameters:
    ///   - sequence: the name of the sequence.
    ///   - events: a query that includes its events, such as `.stream(…)` or `.tags(…)`; others are ignored.
    ///   - whom: the operator who requests it.
    /// - Returns: the number of events that were projected.
    /// - Throws: `ProjectionRefusal` if this version is not live, the projection does not define how to clear a
    ///   sequence, the sequence has dead letters, or another process runs the projection; errors of the projection.
    @discardableResult
    public func rebuild(
        sequence: String, events: EventQuery, by whom: Operator
    ) async throws -> Int {
        guard let live = try await ledger.live(name), live.id.version == version else {
            throw ProjectionRefusal("\(name) v\(version) is not live.")
        }
        guard let clearing = rule.clear(sequence) else {
            throw ProjectionRefusal("\(name) does not implement clear(sequence:): rebuild the whole projection.")
        }
        if lifecycle == .inline { return try await remakeInline(sequence, events, clearing, live, whom) }
        // A projection that an operator has paused stays paused.
        let side = live.isPaused ? nil : readSide
        try await side?.pause(name, by: whom)
        do {
            let count = try await remake(sequence, events, clearing, live, whom)
            try await side?.resume(name, by: whom)
            return count
        } catch {
            try? await side?.resume(name, by: whom)
            throw error is ConditionFailed
                ? ProjectionRefusal("Another process runs \(name): stop it, and try again.") : error
        }
    }

    /// Appends cannot be paused, so this retries when an append came in between.
    private func remakeInline(
        _ sequence: String, _ events: EventQuery, _ clearing: [SQL], _ live: ProjectionBuild, _ whom: Operator
    ) async throws -> Int {
        var left = 20
        while true {
            do {
                return try await remake(sequence, events, clearing, live, whom)
            } catch is ConditionFailed where left > 0 {
                left -= 1
            }
        }
    }

    private func remake(
        _ sequence: String, _ events: EventQuery, _ clearing: [SQL], _ live: ProjectionBuild, _ whom: Operator
    ) async throws -> Int {
        var changes = clearing.map { ReadModelWrite.Change($0, of: live.id) }
        let letters = try await readSide.deadLetters(of: name, sequence: sequence, limit: .max)
        let skipped = Set(letters.lazy.filter { $0.state == .skipped }.map(\.position))
        guard skipped.count == letters.count else {
            throw ProjectionRefusal("\(sequence) has dead letters: retry or skip them first.")
        }
        let partitions = try await ledger.partitions(of: live.id)
        let decisions = try await ledger.decisions(of: name)
        var count = 0
        for try await page in store.pages(events) {
            for event in page.events where rule.source.matches(event) {
                let partition = rule.partition(of: event, among: live.partitions)
                guard partitions.indices.contains(partition), rule.sequence(event) == sequence,
                    event.position <= partitions[partition].checkpoint.position, !skipped.contains(event.position),
                    !decisions.skips(event)
                else { continue }
                count += 1
                guard case .changes(let statements) = try rule.effect(decisions.applied(to: event)) else { continue }
                changes += statements.map { ReadModelWrite.Change($0, of: live.id) }
            }
        }
        changes.append(whom.did("rebuild", to: live.id, detail: sequence, at: options.wallClock.now()))
        try await readModel.write(ReadModelWrite(changes, if: partitions.map { $0.isUnchanged(live.id) }))
        return count
    }

    /// Makes a requested build in this task.
    private func make(_ id: ProjectionID) async throws {
        if lifecycle == .inline { return try await attach() }
        let build = try await begin(id, asLive: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for partition in 0..<build.partitions {
                group.addTask { try await self.runner(id, partition, build.partitions).catchUp() }
            }
            try await group.waitForAll()
        }
        try await Builds(ledger: ledger, wallClock: options.wallClock).reachedHead(id, .byOperator)
    }

    /// Reports the status of a build until it has reached the head.
    private func watch(
        _ id: ProjectionID, _ progress: @Sendable (ProjectionStatus) -> Void
    ) async throws {
        while true {
            guard let status = try await readSide.status(of: name).first(where: { $0.build.id == id }) else {
                throw ProjectionRefusal("An operator dropped \(id) while it was being built. Request a rebuild again.")
            }
            progress(status)
            if status.build.caughtUp != nil { return }
            if let failure = status.build.failure {
                throw ProjectionFailure(projection: id, event: nil, cause: StoppedElsewhere(description: failure))
            }
            try await options.clock.sleep(for: .milliseconds(100))
        }
    }
}
