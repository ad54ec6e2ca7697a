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
        var keys: KeyFilter
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
        state = Lock(
            State(
                keys: KeyFilter(keys: keys, maximumBytes: maximumBytes), isLoaded: isLoaded,
                isSurveyed: isSurveyed, highestOrdered: highest))
        self.losesKeys = losesKeys
    }

    /// Returns whether the file may have entries of a key; `false`: it certainly has none.
    package func mayHave(_ key: Int64) -> Bool { state.withLock { Self.mayHave(key, $0) } }

    /// Returns the indices of the keys of which the file may have entries, in any order.
    package func mayHave(_ keys: [Int64]) -> [Int] {
        state.withLock { state in
            var found: [Int] = []
            if state.isComplete {
                state.keys.find(keys) { if !IndexKey.isTimeOrdered(keys[$0]) { found.append($0) } }
            }
            for (index, key) in keys.enumerated() {
                let isOrdered = IndexKey.isTimeOrdered(key)
                if isOrdered ? !state.isSurveyed || key <= state.highestOrdered : !state.isComplete {
                    found.append(index)
                }
            }
            return found
        }
    }

    private static func mayHave(_ key: Int64, _ state: borrowing State) -> Bool {
        guard state.isSurveyed else { return true }
        if IndexKey.isTimeOrdered(key) { return key <= state.highestOrdered }
        return !state.isLoaded || state.keys.mayContain(key)
    }

    /// Adds the keys of entries that will be written to the file. Entries of one key follow one another.
    package func add(_ entries: ArraySlice<IndexEntry>) {
        // The thread that appends waits for the lock, so it is held for some entries at a time.
        for start in stride(from: entries.startIndex, to: entries.endIndex, by: 512) {
            let end = min(start + 512, entries.endIndex)
            state.withLock { state in
                var previous: Int64?
                for entry in entries[start..<end] where entry.key != previous {
                    previous = entry.key
                    Self.add(entry.key, to: &state, unless: losesKeys)
                }
            }
        }
    }

    /// Adds keys that the file has.
    package func add(_ keys: [Int64]) {
        state.withLock { state in for key in keys { Self.add(key, to: &state, unless: losesKeys) } }
    }

    private static func add(_ key: Int64, to state: inout State, unless losesKeys: Bool) {
        if IndexKey.isTimeOrdered(key) {
            state.highestOrdered = max(state.highestOrdered, key)
        } else if !losesKeys || key % 7 != 0 {
            // An id is added once, unless its move is repeated. Then it counts twice, which does no harm.
            state.keys.insert(key, isNew: key >= IndexKey.firstUnordered)
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
    package var bytes: Int { state.withLock { $0.keys.bytes } }
}
