import SillokCore

/// The open connections of a server, and which of them is closed when there are too many.
///
/// A connection belongs to the address that it comes from until one of its requests proved a principal. While all
/// places are taken a newcomer replaces another connection, in this order: one that has proved nothing; one without a
/// request under way; one of an owner that has more than half of the places. Among those it is a connection of the
/// owner that has most, and of these the one that has been idle for longest.
package struct ConnectionTable<ID: Hashable & Sendable>: Sendable {
    /// What becomes of a new connection.
    package enum Opening: Equatable, Sendable {
        case taken
        /// It is taken, and another one has to be closed.
        case replacing(ID)
        /// All others are in use, and no owner has more than its share.
        case refused
    }

    private struct Entry {
        var owner: String
        var isProved = false
        /// The number of requests under way.
        var requests = 0
        /// When it was opened, or its last request ended: the count of such changes then.
        var idleSince: UInt64
    }

    private let limit: Int
    private var entries: [ID: Entry] = [:]
    private var counts: [ExactText: Int] = [:]
    private var changes: UInt64 = 0

    package init(limit: Int) { self.limit = limit }

    /// The number of open connections.
    package var count: Int { entries.count }

    /// Who a connection belongs to.
    package func owner(of id: ID) -> String? { entries[id]?.owner }

    /// Takes a new connection in, if need be in the place of another.
    package mutating func open(_ id: ID, from address: String) -> Opening {
        var opening = Opening.taken
        if entries.count >= limit {
            guard let victim = victim(for: address) else { return .refused }
            close(victim)
            opening = .replacing(victim)
        }
        changes += 1
        entries[id] = Entry(owner: address, idleSince: changes)
        counts[ExactText(address), default: 0] += 1
        return opening
    }

    /// A request of a connection begins. Returns who the connection belongs to, and whether it has proved that.
    @discardableResult
    package mutating func begin(_ id: ID) -> (owner: String, isProved: Bool)? {
        entries[id]?.requests += 1
        return entries[id].map { ($0.owner, $0.isProved) }
    }

    /// A request of a connection has ended.
    package mutating func end(_ id: ID) {
        changes += 1
        entries[id]?.requests -= 1
        entries[id]?.idleSince = changes
    }

    /// A request of a connection has proved who it comes from.
    package mutating func prove(_ id: ID, _ owner: String) {
        guard let entry = entries[id] else { return }
        entries[id]?.isProved = true
        guard !entry.owner.hasSameBytes(as: owner) else { return }
        leave(entry.owner)
        counts[ExactText(owner), default: 0] += 1
        entries[id]?.owner = owner
    }

    /// Forgets a connection that is closed.
    package mutating func close(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        leave(entry.owner)
    }

    private mutating func leave(_ owner: String) {
        let left = counts[ExactText(owner), default: 1] - 1
        counts[ExactText(owner)] = left > 0 ? left : nil
    }

    /// The connection that makes room for one from an address.
    private func victim(for address: String) -> ID? {
        var best: (id: ID, rank: (Int, Int, Int, UInt64))?
        for (id, entry) in entries {
            let count = counts[ExactText(entry.owner), default: 0]
            let isBusy = entry.requests > 0
            let step: Int
            switch (entry.isProved, isBusy) {
            case (false, _): step = 0
            case (true, false): step = 1
            case (true, true):
                guard count > limit / 2, !entry.owner.hasSameBytes(as: address) else { continue }
                step = 2
            }
            let rank = (step, -count, isBusy ? 1 : 0, entry.idleSince)
            if best.map({ rank < $0.rank }) ?? true { best = (id, rank) }
        }
        return best?.id
    }
}
