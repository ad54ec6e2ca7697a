/// The places of a plan between two places, in order, until the steps run out.
package struct PlaceSearch {
    private let plan: QueryPlan
    private let last: Int64
    private let first: Int64
    private let budget: StepBudget
    private var bound: Int64
    /// The last place that was checked, set when the steps have run out.
    package private(set) var end: Int64?

    package init(_ plan: QueryPlan, from first: Int64, through last: Int64, _ budget: StepBudget) {
        self.plan = plan
        (self.first, self.last) = (first, last)
        self.budget = budget
        bound = first
    }

    /// Whether every place matches, so that there is no plan to search.
    package var isEverything: Bool { plan.isEverything }

    /// Returns the next place. Returns `nil` after the last place, or when the steps run out; `end` is set then.
    ///
    /// A search that has not advanced gets its steps again, so that every page makes progress.
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

    /// Replaces the contents of `places` with the next ones, at most `count`. There are none where ``next()`` returns
    /// `nil`.
    package mutating func next(_ count: Int, into places: inout [Int64]) throws {
        places.removeAll(keepingCapacity: true)
        if isEverything, bound <= last {
            places += bound...min(last, bound.addingSaturated(Int64(count) - 1))
            bound = (places.last ?? bound).addingSaturated(1)
        }
        while places.count < count, let place = try next() { places.append(place) }
    }
}
