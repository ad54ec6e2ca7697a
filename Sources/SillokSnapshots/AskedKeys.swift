import SillokCore

/// The keys that were asked for, and which of them more than once: hashes of the last ones, up to a number.
final class AskedKeys: Sendable {
    private struct State {
        /// Whether a key was asked for more than once, by its hash.
        var isRepeated: [Int: Bool] = [:]
        /// The hashes in the order of the first time, as a ring.
        var order: [Int] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Lock(State())

    /// - Parameter capacity: how many keys it remembers. The oldest one goes first.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Notes that a key is asked for.
    func ask(_ key: String) {
        let hash = ExactText(key).hashValue
        state.withLock { state in
            guard state.isRepeated[hash] == nil else { return state.isRepeated[hash] = true }
            if state.order.count < capacity {
                state.order.append(hash)
            } else {
                state.isRepeated[state.order[state.next]] = nil
                state.order[state.next] = hash
                state.next = (state.next + 1) % capacity
            }
            state.isRepeated[hash] = false
        }
    }

    /// Whether a key was asked for more than once.
    func isAskedAgain(_ key: String) -> Bool {
        let hash = ExactText(key).hashValue
        return state.withLock { $0.isRepeated[hash] ?? false }
    }
}
