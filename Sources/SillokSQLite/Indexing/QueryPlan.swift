import SillokCore

/// A query as lists of positions that are joined: walked in one direction, without reading an event.
///
/// Each node answers one question: the first position at or beyond a bound that it holds. An intersection lets its parts
/// leap over one another, so that it costs as much as its rarest part.
final class QueryPlan {
    private enum Node {
        case everything
        case nothing
        case list(PositionList)
        case union([QueryPlan])
        case intersection([QueryPlan])
    }

    private let node: Node
    private let direction: ReadRequest.Direction
    /// What a node of a union answered last, and for which bound.
    private var answered: (bound: Int64, position: Int64?)?

    private init(_ node: Node, _ direction: ReadRequest.Direction) {
        self.node = node
        self.direction = direction
    }

    /// The plan of a query; names that the store has never met match nothing.
    convenience init(
        _ query: EventQuery, _ direction: ReadRequest.Direction, _ index: PositionIndex, _ names: Names
    ) throws {
        let builder = PlanBuilder(direction: direction, index: index, names: names)
        self.init(try builder.union(query.items.map { try builder.plan($0) }), direction)
    }

    /// Whether every position of the log is part of it.
    var isEverything: Bool { if case .everything = node { true } else { false } }

    /// The first position at or beyond `bound` in the plan's direction, or `nil`. Bounds must move in that direction.
    func seek(_ bound: Int64) throws -> Int64? {
        if let answered {
            guard let position = answered.position else { return nil }
            if !isBefore(position, bound) { return position }
        }
        let found = try find(bound)
        answered = (bound, found)
        return found
    }

    private func find(_ bound: Int64) throws -> Int64? {
        switch node {
        case .everything: return bound
        case .nothing: return nil
        case .list(let list): return try list.seek(bound)
        case .union(let parts):
            var best: Int64?
            for part in parts {
                guard let position = try part.seek(bound) else { continue }
                if best.map({ isBefore(position, $0) }) ?? true { best = position }
            }
            return best
        case .intersection(let parts):
            var candidate = bound
            var agreed = 0
            while true {
                for part in parts {
                    guard let position = try part.seek(candidate) else { return nil }
                    agreed = position == candidate ? agreed + 1 : 1
                    candidate = position
                    if agreed >= parts.count { return candidate }
                }
            }
        }
    }

    private func isBefore(_ left: Int64, _ right: Int64) -> Bool {
        direction == .forward ? left < right : left > right
    }

    private struct PlanBuilder {
        let direction: ReadRequest.Direction
        let index: PositionIndex
        let names: Names

        /// What an item asks for: all of its parts.
        func plan(_ item: EventQuery.Item) throws -> Node {
            var parts: [Node] = []
            if let stream = item.stream { parts.append(try list(.stream, stream.text)) }
            if let category = item.category { parts.append(try list(.category, category.text)) }
            var seen: Set<Tag> = []
            for tag in item.tags where seen.insert(tag).inserted { parts.append(try list(.tag, tag.text)) }
            if !item.types.isEmpty {
                parts.append(try union(Set(item.types).sorted().map { try list(.type, $0.text) }))
            }
            if parts.contains(where: { if case .nothing = $0 { true } else { false } }) { return .nothing }
            if parts.count > 1 { return .intersection(parts.map { QueryPlan($0, direction) }) }
            return parts.first ?? .everything
        }

        func union(_ nodes: [Node]) throws -> Node {
            var parts: [Node] = []
            for node in nodes {
                switch node {
                case .everything: return .everything
                case .nothing: continue
                default: parts.append(node)
                }
            }
            if parts.count > 1 { return .union(parts.map { QueryPlan($0, direction) }) }
            return parts.first ?? .nothing
        }

        private func list(_ kind: NameKind, _ text: String) throws -> Node {
            guard let number = try names.number(kind, text) else { return .nothing }
            return .list(PositionList(key: IndexKey.name(number), direction: direction, index: index))
        }
    }
}

/// The positions of one key, fetched in blocks that grow.
final class PositionList {
    private let key: Int64
    private let direction: ReadRequest.Direction
    private let index: PositionIndex
    private var block: [Int64] = []
    private var next = 0
    private var blockSize = 8
    private var isLastBlock = false

    init(key: Int64, direction: ReadRequest.Direction, index: PositionIndex) {
        self.key = key
        self.direction = direction
        self.index = index
    }

    /// The first position at or beyond `bound` in the list's direction, or `nil`.
    func seek(_ bound: Int64) throws -> Int64? {
        while true {
            while next < block.count {
                if direction == .forward ? block[next] >= bound : block[next] <= bound { return block[next] }
                next += 1
            }
            if isLastBlock { return nil }
            block.removeAll(keepingCapacity: true)
            next = 0
            try index.read(key, from: bound, direction, limit: blockSize, into: &block)
            isLastBlock = block.count < blockSize
            blockSize = min(blockSize * 4, 1024)
        }
    }
}
