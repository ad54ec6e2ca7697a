import SillokCore

/// What is known in memory about the keys of the table `entries`, so that a new id, stream or tag costs no lookup in
/// the index file.
///
/// It describes the file and, while the index is rebuilt, the events that the file will get (``IndexGap``). So it never
/// contains anything of a group that was taken back, and newer events are found by the parts in memory. Keys are added
/// before readers can look for them there and are never removed.
///
/// It is filled after the opening, by the thread that moves entries. Until then every key may be there.
/// Keys of time-ordered ids are not in it: a key that is higher than all in the file is new.
package final class TableFilter: Sendable {
    private struct State: Sendable {
        /// Whether all keys of the file are in the filter.
        var isLoaded: Bool
        /// Whether all keys of the gap are in the filter.
        var isSurveyed: Bool
        /// The highest key of a time-ordered id in the file; −1 without one.
        var highestOrdered: Int64

        /// Whether all keys of the file and of the gap are in the filter.
        var isComplete: Bool { isLoaded && isSurveyed }
    }

    private let state: Lock<State>
    /// Has a lock of its own, so that an append does not wait for the thread that fills it after the opening.
    private let filter: Lock<KeyFilter>
    private let losesKeys: Bool

    /// - Parameters:
    ///   - highest: the highest key of a time-ordered id in the file; −1 without one.
    ///   - isLoaded: whether the file is empty.
    ///   - isSurveyed: whether there is no gap.
    ///   - keys: the number of keys for which there is space at first.
    ///   - maximumBytes: the memory that it may take.
    ///   - losesKeys: a planted fault, for tests: some of the keys are not taken.
    package init(
        highestOrdered highest: Int64, isLoaded: Bool = false, isSurveyed: Bool = true, keys: Int, maximumBytes: Int,
        losesKeys: Bool = false
    ) {
        state = Lock(State(isLoaded: isLoaded, isSurveyed: isSurveyed, highestOrdered: highest))
        filter = Lock(KeyFilter(keys: keys, maximumBytes: maximumBytes))
        self.losesKeys = losesKeys
    }

    /// Returns whether the file may have entries of a key; `false`: it certainly has none.
    package func mayHave(_ key: Int64) -> Bool {
        let state = state.withLock { $0 }
        guard state.isSurveyed else { return true }
        if IndexKey.isTimeOrdered(key) { return key <= state.highestOrdered }
        return !state.isLoaded || filter.withLock { $0.mayContain(key) }
    }

    /// Returns the indices of the keys of which the file may have entries, in any order.
    package func mayHave(_ keys: [Int64]) -> [Int] {
        let state = state.withLock { $0 }
        var found: [Int] = []
        if state.isComplete {
            filter.withLock { filter in
                filter.find(keys) { if !IndexKey.isTimeOrdered(keys[$0]) { found.append($0) } }
            }
        }
        for (index, key) in keys.enumerated() {
            let isOrdered = IndexKey.isTimeOrdered(key)
            if isOrdered ? !state.isSurveyed || key <= state.highestOrdered : !state.isComplete {
                found.append(index)
            }
        }
        return found
    }

    /// Adds the keys of entries that will be written to the file. Entries of one key follow one another.
    package func add(_ entries: ArraySlice<IndexEntry>) {
        var keys: [Int64] = []
        for entry in entries where entry.key != keys.last { keys.append(entry.key) }
        add(keys)
    }

    /// Adds keys that the file has.
    package func add(_ keys: [Int64]) {
        // The thread that appends waits for the lock, so it is held for some keys at a time.
        for start in stride(from: 0, to: keys.count, by: 512) {
            let some = keys[start..<min(start + 512, keys.count)]
            if let highest = some.filter(IndexKey.isTimeOrdered).max() {
                state.withLock { $0.highestOrdered = max($0.highestOrdered, highest) }
            }
            filter.withLock { filter in
                for key in some where !IndexKey.isTimeOrdered(key) && (!losesKeys || key % 7 != 0) {
                    // An id is added once, unless its move is repeated. Then it counts twice, which does no harm.
                    filter.insert(key, isNew: key >= IndexKey.firstUnordered)
                }
            }
        }
    }

    /// Uses the filter from now on: all keys of the file were added.
    package func complete() { state.withLock { $0.isLoaded = true } }

    /// Sets whether all keys of the gap were added.
    package func setSurveyed(_ isSurveyed: Bool) { state.withLock { $0.isSurveyed = isSurveyed } }

    /// Whether all keys of the file are in the filter.
    package var isLoaded: Bool { state.withLock { $0.isLoaded } }

    /// Whether all keys of the file and of the gap are in the filter.
    package var isComplete: Bool { state.withLock { $0.isComplete } }

    /// The highest key of a time-ordered id in the file and in the gap; −1 without one.
    package var highestOrdered: Int64 { state.withLock { $0.highestOrdered } }

    /// The memory that the filter takes.
    package var bytes: Int { filter.withLock { $0.bytes } }
}
