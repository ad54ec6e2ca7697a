import SillokCore
import SillokLogFormat

/// A limited number of open files by segment. The one that was not used for the longest time is closed for a new one.
final class FileCache<Value: Sendable>: Sendable {
    private struct State {
        var values: [UInt32: (value: Value, lastUse: UInt64)] = [:]
        var uses: UInt64 = 0
    }

    private let capacity: Int
    private let state = Lock(State())

    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Returns the file of a segment, which `open` opens if it is not in the cache. `open` runs without the lock.
    func value<Failure: Error>(
        _ ordinal: UInt32, _ open: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if let value = find(ordinal) { return value }
        let value = try open()
        state.withLock { state in
            state.uses += 1
            if state.values.count >= capacity, state.values[ordinal] == nil,
                let oldest = state.values.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.values[oldest.key] = nil
            }
            state.values[ordinal] = (value, state.uses)
        }
        return value
    }

    func remove(_ ordinal: UInt32) { state.withLock { $0.values[ordinal] = nil } }

    private func find(_ ordinal: UInt32) -> Value? {
        state.withLock { state in
            guard let found = state.values[ordinal] else { return nil }
            state.uses += 1
            state.values[ordinal] = (found.value, state.uses)
            return found.value
        }
    }
}
