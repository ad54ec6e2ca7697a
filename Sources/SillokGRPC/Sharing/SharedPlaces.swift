import SillokCore

/// Places that several owners share, so that no owner takes all of them.
///
/// An owner takes a place only while it holds fewer than are free. One owner alone has at most half of the places, two
/// have a third each, and so on: a newcomer finds a place as long as there are more places than owners.
package struct SharedPlaces: Sendable {
    /// The number of places.
    package let limit: Int
    /// The number of places that are taken.
    package private(set) var taken = 0
    private var held: [ExactText: Int] = [:]

    package init(_ limit: Int) { self.limit = limit }

    /// The number of places that an owner holds.
    package func held(by owner: String) -> Int { held[ExactText(owner), default: 0] }

    /// Whether an owner may take a number of places.
    package func isOpen(to owner: String, _ amount: Int = 1) -> Bool {
        amount <= limit && held(by: owner) + amount <= limit - taken
    }

    /// Takes places for an owner; `false`, and none is taken, if they are beyond its share.
    package mutating func take(_ owner: String, _ amount: Int = 1) -> Bool {
        guard isOpen(to: owner, amount) else { return false }
        put(owner, amount)
        return true
    }

    /// Gives places of an owner back.
    package mutating func release(_ owner: String, _ amount: Int = 1) {
        let left = held(by: owner) - amount
        held[ExactText(owner)] = left > 0 ? left : nil
        taken -= amount
    }

    /// Gives a place of one owner to another; `false`, and nothing changes, if it is beyond the share of the new one.
    package mutating func move(from owner: String, to other: String) -> Bool {
        if owner.hasSameBytes(as: other) { return true }
        release(owner)
        if take(other) { return true }
        put(owner, 1)
        return false
    }

    private mutating func put(_ owner: String, _ amount: Int) {
        held[ExactText(owner), default: 0] += amount
        taken += amount
    }
}
