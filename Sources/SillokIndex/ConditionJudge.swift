package import SillokCore

/// The questions about one state of the log that a store must answer to judge conditions.
package protocol ConditionLog: TermIndex {
    /// Returns the revision of a stream.
    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision
    /// Returns the position of the first event of a stream after a revision, or `nil`.
    func position(after revision: Revision, of stream: StreamID) throws -> Int64?
    /// Returns the event at a position.
    func event(at position: Int64) throws -> RecordedEvent
}

/// The judge of whether conditions hold at the head of a log, within a number of steps.
package struct ConditionJudge {
    /// The result of judging a condition.
    package enum Verdict {
        case holds
        case conflict(AppendConflict)
        /// The steps ran out. The part used most of them; `nil` means the expected revisions.
        case undecided(JudgedCondition.Part?)
    }

    private let log: any ConditionLog
    private let head: Int64
    private let limits: Limits
    private let budget: StepBudget

    /// - Parameters:
    ///   - log: the log, which does not change while conditions are judged.
    ///   - head: its last position.
    ///   - budget: the steps for all conditions. A conflict may use as many again to collect its events.
    package init(_ log: any ConditionLog, head: Int64, limits: Limits, _ budget: StepBudget) {
        self.log = log
        self.head = head
        self.limits = limits
        self.budget = budget
    }

    /// The steps that a conflict may use at least to collect the events that it shows: half a millisecond.
    private static let shownSteps = 2_000

    /// Judges a condition.
    ///
    /// - Parameter isWhole: whether a conflict must list every part that is broken. If the steps do not suffice for
    ///   that, the condition is undecided.
    /// - Throws: `CancellationError` if the caller no longer waits, or an error of the storage.
    package func verdict(on condition: JudgedCondition, isWhole: Bool = false) throws -> Verdict {
        if let held = condition.heldThrough, held >= head { return .holds }
        guard let streams = try mismatches(condition, isWhole) else { return .undecided(nil) }
        var walks: [Walk] = []
        var isBroken = !streams.isEmpty
        var heaviest: (steps: Int, part: JudgedCondition.Part?) = (budget.used, nil)
        for part in condition.parts {
            let bound = max(part.since, condition.heldThrough ?? 0).addingSaturated(1)
            guard bound <= head else { continue }
            let before = budget.used
            let plan = QueryPlan([part.item], .forward, log, budget)
            let finding = try seek(plan, part.item, bound)
            if budget.used - before >= heaviest.steps { heaviest = (budget.used - before, part) }
            switch finding {
            case .match(let place) where place <= head:
                isBroken = true
                walks.append(Walk(plan: plan, item: part.item, bound: bound))
            case .open(let place) where place <= head:
                if !isBroken || isWhole { return .undecided(heaviest.part) }
            default: continue
            }
        }
        guard isBroken else { return .holds }
        budget.renew(atLeast: Self.shownSteps)
        return .conflict(
            AppendConflict(
                streams: streams, events: causes(streams, walks), head: Position(UInt64(clamping: head))))
    }

    /// Returns the first place from `bound` on whose event matches. If the index is not exact, the events decide.
    private func seek(_ plan: QueryPlan, _ item: EventQuery.Item, _ bound: Int64) throws -> Finding {
        var finding = try plan.seek(bound, limit: head)
        while !log.isExact, case .match(let place) = finding, place <= head {
            try budget.spend(StepBudget.event)
            if item.matches(try log.event(at: place)) { break }
            if budget.isExhausted { return .open(place + 1) }
            finding = try plan.seek(place + 1, limit: head)
        }
        return finding
    }

    /// Returns the streams whose revisions are not the expected ones, or `nil` if the steps ran out first.
    private func mismatches(
        _ condition: JudgedCondition, _ isWhole: Bool
    ) throws -> [StreamID: AppendConflict.RevisionMismatch]? {
        var found: [StreamID: AppendConflict.RevisionMismatch] = [:]
        for (stream, expected) in condition.revisions {
            if budget.isExhausted { return isWhole || found.isEmpty ? nil : found }
            if let held = condition.heldThrough, try !hasChanged(stream, since: held) { continue }
            let actual = try log.revision(of: stream, budget)
            if actual != expected { found[stream] = .init(expected: expected, actual: actual) }
        }
        return found
    }

    private func hasChanged(_ stream: StreamID, since position: Int64) throws -> Bool {
        guard let source = try log.positions(of: .stream(stream), budget) else { return false }
        var first: [Int64] = []
        try budget.spend(source.read(from: position.addingSaturated(1), .forward, limit: 1, into: &first) + 1)
        return !first.isEmpty
    }

    /// Returns the first events that broke a condition, in the order of the log.
    ///
    /// A conflict is certain here, so it shows fewer events if the steps run out or an event cannot be read.
    private func causes(
        _ streams: [StreamID: AppendConflict.RevisionMismatch], _ broken: [Walk]
    ) -> [RecordedEvent] {
        var walks = broken
        for (stream, mismatch) in streams {
            guard let place = try? log.position(after: mismatch.expected, of: stream) else { continue }
            let item = EventQuery.Item(stream: stream)
            walks.append(Walk(plan: QueryPlan([item], .forward, log, budget), item: item, bound: place))
        }
        return limits.shownInConflict(MergedWalks(walks: walks, log: log, head: head, budget: budget))
    }
}

/// A plan and how far the search along it has come.
private struct Walk {
    let plan: QueryPlan
    let item: EventQuery.Item
    var bound: Int64
}

/// The events of several walks in the order of the log, each once.
private struct MergedWalks: Sequence, IteratorProtocol {
    var walks: [Walk]
    let log: any ConditionLog
    let head: Int64
    let budget: StepBudget
    private var isFirst = true

    init(walks: [Walk], log: any ConditionLog, head: Int64, budget: StepBudget) {
        self.walks = walks
        self.log = log
        self.head = head
        self.budget = budget
    }

    /// Returns the next event. Ends where a lack of steps makes the order uncertain, but not before the first event.
    mutating func next() -> RecordedEvent? {
        while let best = try? nearest(), (try? budget.spend(StepBudget.event + walks.count)) != nil,
            let event = try? log.event(at: best)
        {
            let isShown = log.isExact || walks.contains { $0.bound <= best && $0.item.matches(event) }
            for index in walks.indices where walks[index].bound <= best { walks[index].bound = best + 1 }
            guard isShown else { continue }
            isFirst = false
            return event
        }
        return nil
    }

    private func nearest() throws -> Int64? {
        var best: Int64?
        var isCertain = true
        for walk in walks {
            switch try walk.plan.seek(walk.bound, limit: best ?? head) {
            case .match(let place) where place <= head: best = Swift.min(best ?? place, place)
            case .open(let place) where place <= best ?? head: isCertain = false
            default: continue
            }
        }
        return isCertain || isFirst ? best : nil
    }
}

extension EventQuery.Item {
    fileprivate func matches(_ event: RecordedEvent) -> Bool {
        matches(stream: event.stream, type: event.type, tags: event.tags)
    }
}
