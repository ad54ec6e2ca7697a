import SillokCore
import SillokProjectionMachine
import SillokSQL

extension Projector {
    /// Attaches an `inline` projection to every append, after it has caught up with the log.
    ///
    /// It stays attached until the store is closed, even if ``run()`` ends. Call this or ``run()`` before the first
    /// append of the process. Events that were appended earlier are projected when it catches up. If a rebuild was
    /// requested, the new build is made and attached too, so that it can be promoted without a gap.
    /// - Throws: `ProjectionFailure` at an event that cannot be projected. `ProjectionRefusal` if the read model is not
    ///   in the store's own file or database, or the projection changes documents or is paused. Also if it still has
    ///   dead letters or several partitions from the time when it was `async`.
    public func attach() async throws {
        let model = try await inlineReadModel()
        try await turns.wait(for: name) { [self] in
            let first = try await ensureBuild()
            for build in try await runnableBuilds() where !board.isAttached(build.id) {
                do {
                    try await attach(build, model)
                } catch  where build.id != first.id && build.state != .live && !(error is CancellationError) {
                    // A failing new build does not stop the live one; it is retried at the next poll.
                    try await Builds(ledger: ledger).record(asFailure(error, of: build.id))
                }
            }
        }
    }

    /// Stays attached to every append, and makes requested builds.
    func runInline() async throws {
        while true {
            let heard = wakeUp.count
            try await attach()
            try await wakeUp.wait(beyond: heard, atMost: options.pollInterval, options.clock)
        }
    }

    private func inlineReadModel() async throws -> any InlineReadModel {
        guard let model = readModel as? any InlineReadModel else {
            throw ProjectionRefusal(
                "\(name) cannot be inline: its read model is not in the store's own file or database. Use the read "
                    + "model of the store.")
        }
        guard rule.documents == nil else {
            throw ProjectionRefusal("\(name) cannot be inline: it evolves documents. Write SQL, or run it async.")
        }
        guard try await model.storeID() == store.storeID() else {
            throw ProjectionRefusal("\(name) cannot be inline: its read model is part of another store.")
        }
        return model
    }

    private func attach(_ build: ProjectionBuild, _ model: any InlineReadModel) async throws {
        let id = build.id
        guard build.partitions == 1 else {
            throw ProjectionRefusal("\(id) has \(build.partitions) partitions and cannot be inline: rebuild it first.")
        }
        guard !build.isPaused else {
            throw ProjectionRefusal("\(id) is paused and cannot be inline: resume it first.")
        }
        do {
            try await runner(id, 0, 1).catchUp()
        } catch is CheckpointMoved {
            // Another process already appends with it. The remaining events are projected when it is attached.
        }
        guard let row = try await ledger.partition(0, of: id), try await ledger.state(of: row, id).deadLetters == 0
        else {
            throw ProjectionRefusal("\(id) has dead letters and cannot be inline: retry, skip or replace them first.")
        }
        let effect = rule.effect
        let inline = InlineRule(id, source: rule.source) { event in
            guard case .changes(let statements) = try effect(event) else { return [] }
            return statements
        }
        do {
            try await model.attach(inline)
        } catch let failure as InlineProjectionFailed {
            throw ProjectionFailure(projection: id, event: failure.event, cause: failure.cause)
        }
        board.attach(id)
        if build.failure != nil { try await Builds(ledger: ledger).clearFailure(id) }
        try await Builds(ledger: ledger, wallClock: options.wallClock).reachedHead(id, options.promotion)
        board.setLive(try await ledger.live(name)?.id)
    }
}
