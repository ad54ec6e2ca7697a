public import Sillok
import SillokCore
public import SillokProcessMachine
import SillokProjections
import SillokSQL

// What an operator does with an instance. Each act is a record with a reason; the actor is that of `Metadata.current`.
extension ProcessRunner {
    /// Lets a parked instance continue. If it was parked because of ``ProcessOptions/hopLimit``, the event that parked
    /// it is handled this time.
    ///
    /// - Returns: `false` if the instance is not parked.
    @discardableResult
    public func release(_ key: String, reason: String) async throws -> Bool {
        let act: EventID = options.ids.next()
        return try await operate(on: key) { try $0.release(act, reason: reason, by: Self.cause(reason)) }
    }

    /// Ends a running instance, and undoes its executed steps if wanted.
    ///
    /// - Returns: `false` if the instance does not run.
    @discardableResult
    public func end(_ key: String, compensating: Bool, reason: String) async throws -> Bool {
        let act: EventID = options.ids.next()
        return try await operate(on: key) {
            try $0.end(act, reason: reason, compensating: compensating, by: Self.cause(reason))
        }
    }

    /// Settles an effect whose outcome is unknown, after the operator has found out what happened.
    ///
    /// - Parameters:
    ///   - idempotencyKey: the key of the effect, as the other side and ``EffectAttempt`` know it.
    ///   - key: the instance.
    ///   - result: what happened.
    /// - Returns: `false` if the effect was settled before, or the instance has no such effect.
    @discardableResult
    public func settle(_ idempotencyKey: EventID, of key: String, as result: EffectResult) async throws -> Bool {
        try await operate(on: key) { try $0.settle(idempotencyKey, result) }
    }

    /// Returns the state of an instance; `nil` if it was never started.
    public func state(of key: String) async throws -> Manager? {
        let instance = try await instances.load(key)
        return instance.status == .unknown ? nil : instance.state
    }

    private static func cause(_ reason: String) -> Metadata {
        Metadata(actor: Metadata.current.actor, reason: reason)
    }

    private func operate(
        on key: String, _ act: (inout ProcessInstance<Manager>) throws -> [EventData]
    ) async throws -> Bool {
        while true {
            try Task.checkCancellation()
            var instance = try await instances.load(key)
            let condition = instance.isUnchanged
            let records = try act(&instance)
            if records.isEmpty { return false }
            if try await instances.append(records, of: instance, if: condition) { return true }
        }
    }
}

/// The state of the work of a process.
public struct ProcessStatus: Hashable, Sendable {
    /// The number of instances by state: `running`, `compensating`, `completed`, and `parked` for those that need an
    /// operator.
    public let instances: [String: Int]

    /// The number of waiting rows by kind: `input`, `held`, `request`, `effect:<name>`, `unknown`, `deadline`, `act`.
    public let waiting: [String: Int]

    /// How long ago the oldest waiting deadline was due, by the store's time; zero if none is overdue.
    public let overdue: Duration

    /// The longest time by which a deadline fired too late, since this runner started.
    public let greatestLateness: Duration

    /// How often this runner found a step that its build does not know, and left the step to a build that does.
    public let unknownSteps: Int

    /// The number of events that this runner ignored, because their instance was never started and they could not
    /// start it.
    public let earlyEvents: Int

    /// The greatest number of records of an instance that this runner has loaded. With many thousands, end the instance
    /// and let the next event start it again.
    public let longestInstance: UInt64

    /// The kinds of effects that are paused because their calls keep failing.
    public let pausedKinds: [PausedKind]

    /// How often a call of this runner failed and was made again, or will be.
    public let retries: Int

    /// The last failure of the store, the read model, a target or a call; `nil` after a pass without one.
    public let failure: String?
}

extension ProcessRunner {
    /// Returns the state of the work.
    public func status() async throws -> ProcessStatus {
        guard let build = projector.liveBuild else {
            throw StoreError(.notFound, "the index of \(Manager.name) has not been made: call prepare() first.")
        }
        let (model, tables) = (projector.readModel, index.tables)
        let states = try await model.rows(
            """
            SELECT state AS name, CAST(SUM(number) AS BIGINT) AS number FROM \(table: tables.counts) GROUP BY state
            HAVING SUM(number) > 0
            """, of: build)
        let kinds = try await model.rows(
            "SELECT kind AS name, COUNT(*) AS number FROM \(table: tables.work) GROUP BY kind", of: build)
        let oldest = try await model.rows(
            "SELECT MIN(due) AS due FROM \(table: tables.work) WHERE kind = 'deadline'", of: build)
        let now = time.estimate
        let late = oldest.first?["due"].integer.flatMap { due in
            now?.microseconds(since: Timestamp(microsecondsSince1970: due))
        }
        let paused = try await PausedKinds(model: model, tables: tables, build: build).all()
        let counters = counters.withLock { $0 }
        return ProcessStatus(
            instances: try counts(states), waiting: try counts(kinds), overdue: .microseconds(max(0, late ?? 0)),
            greatestLateness: counters.lateness, unknownSteps: counters.unknownSteps,
            earlyEvents: counters.earlyEvents, longestInstance: self.instances.cache.longest.value,
            pausedKinds: paused, retries: counters.retries, failure: counters.failure)
    }

    private func counts(_ rows: [SQLRow]) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for row in rows { counts[try row.text("name")] = try row.count("number") }
        return counts
    }
}
