public import Sillok
import SillokCore
public import SillokProcessMachine
public import SillokProjections
import SillokSQL

/// A deadline whose time has passed, and which has not fired yet.
public struct OverdueDeadline<Manager: ProcessManager>: Sendable {
    /// The key of the instance.
    public let key: String
    /// The deadline.
    public let deadline: Manager.Deadline
    /// When it was due.
    public let due: Timestamp
}

/// What becomes of deadlines that are overdue when a process goes live.
public enum OverdueAction: Hashable, Sendable {
    /// They fire at different times from now on, within this time. A rebuild of the index forgets it.
    case spread(over: Duration)
    /// They are cancelled, with a record. The process gets no input.
    case drop
    /// They count as passed, with a record. The state of the process gets them as inputs. Of the steps that follow,
    /// only `.complete` is executed. Use it if the process replaces a program that has done the other steps.
    case adopt
}

// Before a process goes live on an old log, or after a long time without a runner.
extension ProcessRunner {
    /// Returns deadlines that are overdue, partition by partition. In each partition the longest overdue comes first,
    /// and each returns at most its share of `limit`.
    ///
    /// Inputs are handled first, so that their deadlines are known. Nothing is executed, and no deadline fires. Cannot
    /// be called while ``run()`` runs.
    public func overdueDeadlines(limit: Int = 100) async throws -> [OverdueDeadline<Manager>] {
        let (list, now) = try await handleInputs()
        let rows = try await list.due(.deadline, Array(0..<options.partitions), at: now, limit: limit)
        var found: [OverdueDeadline<Manager>] = []
        for row in rows.prefix(max(0, limit)) {
            let instance = try await instances.load(row.key)
            guard let waiting = instance.waiting.values.first(where: { $0.id == row.id }), let due = waiting.due else {
                continue
            }
            do {
                let deadline = try waiting.deadline.decoded(as: Manager.Deadline.self)
                found.append(OverdueDeadline(key: row.key, deadline: deadline, due: due))
            } catch {
                throw UnknownStep(process: Manager.name, key: row.key, step: "\(waiting.deadline)", cause: error)
            }
        }
        return found
    }

    /// Decides what becomes of all deadlines that are overdue now. Without this, ``run()`` fires all of them at once.
    ///
    /// Cannot be called while ``run()`` runs.
    /// - Parameters:
    ///   - action: what becomes of them.
    ///   - reason: why, for the record. The actor is that of `Metadata.current`.
    /// - Returns: the number of deadlines.
    @discardableResult
    public func resolveOverdue(by action: OverdueAction, reason: String) async throws -> Int {
        let (list, now) = try await handleInputs()
        var count = 0
        for shard in 0..<options.partitions {
            while true {
                try Task.checkCancellation()
                let rows = try await list.due(.deadline, [shard], at: now, limit: options.page)
                if rows.isEmpty { break }
                for row in rows {
                    switch action {
                    case .spread(let duration): try await list.postpone(row, to: now.spread(row.id, over: duration))
                    case .drop: try await request(.skip(step: row.id), row, list, now, reason: reason)
                    case .adopt: try await request(.adopt(step: row.id), row, list, now, reason: reason)
                    }
                }
                count += rows.count
            }
        }
        if action == .drop || action == .adopt { _ = try await handleInputs() }
        return count
    }

    /// Requests an act on a deadline. Until it is executed, the deadline is not proposed.
    private func request(
        _ act: ProcessAct, _ row: WorkRow, _ list: WorkList, _ now: Timestamp, reason: String
    ) async throws {
        guard try await instances.load(row.key).waiting.values.contains(where: { $0.id == row.id }) else {
            return try await list.remove(row)
        }
        try await list.postpone(row, to: now.advanced(byMicroseconds: 60_000_000))
        let request = ProcessRecord.actRequested(act: act)
        let metadata = Metadata(actor: Metadata.current.actor, reason: reason)
        let data = try ProcessRecord.coding.encode(request, id: options.ids.next(), metadata: metadata)
        try await store.append([data], to: Manager.stream(of: row.key))
    }

    /// Handles all inputs and acts, and executes nothing else.
    private func handleInputs() async throws -> (WorkList, Timestamp) {
        try await prepare()
        let pass = Pass(
            runner: self, refresh: { _ in try await self.projector.catchUp() }, readsTime: true, executes: false)
        while try await pass.run(Array(0..<options.partitions), { _ in }).didWork {}
        guard let build = projector.liveBuild else {
            throw StoreError(.notFound, "the index of \(Manager.name) has no live build: call prepare() first.")
        }
        return (WorkList(model: projector.readModel, tables: index.tables, build: build), try await time.read())
    }
}

extension Timestamp {
    /// Returns a later time within a duration, which follows from an id.
    fileprivate func spread(_ id: EventID, over duration: Duration) -> Timestamp {
        let whole = UInt64(max(1, duration.wholeMicroseconds))
        return advanced(byMicroseconds: Int64(id.low % whole) + 1)
    }
}

extension ProcessRunner: RunnableProjection {
    /// The operations on the projections of the index's read model. The index is the projection `process_` and the name
    /// of the process.
    public var readSide: ReadSide { projector.readSide.in(model) }
}
