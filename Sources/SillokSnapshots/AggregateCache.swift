import Sillok
import SillokCore

/// States of hot aggregates in this process, up to a number of states. The least recently used ones are evicted first.
///
/// ```swift
/// let cache = AggregateCache(states: 10_000)
/// ```
/// Any number of command handlers may share one cache. A command on a cached state reads nothing before it appends. If
/// any other writer has appended meanwhile, the append's condition does not hold, and the handler reads the new events
/// and decides again. The handler also reads new events before it returns a refusal or a decision without events.
///
/// A cache counts states and not bytes. If the states of one decider are much larger than those of others, give its
/// handler a smaller cache of its own.
public final class AggregateCache: Sendable {
    /// The counters of a cache.
    public struct Statistics: Hashable, Sendable {
        /// The number of states in the cache.
        public var entries = 0
        /// The number of times that a state was found.
        public var hits: UInt64 = 0
        /// The number of times that no state was found.
        public var misses: UInt64 = 0
        /// The number of states that were evicted.
        public var evictions: UInt64 = 0
    }

    struct Key: Hashable {
        let handler: UInt64
        let subject: ExactText
    }

    private struct State {
        var entries: [Key: (start: any Sendable, turn: UInt64)] = [:]
        /// Keys in the order in which they were put. Those that were put again meanwhile are in it twice, with older
        /// turns.
        var order: [(key: Key, turn: UInt64)] = []
        var firstInOrder = 0
        var turn: UInt64 = 0
        var handlers: UInt64 = 0
        var statistics = Statistics()

        mutating func evict(to limit: Int) {
            while entries.count > limit, firstInOrder < order.count {
                let (key, turn) = order[firstInOrder]
                firstInOrder += 1
                guard entries[key]?.turn == turn else { continue }
                entries[key] = nil
                statistics.evictions += 1
            }
            if order.count - firstInOrder > 2 * entries.count + 64 || firstInOrder > 1024 {
                order = order[firstInOrder...].filter { entries[$0.key]?.turn == $0.turn }
                firstInOrder = 0
            }
        }
    }

    private let limit: Int
    private let state = Lock(State())

    /// Creates an empty cache.
    ///
    /// - Parameter states: the maximum number of states. Their size is not limited.
    public init(states: Int = 10_000) { limit = max(0, states) }

    /// The current counters of the cache.
    public var statistics: Statistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.entries = state.entries.count
            return statistics
        }
    }

    /// Removes all states.
    public func removeAll() { state.withLock { ($0.entries, $0.order, $0.firstInOrder) = ([:], [], 0) } }

    /// A number that sets the states of a handler apart from those of others.
    func nextHandler() -> UInt64 {
        state.withLock { state in
            state.handlers += 1
            return state.handlers
        }
    }

    /// Hands over a state, so that a command evolves it without a copy.
    func take(_ key: Key) -> (any Sendable)? {
        state.withLock { state in
            let entry = state.entries.removeValue(forKey: key)
            if entry == nil { state.statistics.misses += 1 } else { state.statistics.hits += 1 }
            return entry?.start
        }
    }

    func put(_ key: Key, _ start: any Sendable) {
        state.withLock { state in
            state.turn += 1
            state.entries[key] = (start, state.turn)
            state.order.append((key, state.turn))
            state.evict(to: limit)
        }
    }
}
