package import SillokCore
import SillokSegments

/// The inputs of the creation of a store.
package struct LogOrigins {
    let ids: IDGenerator
    let clock: WallClock
    let random: any RandomNumberGenerator
    let keepsChain: Bool

    package init(
        ids: IDGenerator = .system, clock: WallClock = .system,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator(), keepsChain: Bool = true
    ) {
        (self.ids, self.clock, self.random, self.keepsChain) = (ids, clock, random, keepsChain)
    }

    /// Returns the identity of a new store.
    func identity() -> LogIdentity {
        var random = random
        return LogIdentity(
            store: ids.next(), hashKey: LogIdentity.HashKey(low: random.next(), high: random.next()),
            createdAt: clock.now(), chainStart: keepsChain ? 1 : nil)
    }
}
