public import SillokCore
public import SillokProcesses
public import SillokReadSide
import SillokSQL

/// An act of an operator that was recorded, and what became of it.
public struct ProcessActReport: Hashable, Sendable {
    /// What the runner of the process did.
    public enum Outcome: Hashable, Sendable {
        /// It has not executed the act yet.
        case waiting
        /// It has executed the act. A `retry` is done once it is recorded, before the work is tried again.
        case done
        /// It did nothing, for this reason.
        case refused(reason: String)
    }

    /// The id of the record of the act.
    public let id: EventID
    /// The position of the record.
    public let position: Position
    /// The act.
    public let act: ProcessAct
    /// What became of it.
    public let outcome: Outcome
}

extension ProcessOperations {
    /// Lets the runner try work again now, without the rest of the pause. The attempts are counted from 1 again.
    ///
    /// An effect whose outcome is unknown is called again under its idempotency key. Do this only if the other side
    /// still knows the key: otherwise it executes the effect twice.
    /// - Parameters:
    ///   - work: the id of the step, or of the event for an input.
    ///   - key: the key of the instance.
    ///   - process: the name of the process.
    ///   - whom: the operator, recorded with the act.
    /// - Throws: ``ProcessRefusal`` if the instance has no such open work; `StoreError`, `AppendError`.
    @discardableResult
    public func retry(
        _ work: EventID, of key: String, in process: String, by whom: Operator
    ) async throws -> ProcessActReport { try await request(.retry(step: work), of: key, in: process, by: whom) }

    /// Settles a step without executing it: a request is refused, an effect has failed, a deadline is cancelled.
    ///
    /// If a call of the effect is under way, its result is lost. Find out first what became of it.
    @discardableResult
    public func skip(
        _ step: EventID, of key: String, in process: String, by whom: Operator
    ) async throws -> ProcessActReport { try await request(.skip(step: step), of: key, in: process, by: whom) }

    /// Settles an effect as executed, with a result that the operator has found out.
    @discardableResult
    public func answer(
        _ step: EventID, with result: String, of key: String, in process: String, by whom: Operator
    ) async throws -> ProcessActReport {
        try await request(.answer(step: step, result: result), of: key, in: process, by: whom)
    }

    /// Lets a parked instance continue. The input that parked it is handled again, or skipped.
    @discardableResult
    public func release(
        _ key: String, in process: String, skippingInput: Bool = false, by whom: Operator
    ) async throws -> ProcessActReport {
        try await request(skippingInput ? .skipInput : .release, of: key, in: process, by: whom)
    }

    /// Ends a running instance. Its deadlines are cancelled; requests and effects that were recorded are executed.
    @discardableResult
    public func end(_ key: String, in process: String, by whom: Operator) async throws -> ProcessActReport {
        try await request(.end, of: key, in: process, by: whom)
    }

    /// Undoes the executed steps of an instance, the last one first, and ends it if it runs.
    @discardableResult
    public func undo(_ key: String, in process: String, by whom: Operator) async throws -> ProcessActReport {
        try await request(.undo, of: key, in: process, by: whom)
    }

    /// Lets a paused kind of effect continue. The runner calls its waiting effects in its next pass. Effects that have
    /// failed are called when their own pauses end. If the calls keep failing, the runner pauses the kind again.
    ///
    /// This act is not recorded in an instance. It changes the read model, whose audit names the operator.
    /// - Parameters:
    ///   - kind: the name of the case of the effect.
    ///   - process: the name of the process.
    ///   - whom: the operator, recorded with the act.
    /// - Throws: ``ProcessRefusal`` if the kind is not paused; `StoreError`.
    public func resume(effects kind: String, of process: String, by whom: Operator) async throws {
        let pauses = try await index(of: process).pauses
        guard try await pauses.all().contains(where: { $0.kind.hasSameBytes(as: kind) }) else {
            throw ProcessRefusal(missing: "\(process) has no paused kind of effect \(kind).")
        }
        try await pauses.remove(kind, by: whom, at: wallClock.now())
    }

    /// Records an act, which the runner of the process executes in its next pass.
    ///
    /// - Throws: ``ProcessRefusal`` if the instance does not exist, or has no such open work; `StoreError`,
    ///   `AppendError`.
    public func request(
        _ act: ProcessAct, of key: String, in process: String, by whom: Operator
    ) async throws -> ProcessActReport {
        let detail = try await instance(key, of: process)
        try check(act, on: detail, process)
        let id: EventID = ids.next()
        let event = try ProcessRecord.coding.encode(
            .actRequested(act: act), id: id, metadata: Metadata(actor: whom.name, reason: whom.reason))
        let receipt = try await store.append([event], to: detail.stream)
        return ProcessActReport(
            id: id, position: receipt.position, act: act, outcome: act.isRetry ? .done : .waiting)
    }

    /// Returns what became of an act.
    ///
    /// - Throws: ``ProcessRefusal`` if there is no such act.
    public func report(of act: EventID) async throws -> ProcessActReport {
        guard let event = try await store.event(act), let stream = event.stream,
            case .actRequested(let requested)? = try ProcessRecord.coding.decode(event).first
        else { throw ProcessRefusal(missing: "The log has no act \(act).") }
        func report(_ outcome: ProcessActReport.Outcome) -> ProcessActReport {
            ProcessActReport(id: act, position: event.position, act: requested, outcome: outcome)
        }
        if requested.isRetry { return report(.done) }
        let ends = EventQuery.stream(stream).of("actEnded")
        for try await page in store.pages(ReadRequest(ends, after: .position(event.position))) {
            for end in page.events {
                guard case .actEnded(act, let refusal)? = try ProcessRecord.coding.decode(end).first else { continue }
                return report(refusal.map { .refused(reason: $0) } ?? .done)
            }
        }
        return report(.waiting)
    }

    /// Throws if an act has no effect on an instance. The runner decides again when it executes the act.
    private func check(_ act: ProcessAct, on instance: InstanceDetail, _ process: String) throws(ProcessRefusal) {
        let (key, state) = (instance.summary.key, instance.summary.state)
        switch act {
        case .retry(let id), .skip(let id), .answer(let id, _):
            // The list of the work may be cut, and then the runner decides.
            guard let work = instance.work.first(where: { $0.id == id }) else {
                if instance.work.count == InstanceDetail.workLimit { return }
                throw ProcessRefusal(
                    missing: "\(process) \(key) has no open work \(id). Look at the instance: it may be done already.")
            }
            try check(act, on: work, process)
        case .adopt:
            throw ProcessRefusal("Only the application adopts deadlines, when they are overdue: see resolveOverdue.")
        case .release, .skipInput:
            if state == .parked { return }
            throw ProcessRefusal("\(process) \(key) is not parked.")
        case .end where state == .completed, .undo where state == .compensating:
            throw ProcessRefusal("\(process) \(key) is \(state.rawValue) already.")
        case .end, .undo:
            if state == .notStarted { throw ProcessRefusal("\(process) \(key) was never started.") }
        }
    }

    private func check(_ act: ProcessAct, on work: ProcessWork, _ process: String) throws(ProcessRefusal) {
        let place = "\(process) \(work.key)"
        switch (act, work.kind) {
        case (.retry, _) where work.isHeldByParking:
            throw ProcessRefusal("\(place) is parked. Release it first.")
        case (.answer, .effect), (.answer, .unknown), (.skip, .effect), (.skip, .unknown), (.skip, .request),
            (.skip, .deadline), (.retry, _):
            return
        case (.answer, _): throw ProcessRefusal("\(work.id) of \(place) is no effect, so it takes no answer.")
        default:
            throw ProcessRefusal(
                "\(work.id) of \(place) is no step and cannot be skipped. An event that parked its instance is skipped "
                    + "when the instance is released.")
        }
    }
}
