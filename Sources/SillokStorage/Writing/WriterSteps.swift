package import SillokCore
package import SillokIndex

/// The steps that the thread that appends may spend on conditions. It leaves the others to readers.
package struct WriterSteps {
    /// The steps for one condition.
    private let single: Int
    /// The steps for all conditions of a group.
    private let group: Int
    /// The steps that conditions of the group may still use.
    package private(set) var left = 0

    /// - Parameters:
    ///   - single: the steps for one condition.
    ///   - group: the steps for all conditions of a group.
    package init(single: Int, group: Int) { (self.single, self.group) = (single, group) }

    /// Begins a group.
    package mutating func renew() { left = group }

    /// Returns whether a condition holds; `false` if the check takes too many steps here.
    ///
    /// A condition that was not judged before gets few steps, and all conditions of a group share a number of them. For
    /// a condition that was judged before, only the latest events are left. It gets enough steps for one lookup of each
    /// of its terms, and twice as many each time it comes back. So it is decided however fast others append.
    package mutating func allow(
        _ prepared: PreparedAppend, in log: any ConditionLog, head: Int64, limits: Limits
    ) throws -> Bool {
        let condition = prepared.condition
        let isFirst = condition.heldThrough == nil
        let least = single + 4 * condition.terms
        let more = max(least, min(least << prepared.rounds, limits.conditionSteps))
        let steps = isFirst ? min(single, max(left, 50)) : more
        let budget = StepBudget(steps: steps)
        defer { if isFirst { left -= budget.used } }
        switch try ConditionJudge(log, head: head, limits: limits, budget).verdict(on: condition, isWhole: isFirst) {
        case .holds: return true
        case .conflict(let conflict): throw conflict
        case .undecided: return false
        }
    }
}
