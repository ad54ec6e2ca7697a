/// The places of a plan between two places, one after the other, until the steps are used up.
package struct PlaceSearch {
    private let plan: QueryPlan
    private let last: Int64
    private let first: Int64
    private let budget: StepBudget
    private var bound: Int64
    /// The last place that was looked at, once the steps are used up.
    package private(set) var end: Int64?

    package init(_ plan: QueryPlan, from first: Int64, through last: Int64, _ budget: StepBudget) {
        self.plan = plan
        (self.first, self.last) = (first, last)
        self.budget = budget
        bound = first
    }

    /// Whether there is no plan to search: every place matches.
    package var isEverything: Bool { plan.isEverything }

    /// The next place; `nil` at the last one, or where the steps end, which is then in `end`.
    ///
    /// A search that has not moved at all gets its steps again, so that every page makes progress.
    package mutating func next() throws -> Int64? {
        guard end == nil else { return nil }
        while bound <= last {
            switch try plan.seek(bound, limit: last) {
            case .match(let place) where place <= last:
                bound = place + 1
                return place
            case .open(let place) where place <= last:
                if place > first {
                    end = place - 1
                    return nil
                }
                budget.renew()
            default: bound = last.addingSaturated(1)
            }
        }
        return nil
    }
}
