import Sillok
import SillokCore
import SillokProcessMachine
import SillokSQL

/// A call of an effect that a pass has chosen. It must be run or ended.
struct EffectTask: Sendable {
    let step: EventID
    let run: @Sendable () async throws -> Void
}

/// A call had no answer: it may have been executed.
private struct NoAnswer: Error {
    let cause: any Error
}

/// The calls of effects that a pass starts, and how they end.
struct EffectWork<Manager: ProcessManager>: Sendable {
    let handling: Handling<Manager>
    let shards: [Int]

    var runner: ProcessRunner<Manager> { handling.runner }
    var list: WorkList { handling.list }

    /// Starts the calls that may start now, of each kind as many as its limit leaves. Returns whether there was one.
    ///
    /// Of a paused kind one call is tried when it is time, and no other.
    func start(_ start: (EffectTask) -> Void) async throws -> Bool {
        var didStart = false
        let kinds = try await list.effectKinds(shards)
        let paused = kinds.isEmpty ? [:] : try await pausedKinds()
        for kind in kinds {
            if let pause = paused[kind], !pause.mayTry(at: handling.now) { continue }
            if try await begin(kind, paused[kind], start) { didStart = true }
        }
        for row in try await list.due(.unknown, shards, at: handling.now, limit: runner.options.page)
        where runner.begin(row.id, of: "", limit: .max) {
            didStart = true
            start(EffectTask(step: row.id) { try await ending(row) { try await lookUp(row) } })
        }
        return didStart
    }

    /// Starts calls of a kind. Returns whether there was one.
    private func begin(_ kind: String, _ pause: PausedKind?, _ start: (EffectTask) -> Void) async throws -> Bool {
        var didStart = false
        let page = pause == nil ? runner.options.page : 1
        for row in try await list.due(.effect(kind), shards, at: handling.now, limit: page) {
            guard let policy = await policy(of: row), runner.begin(row.id, of: kind, limit: share(of: policy.limit))
            else { continue }
            if let pause, try await !claims(pause, row, policy) { return didStart }
            didStart = true
            start(EffectTask(step: row.id) { try await ending(row) { try await call(row, kind, isTry: pause != nil) } })
            if pause != nil { return true }
        }
        return didStart
    }

    private func claims(_ pause: PausedKind, _ row: WorkRow, _ policy: EffectCall.Policy) async throws -> Bool {
        var isClaimed = false
        defer { if !isClaimed { runner.end(row.id) } }
        isClaimed = try await claim(pause, policy)
        return isClaimed
    }

    /// Returns how the effect of a row is called; `nil` if it is not called now.
    private func policy(of row: WorkRow) async -> EffectCall.Policy? {
        if runner.isRunning(row.id) { return nil }
        do {
            guard let (_, step) = try await step(row) else { return nil }
            return try self.call(for: step, of: row).policy
        } catch {
            await postpone(row, after: error)
            return nil
        }
    }

    /// Returns this runner's share of the calls at once, by the partitions that it holds.
    private func share(of limit: Int) -> Int {
        let share = limit.multipliedReportingOverflow(by: shards.count)
        return max(1, share.overflow ? limit : share.partialValue / runner.options.partitions)
    }

    private func ending(_ row: WorkRow, _ body: () async throws -> Void) async throws {
        defer { runner.end(row.id) }
        do {
            try await body()
        } catch let error as CancellationError {
            if Task.isCancelled { throw error }
        } catch {
            await postpone(row, after: error)
        }
    }

    private func postpone(_ row: WorkRow, after error: any Error) async {
        runner.counters.withLock { counters in
            if error is UnknownStep { counters.unknownSteps += 1 } else { counters.failure = "\(error)" }
        }
        // If the store or the read model does not answer either, the next pass finds the row again.
        guard let time = try? await later(row, .milliseconds(100), runner.options.longestPause) else { return }
        try? await list.postpone(row, to: time, after: error)
    }

    private func call(for step: PlannedStep, of row: WorkRow) throws -> EffectCall {
        do {
            return runner.effects(try step.payload.decoded(as: Manager.Effect.self))
        } catch {
            throw UnknownStep(process: Manager.name, key: row.key, step: "\(step.payload)", cause: error)
        }
    }

    private func later(_ row: WorkRow, _ first: Duration, _ longest: Duration) async throws -> Timestamp {
        let pause = runner.pause(after: row.attempts + 1, from: first, to: longest)
        return try await now().advanced(byMicroseconds: pause.wholeMicroseconds)
    }

    /// Returns the store's time, which the end of a call and its pause are measured by.
    private func now() async throws -> Timestamp { try await runner.time.current(within: runner.options.pollInterval) }

    /// Returns the instance and the step of a row, if it must still be executed.
    private func step(_ row: WorkRow) async throws -> (ProcessInstance<Manager>, PlannedStep)? {
        let instance = try await runner.instances.load(row.key)
        guard let step = instance.steps[row.id], !step.outcome.isSettled else {
            try await list.remove(row)
            return nil
        }
        if instance.parked != nil {
            try await list.shelve(row.key)
            return nil
        }
        return (instance, step)
    }

    private func call(_ row: WorkRow, _ kind: String, isTry: Bool) async throws {
        // The kind may have been paused since the row was chosen.
        if !isTry, isPaused(kind) { return }
        guard let (instance, step) = try await step(row) else { return }
        let call = try call(for: step, of: row)
        let attempt = EffectAttempt(
            idempotencyKey: step.id.description, instance: row.key, number: row.attempts + 1)
        guard let startedAt = try await started(step, of: instance) else { return }
        func isKeyForgotten() async throws -> Bool {
            try await now().microseconds(since: startedAt) > call.policy.keyLifetime.wholeMicroseconds
        }
        if try await isKeyForgotten() {
            return try await unsettled(row, call, attempt, "the other side may have forgotten the idempotency key")
        }
        do {
            let result = try await answer(to: attempt, step, call)
            try await settle(row, result)
            return try await answered(kind)
        } catch let error as NoAnswer {
            if Task.isCancelled { throw CancellationError() }
            try await failed(kind, because: error.cause, at: try await now(), call.policy)
            var isLast = attempt.number >= call.policy.attempts
            if !isLast { isLast = try await isKeyForgotten() }
            if isLast {
                return try await unsettled(row, call, attempt, "\(error.cause)")
            }
            runner.counters.withLock { counters in
                counters.failure = "\(error.cause)"
                counters.retries += 1
                counters.recentRetries += 1
            }
            try await list.postpone(
                row, to: later(row, call.policy.pause, call.policy.longestPause), after: error.cause)
        }
    }

    /// Returns when the effect was first called, which is recorded before the call. `nil`: the instance has changed.
    private func started(_ step: PlannedStep, of loaded: ProcessInstance<Manager>) async throws -> Timestamp? {
        if case .started(let time) = step.outcome { return time }
        var instance = loaded
        let condition = instance.isUnchanged
        let records = try instance.start(step.id)
        return try await runner.instances.append(records, of: instance, if: condition) ? try await now() : nil
    }

    /// Makes a call. Returns what the other side has answered.
    ///
    /// - Throws: ``NoAnswer``.
    private func answer(
        to attempt: EffectAttempt, _ step: PlannedStep, _ call: EffectCall
    ) async throws -> EffectResult {
        do {
            let result = try await withTimeout(call.policy.timeout, runner.options.clock) {
                try await Spans.within(
                    .effect, "\(Manager.name) \(step.payload.caseName ?? "")",
                    links: step.metadata.traceparent.map { [$0] } ?? []
                ) {
                    try await call.call(attempt)
                }
            }
            return .done(result)
        } catch let failure as EffectFailed {
            return .failed(reason: failure.reason)
        } catch {
            throw NoAnswer(cause: error)
        }
    }

    /// Settles an effect whose calls are used up: by a look-up, or as unknown.
    private func unsettled(_ row: WorkRow, _ call: EffectCall, _ attempt: EffectAttempt, _ reason: String) async throws
    {
        let found = try? await call.lookUp?(attempt)
        if Task.isCancelled { throw CancellationError() }
        try await settle(row, found.flatMap { $0 } ?? .unknown(reason: reason))
    }

    private func lookUp(_ row: WorkRow) async throws {
        guard let (_, step) = try await step(row) else { return }
        let call = try call(for: step, of: row)
        let attempt = EffectAttempt(idempotencyKey: step.id.description, instance: row.key, number: row.attempts + 1)
        guard let lookUp = call.lookUp, let result = try await lookUp(attempt) else {
            // Without a look-up an operator settles it.
            return try await list.postpone(row, to: later(row, call.policy.pause, call.policy.longestPause))
        }
        try await settle(row, result)
    }

    /// Records a result, on the state that the instance has by now.
    private func settle(_ row: WorkRow, _ result: EffectResult) async throws {
        while true {
            try Task.checkCancellation()
            var instance = try await runner.instances.load(row.key)
            let condition = instance.isUnchanged
            let records = try instance.settle(row.id, result)
            if try await runner.instances.append(records, of: instance, if: condition) { return }
        }
    }
}

extension ProcessRunner {
    /// Notes that a call of a kind begins; returns `false` if the step is being called, or its kind is at the limit.
    func begin(_ step: EventID, of kind: String, limit: Int) -> Bool {
        running.withLock { running in
            guard running[step] == nil, running.values.lazy.filter({ $0 == kind }).count < limit else { return false }
            running[step] = kind
            return true
        }
    }

    func end(_ step: EventID) { running.withLock { $0[step] = nil } }

    func isRunning(_ step: EventID) -> Bool { running.withLock { $0[step] != nil } }
}
