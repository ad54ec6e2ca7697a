import Sillok
import SillokCore

// What operators want, and what follows from it.
extension ProcessInstance {
    /// Executes an act that was requested in the stream. Returns no records if it has ended.
    package mutating func obey(_ request: EventID) throws -> [EventData] {
        guard let requested = acts[request] else { return [] }
        var draft = Draft(self, input: .act(request), cause: requested.metadata, id: request)
        let refusal = try draft.execute(requested.act, reason: requested.metadata.reason ?? "")
        try draft.compensate()
        try draft.add(.actEnded(act: request, refusal: refusal))
        return adopt(draft)
    }
}

extension Draft {
    /// Adds the records of an act. Returns why it has no effect; `nil` if it has one.
    fileprivate mutating func execute(_ act: ProcessAct, reason: String) throws -> String? {
        switch act {
        case .retry: return nil
        case .skip(let step): return try skip(step, reason: reason)
        case .adopt(let step):
            if instance.parked != nil { return "The instance is parked. Release it first." }
            guard instance.waiting.values.contains(where: { $0.id == step }) else {
                return "The instance has no waiting deadline \(step)."
            }
            for input in try add(.deadlineFired(step: step)) { try answer(input, recordedAt: nil, reacts: false) }
        case .answer(let step, let result):
            guard let planned = instance.steps[step], planned.kind == .effect, !planned.outcome.isSettled else {
                return "The instance has no open effect \(step)."
            }
            try follow(.effectDone(step: step, result: result.limited))
        case .release, .skipInput:
            guard instance.parked != nil else { return "The instance is not parked." }
            if act == .skipInput {
                guard let input = instance.parkedInput else { return "No event parked the instance. Release it." }
                try add(.inputSkipped(event: input))
            }
            try follow(.released(reason: reason.limited))
        case .end:
            guard instance.status == .running else { return "The instance does not run." }
            try unpark(reason)
            try add(.completed(reason: reason.limited))
        case .undo:
            if instance.status == .unknown { return "The instance was never started." }
            if instance.isCompensating { return "The steps of the instance are being undone already." }
            try unpark(reason)
            try add(.compensationStarted(reason: reason.limited))
            if instance.status == .running { try add(.completed(reason: reason.limited)) }
        }
        return nil
    }

    /// Releases a parked instance that is about to end. The state takes the results that waited, without reactions.
    private mutating func unpark(_ reason: String) throws {
        if instance.parked == nil { return }
        for input in try add(.released(reason: reason.limited)) { instance.state.evolve(input) }
    }

    private mutating func skip(_ step: EventID, reason: String) throws -> String? {
        let reason = "skipped by an operator: \(reason)".limited
        if let deadline = instance.waiting.values.first(where: { $0.id == step }) {
            try add(.deadlineCancelled(deadline: deadline.deadline, step: step))
            return nil
        }
        guard let planned = instance.steps[step], !planned.outcome.isSettled else {
            return "The instance has no open step \(step)."
        }
        switch planned.kind {
        case .request: try follow(.requestRefused(step: step, reason: reason))
        case .effect: try follow(.effectFailed(step: step, reason: reason))
        }
        return nil
    }
}
