import Sillok
import SillokCore

/// States of hot aggregates in this process, up to a number of bytes. The least recently used states are evicted first.
///
/// ```swift
/// let cache = AggregateCache(bytes: 64 << 20)
/// ```
/// Any number of command handlers may share one cache. A command on a cached state reads nothing before it appends. If
/// any other writer has appended meanwhile, the append's condition does not hold, and the handler reads the new events
/// and decides again. The handler also reads new events before it returns a refusal or a decision without events.
public final class AggregateCache: Sendable {
    /// What a cache has done.
    public struct Statistics: Hashable, Sendable {
        /// How many states it holds.
        public var entries = 0
        /// About how many bytes they take.
        public var bytes = 0
        /// How often a state was found.
        public var hits: UInt64 = 0
        /// How often none was found.
        public var misses: UInt64 = 0
        /// How many states it let go because others took their place.
        public var evictions: UInt64 = 0
    }

    struct Key: Hashable {
        let handler: UInt64
        let subject: String

        static func == (left: Key, right: Key) -> Bool {
            left.handler == right.handler && left.subject.hasSameBytes(as: right.subject)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(handler)
            subject.hashBytes(into: &hasher)
        }
    }

    fileprivate struct Entry {
        let kept: any Sendable
        let bytes: Int
        let turn: UInt64
    }

    fileprivate struct State {
        var entries: [Key: Entry] = [:]
        /// Keys in the order in which they were put; those put again meanwhile stand here twice, with older turns.
        var order: [(key: Key, turn: UInt64)] = []
        var firstInOrder = 0
        var turn: UInt64 = 0
        var handlers: UInt64 = 0
        var statistics = Statistics()
    }

    private let limit: Int
    private let state = Lock(State())

    /// An empty cache.
    ///
    /// - Parameter bytes: about how many bytes its states may take together. A state's size is estimated; one that
    ///   alone is larger is not held.
    public init(bytes: Int = 64 << 20) { limit = max(0, bytes) }

    /// What it holds and has done.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Lets go of everything.
    public func removeAll() {
        state.withLock { state in
            state.entries = [:]
            state.order = []
            state.firstInOrder = 0
            (state.statistics.entries, state.statistics.bytes) = (0, 0)
        }
    }

    /// A number that sets the states of a handler apart from those of others.
    func nextHandler() -> UInt64 {
        state.withLock { state in
            state.handlers += 1
            return state.handlers
        }
    }

    /// Hands over a state, so that who evolves it need not copy it.
    func take(_ key: Key) -> (any Sendable)? {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: key) else {
                state.statistics.misses += 1
                return nil
            }
            state.statistics.hits += 1
            state.statistics.entries -= 1
            state.statistics.bytes -= entry.bytes
            return entry.kept
        }
    }

    func put(_ key: Key, _ kept: any Sendable, bytes: Int) {
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: key) {
                state.statistics.entries -= 1
                state.statistics.bytes -= old.bytes
            }
            guard bytes <= limit else { return }
            state.turn += 1
            state.entries[key] = Entry(kept: kept, bytes: bytes, turn: state.turn)
            state.order.append((key, state.turn))
            state.statistics.entries += 1
            state.statistics.bytes += bytes
            state.evict(to: limit)
        }
    }
}

extension AggregateCache.State {
    fileprivate mutating func evict(to limit: Int) {
        while statistics.bytes > limit, firstInOrder < order.count {
            let (key, turn) = order[firstInOrder]
            firstInOrder += 1
            guard let entry = entries[key], entry.turn == turn else { continue }
            entries[key] = nil
            statistics.entries -= 1
            statistics.bytes -= entry.bytes
            statistics.evictions += 1
        }
        if order.count - firstInOrder > 2 * entries.count + 64 || firstInOrder > 1024 {
            order = order[firstInOrder...].filter { entries[$0.key]?.turn == $0.turn }
            firstInOrder = 0
        }
    }
}

/// The states of one handler in a cache.
struct CachedStates<D: Decider>: Sendable {
    private let cache: AggregateCache
    private let handler: UInt64

    init(_ cache: AggregateCache) {
        self.cache = cache
        handler = cache.nextHandler()
    }

    func take(_ subject: String) -> Kept<D>? {
        cache.take(.init(handler: handler, subject: subject)) as? Kept<D>
    }

    /// Stores a state. Its size is measured again after a sixteenth more events, so that large states cost little.
    func put(_ subject: String, _ kept: Kept<D>) {
        var kept = kept
        kept.isTrusted = true
        let next = kept.measured.map { $0.events + max(1, $0.events / 16) } ?? 0
        let bytes: Int
        if let measured = kept.measured, kept.place.events < next {
            bytes = measured.bytes
        } else {
            bytes = MemoryLayout<D>.size + SizeEstimate.heapBytes(of: kept.state) + subject.utf8.count + 200
            kept.measured = (kept.place.events, bytes)
        }
        cache.put(.init(handler: handler, subject: subject), kept, bytes: bytes)
    }
}

/// About how many bytes a value holds outside of itself.
enum SizeEstimate {
    /// Of long collections a few elements are looked at.
    static func heapBytes(of value: Any, depth: Int = 0) -> Int {
        if let text = value as? String { return text.utf8.count > 15 ? text.utf8.count + 32 : 0 }
        guard depth < 8 else { return 0 }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .collection?, .set?, .dictionary?:
            let count = mirror.children.count
            guard count > 0 else { return 0 }
            let sample = mirror.children.prefix(16)
            let bytes = sample.reduce(0) { $0 + size(of: $1.value) + heapBytes(of: $1.value, depth: depth + 1) }
            let slack = mirror.displayStyle == .collection ? 1.0 : 1.6
            return 32 + Int(Double(bytes) / Double(sample.count) * Double(count) * slack)
        case nil: return 0
        default:
            let own = mirror.displayStyle == .class ? 16 : 0
            return mirror.children.reduce(own) { sum, child in
                sum + heapBytes(of: child.value, depth: depth + 1) + (own > 0 ? size(of: child.value) : 0)
            }
        }
    }

    private static func size(of value: Any) -> Int {
        func size<Opened>(_ value: Opened) -> Int { MemoryLayout<Opened>.stride }
        return _openExistential(value, do: size)
    }
}
