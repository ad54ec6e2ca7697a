import Sillok
import SillokCore
import SillokProcessMachine
import SillokProjections
import SillokSQL

/// The work on one instance: each function loads it, lets the pure instance decide, and appends.
struct Handling<Manager: ProcessManager>: Sendable {
    let runner: ProcessRunner<Manager>
    let list: WorkList
    /// The store's time, read before ``head``.
    let now: Timestamp
    /// The index contains the log up to here.
    let head: Position
    /// Whether the requests of an input are executed after it.
    let executes: Bool

    private var instances: InstanceStore<Manager> { runner.instances }
    private typealias Instance = ProcessInstance<Manager>

    /// Handles the rows of a kind of an instance, in the order of the log. Returns whether there was work.
    ///
    /// After inputs, the requests that they lead to are executed without waiting for the index. A failure ends it, so
    /// that no row overtakes the one that failed, and postpones the rows of this kind.
    func work(on key: String, _ kind: WorkKind) async -> Bool {
        var row: WorkRow?
        var latest: Instance?
        do {
            let rows = try await list.first(kind, of: key, through: head, limit: runner.options.page)
            if rows.isEmpty { return false }
            row = rows.first
            if kind == .request { return try await requests(of: key, rows) }
            for next in rows {
                row = next
                if kind == .act {
                    if try await !act(next) { return false }
                } else if try await !input(next, &latest) {
                    return false
                }
            }
        } catch {
            return await failed(key, kind, row, error)
        }
        do {
            if executes, let latest, latest.openRequest != nil { _ = try await requests(of: key, from: latest) }
        } catch {
            return await failed(key, .request, nil, error)
        }
        return true
    }

    /// Postpones the rows of a kind of an instance after a failure, or parks the instance if a retry cannot help.
    private func failed(_ key: String, _ kind: WorkKind, _ row: WorkRow?, _ error: any Error) async -> Bool {
        if error is CancellationError { return false }
        do {
            switch error {
            case is UnknownStep: runner.counters.withLock { $0.unknownSteps += 1 }
            // Each conflict is progress of another writer, so the next pass tries it again.
            case is ProcessBusy: return true
            case _ where kind != .act && Self.isPoison(error):
                try await park(key, kind == .request ? nil : row?.id, "\(error)")
                return true
            default: runner.counters.withLock { $0.failure = "\(error)" }
            }
            let pause = runner.pause(
                after: (row?.attempts ?? 0) + 1, from: .milliseconds(100), to: runner.options.longestPause)
            let now = try await runner.time.current(within: runner.options.pollInterval)
            let time = now.advanced(byMicroseconds: pause.wholeMicroseconds)
            try await list.postpone(kind, of: key, to: time, after: error)
        } catch {
            // The read model or the store does not answer. The next pass finds the same rows and reports it.
            runner.counters.withLock { $0.failure = "\(error)" }
        }
        return false
    }

    /// Whether the same input fails again: not a store that does not answer, and not a conflict.
    private static func isPoison(_ error: any Error) -> Bool {
        switch error {
        case is UnknownEventType, is NewerEventVersion, is DamagedPayload, is UnstorableEvent, is InvalidRequest,
            is CommandIDConflict, is JSONSyntaxError, is DecodingError, is EncodingError:
            true
        default: false
        }
    }

    private func park(_ key: String, _ input: EventID?, _ reason: String) async throws {
        // The state may be unreadable, so the record needs the revision only.
        var instance = Instance(key: key)
        instance.revision = try await runner.store.stream(instance.stream)?.revision ?? .none
        let condition = instance.isUnchanged
        if try await instances.append(try instance.park(input, reason), of: instance, if: condition) {
            try await list.shelve(key)
        }
    }

    // MARK: Inputs

    /// Handles an event of the source. Returns `false` if the instance takes no further input now.
    ///
    /// - Parameter latest: becomes the instance after the append.
    private func input(_ row: WorkRow, _ latest: inout Instance?) async throws -> Bool {
        guard let event = try await runner.store.event(row.id) else {
            throw StoreError(.corrupt, "the index has event \(row.id), which the log does not have: rebuild the index.")
        }
        let parts = try instances.parts(of: event, for: row.key)
        let correlations = parts.map { Manager.correlate($0) }
        while true {
            try Task.checkCancellation()
            var instance = try await instances.load(row.key)
            if instance.parked != nil {
                try await list.shelve(row.key)
                return false
            }
            let condition = instance.isUnchanged
            let isRecorded = try await instances.isRecorded(event, in: instance)
            switch try instance.receive(
                event, parts, correlations, hopLimit: runner.options.hopLimit,
                reacts: event.position > runner.options.reactsAfter, isRecorded: isRecorded)
            {
            case .records(let records):
                if try await instances.append(records, of: instance, if: condition) {
                    latest = instance
                    return instance.parked == nil
                }
            case .known:
                try await list.remove(row)
                return true
            case .early(let mayWait):
                if mayWait {
                    try await list.hold(row)
                } else {
                    runner.counters.withLock { $0.earlyEvents += 1 }
                    try await list.remove(row)
                }
                return true
            case .busy:
                let now = try await runner.time.current(within: runner.options.pollInterval)
                try await list.postpone(.input, of: row.key, to: now.advanced(byMicroseconds: 100_000))
                return false
            }
        }
    }

    // MARK: Acts

    /// Executes an act of an operator.
    private func act(_ row: WorkRow) async throws -> Bool {
        while true {
            try Task.checkCancellation()
            var instance = try await instances.load(row.key)
            let condition = instance.isUnchanged
            let records = try instance.obey(row.id)
            if records.isEmpty {
                try await list.remove(row)
                return true
            }
            if try await instances.append(records, of: instance, if: condition) { return true }
        }
    }

    // MARK: Requests

    /// Executes the open requests of an instance, in the order in which they were planned, also those that follow from
    /// their results, up to a page of them. Returns `false` if the instance is parked.
    private func requests(of key: String, _ rows: [WorkRow] = [], from latest: Instance? = nil) async throws -> Bool {
        var instance: Instance
        if let latest { instance = latest } else { instance = try await instances.load(key) }
        for row in rows where instance.steps[row.id]?.outcome.isSettled != false { try await list.remove(row) }
        var conflicts = 0
        for _ in 0..<max(1, runner.options.page) {
            try Task.checkCancellation()
            guard let step = instance.openRequest else { return true }
            if instance.parked != nil {
                try await list.shelve(key)
                return false
            }
            if try await execute(runner.requests(try decoded(step, of: key)), step, of: &instance) { continue }
            conflicts += 1
            if conflicts == 10 { throw ProcessBusy(stream: Manager.stream(of: key)) }
            instance = try await instances.load(key)
        }
        return true
    }

    private func decoded(_ step: PlannedStep, of key: String) throws -> Manager.Request {
        do {
            return try step.payload.decoded(as: Manager.Request.self)
        } catch {
            throw UnknownStep(process: Manager.name, key: key, step: "\(step.payload)", cause: error)
        }
    }

    /// Executes a command and records its result. Returns `false` if it must be decided again, on a loaded instance.
    private func execute(
        _ command: ProcessCommand, _ step: PlannedStep, of instance: inout Instance
    ) async throws -> Bool {
        let condition = instance.isUnchanged
        let id = instance.command(of: step)
        let metadata = step.context
        guard try await runner.isSameStore(command.store) else {
            let result = try await command.execute(id, metadata)
            return try await instances.append(try instance.settle(step.id, result), of: instance, if: condition)
        }
        switch try await command.propose(id, metadata) {
        case .accepted(let proposal):
            let records = try instance.settle(step.id, .accepted)
            return try await instances.append(
                records, of: instance, with: proposal.entries, if: proposal.condition.and(condition))
        case .refused(let reason):
            let records = try instance.settle(step.id, .refused(reason: reason))
            return try await instances.append(records, of: instance, if: condition)
        }
    }

    // MARK: Deadlines

    /// Fires due deadlines of an instance. Returns whether one fired.
    ///
    /// - Parameter letters: the streams whose events are dead letters of the index. The instance of such an event is
    ///   not known: one that has its key in the name of the stream may be the one.
    func fire(_ rows: [WorkRow], _ letters: [StreamID]) async -> Bool {
        var didFire = false
        for row in rows {
            do {
                if try await fire(row, letters) { didFire = true }
            } catch is CancellationError {
                return didFire
            } catch {
                _ = await failed(row.key, .deadline, row, error)
                return didFire
            }
        }
        return didFire
    }

    private func fire(_ row: WorkRow, _ letters: [StreamID]) async throws -> Bool {
        var instance = try await instances.load(row.key)
        guard let deadline = instance.waiting.values.first(where: { $0.id == row.id }), let due = deadline.due else {
            try await list.remove(row)
            return true
        }
        if instance.parked != nil {
            try await list.shelve(row.key)
            return false
        }
        if due > now {
            try await list.postpone(row, to: due)
            return false
        }
        let unread = try await list.first(.input, of: row.key, through: head, limit: 1)
        let hasDeadLetters = letters.contains {
            instance.streams.contains($0) || $0.key.hasSameBytes(as: row.key)
        }
        if !unread.isEmpty || hasDeadLetters {
            runner.counters.withLock { $0.heldDeadlines += 1 }
            try await list.postpone(row, to: now.advanced(byMicroseconds: 100_000))
            return false
        }
        let condition = instance.isUnchanged
        guard try await instances.append(try instance.fire(row.id), of: instance, if: condition) else { return true }
        runner.counters.withLock { counters in
            counters.fired += 1
            let lateness = Duration.microseconds(now.microseconds(since: due))
            counters.lateness = max(counters.lateness, lateness)
            counters.recentLateness = max(counters.recentLateness, lateness)
        }
        return true
    }
}

/// Other writers appended to the target or the instance each time that a request was decided.
struct ProcessBusy: Error, CustomStringConvertible {
    let stream: StreamID
    var description: String { "a request of \(stream) conflicted with other appends ten times; it is retried." }
}

extension PlannedStep {
    /// The metadata of the events that the step causes in the log.
    var context: Metadata {
        var context = metadata
        context.causationID = id.description
        context.commandID = nil
        return context
    }
}

extension ProcessRunner {
    /// Whether a store has the same log as the instances, so that one append can write to both.
    func isSameStore(_ other: any EventStore) async throws -> Bool {
        if type(of: other) is AnyClass, type(of: store) is AnyClass, (other as AnyObject) === (store as AnyObject) {
            return true
        }
        return try await other.storeID() == store.storeID()
    }
}
