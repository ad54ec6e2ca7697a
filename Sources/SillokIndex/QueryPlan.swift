package import SillokCore

/// A query as joined lists of places, searched in one direction without reading an event.
///
/// Each node answers one question: its first place at or beyond a bound. In an intersection the parts skip ahead of
/// each other, each in its turn. So an intersection costs about as much as its rarest part, and the order of the parts
/// does not matter. Every entry that is read counts against a ``StepBudget``; a search without steps left reports how
/// far it came.
package final class QueryPlan {
    private enum Node {
        case everything
        case nothing
        case term(IndexTerm)
        case list(PositionList)
        case union
        case intersection
    }

    private var node: Node
    private var parts: [QueryPlan]
    /// The part of an intersection that skipped last, which is asked first.
    private var first = 0
    private let context: Context
    /// The last finding. It holds for all places up to its own.
    private var found: Finding?

    /// The state that all nodes of a plan share.
    private final class Context {
        let direction: ReadRequest.Direction
        let index: any TermIndex
        let budget: StepBudget

        init(_ direction: ReadRequest.Direction, _ index: any TermIndex, _ budget: StepBudget) {
            self.direction = direction
            self.index = index
            self.budget = budget
        }
    }

    private init(_ node: Node, _ parts: [QueryPlan] = [], in context: Context) {
        self.node = node
        self.parts = parts
        self.context = context
    }

    /// Creates a plan for the events that match any of the items. Equal items become one.
    package convenience init(
        _ items: [EventQuery.Item], _ direction: ReadRequest.Direction, _ index: any TermIndex, _ budget: StepBudget
    ) {
        let context = Context(direction, index, budget)
        let plans = items.count > 1 ? EventQuery.distinct(items) : items
        let nodes = plans.map { Self.plan($0, context) }
        if nodes.contains(where: \.isEverything) {
            self.init(.everything, in: context)
        } else if nodes.count == 1 {
            self.init(nodes[0].node, nodes[0].parts, in: context)
        } else {
            self.init(nodes.isEmpty ? .nothing : .union, nodes, in: context)
        }
    }

    /// Returns the plan for an item: all of its parts must match.
    private static func plan(_ item: EventQuery.Item, _ context: Context) -> QueryPlan {
        var parts: [QueryPlan] = []
        func term(_ term: IndexTerm) -> QueryPlan { QueryPlan(.term(term), in: context) }
        if let stream = item.stream { parts.append(term(.stream(stream))) }
        if let category = item.category { parts.append(term(.category(category))) }
        for tag in item.tags.uniqued() { parts.append(term(.tag(tag))) }
        let types = item.types.uniqued().map { term(.type($0)) }
        if types.count == 1 { parts += types }
        if types.count > 1 { parts.append(QueryPlan(.union, types, in: context)) }
        if parts.count > 1 { return QueryPlan(.intersection, parts, in: context) }
        return parts.first ?? QueryPlan(.everything, in: context)
    }

    /// Whether the plan contains every position of the log.
    package var isEverything: Bool { if case .everything = node { true } else { false } }

    /// Returns the first place at or beyond `bound`, unless it is beyond `limit`.
    ///
    /// Bounds must rise from call to call. ``Finding/open(_:)`` at or before `limit` means that no steps are left.
    /// After the budget was renewed, the same call continues where it ended.
    /// - Throws: `CancellationError` if the caller no longer waits, or an error of the storage.
    package func seek(_ bound: Int64, limit: Int64) throws -> Finding {
        var start = bound
        switch found {
        case .match(let place)? where place >= bound: return .match(place)
        case Finding.none?: return .none
        case .open(let place)?: start = max(bound, place)
        default: break
        }
        guard start <= limit else { return .open(start) }
        let finding = try find(start, limit)
        found = finding
        return finding
    }

    private func find(_ start: Int64, _ limit: Int64) throws -> Finding {
        switch node {
        case .everything: return .match(start)
        case .nothing: return .none
        case .list(let list): return try list.seek(start)
        case .term:
            guard try resolve() else { return context.budget.isExhausted ? .open(start) : .none }
            return try find(start, limit)
        case .union: return try union(start, limit)
        case .intersection:
            for part in parts {
                if case .term = part.node, try !part.resolve() {
                    return part.isNothing ? .none : .open(start)
                }
            }
            return try meeting(start, limit)
        }
    }

    private var isNothing: Bool { if case .nothing = node { true } else { false } }

    /// Looks up the term of a node. Returns `false` if no event has it, or if no steps are left to find out.
    private func resolve() throws -> Bool {
        guard case .term(let term) = node else { return true }
        if context.budget.isExhausted { return false }
        if let source = try context.index.positions(of: term, context.budget) {
            node = .list(PositionList(source, context.direction, context.budget))
            return true
        }
        node = .nothing
        return false
    }

    /// Returns the first place that all parts have.
    ///
    /// Every part is asked once in each round, so the rarest part skips in each round, too. If the parts that skip were
    /// asked again before the others, two frequent parts that never meet would walk the whole log.
    private func meeting(_ start: Int64, _ limit: Int64) throws -> Finding {
        var (candidate, agreed) = (start, 0)
        while agreed < parts.count {
            if candidate > limit { return .open(candidate) }
            let asked = (first + agreed) % parts.count
            switch try parts[asked].seek(candidate, limit: limit) {
            case .none: return .none
            case .open(let place): return .open(max(candidate, place))
            case .match(candidate): agreed += 1
            case .match(let place): (candidate, agreed, first) = (place, 1, asked)
            }
        }
        return .match(candidate)
    }

    /// Returns the first place that any part has.
    ///
    /// All parts search one window after the other, so that no part spends the steps of the others far ahead of them.
    private func union(_ start: Int64, _ limit: Int64) throws -> Finding {
        var window: Int64 = 63
        while true {
            let end = min(limit, start.addingSaturated(window))
            var (best, open) = (Int64?.none, Int64?.none)
            for index in parts.indices {
                switch try parts[index].seek(start, limit: best.map { min(end, $0 - 1) } ?? end) {
                case .none: continue
                case .match(start):
                    // No part has an earlier place. The next ones often come from the same part, so it is asked first.
                    parts.swapAt(0, index)
                    return .match(start)
                case .match(let place): best = min(best ?? place, place)
                case .open(let place): open = min(open ?? place, place)
                }
            }
            guard let open else { return best.map { .match($0) } ?? .none }
            if let best, best <= open { return .match(best) }
            if open > limit || context.budget.isExhausted { return .open(open) }
            window = max(window.multipliedReportingOverflow(by: 4).partialValue, open - start)
            if window < 0 { window = .max }
        }
    }
}

extension EventQuery {
    /// Returns the items without those that ask for the same events as an earlier item.
    package static func distinct(_ items: [Item]) -> [Item] {
        var seen: Set<Item> = []
        return items.filter { seen.insert($0.normalized).inserted }
    }
}

extension EventQuery.Item {
    /// The item with sorted types and tags, without repeats. Items are equal if they ask for the same in this form.
    package var normalized: EventQuery.Item {
        if types.count < 2 && tags.count < 2 { return self }
        return EventQuery.Item(
            stream: stream, category: category, types: types.uniqued().sorted(), tags: tags.uniqued().sorted())
    }
}

extension Array where Element: Hashable {
    /// Returns the elements in their order, without repeats.
    package func uniqued() -> [Element] {
        if count < 2 { return self }
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

extension Int64 {
    /// Returns the sum, clamped to the range of `Int64`.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
