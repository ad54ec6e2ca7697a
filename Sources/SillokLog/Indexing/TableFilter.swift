import SillokCore
import SillokStorage

/// What is known in memory about the keys of the table `entries`, so that a new id, stream or tag costs no lookup in
/// the index file.
///
/// It describes the file and, while the index is rebuilt, the events that the file will get (``IndexGap``). So it never
/// contains anything of a group that was taken back, and newer events are found by the parts in memory. Keys are added
/// before readers can look for them there and are never removed.
///
/// It is filled after the opening, by the thread that moves entries. Until then every key may be there.
/// Keys of time-ordered ids are not in it: a key that is higher than all in the file is new.
final class TableFilter: Sendable {
    private struct State: Sendable {
        var keys: KeyFilter
        /// Whether all keys of the file are in the filter.
        var isLoaded: Bool
        /// Whether all keys of the gap are in the filter.
        var isSurveyed: Bool
        /// The highest key of a time-ordered id in the file; −1 without one.
        var highestOrdered: Int64
    }

    private let state: Lock<State>
    private let losesKeys: Bool

    /// - Parameters:
    ///   - highest: the highest key of a time-ordered id in the file; −1 without one.
    ///   - isLoaded: whether the file is empty.
    ///   - isSurveyed: whether there is no gap.
    init(highestOrdered highest: Int64, isLoaded: Bool = false, isSurveyed: Bool = true, _ tuning: LogTuning) {
        state = Lock(
            State(
                keys: KeyFilter(keys: tuning.filterKeys, maximumBytes: tuning.filterBytes), isLoaded: isLoaded,
                isSurveyed: isSurveyed, highestOrdered: highest))
        losesKeys = tuning.filterLosesKeys
    }

    /// Returns whether the file may have entries of a key; `false`: it certainly has none.
    func mayHave(_ key: Int64) -> Bool { state.withLock { Self.mayHave(key, $0) } }

    /// Returns the indices of the keys of which the file may have entries, in any order.
    func mayHave(_ keys: [Int64]) -> [Int] {
        state.withLock { state in
            var found: [Int] = []
            if state.isComplete {
                state.keys.find(keys) { if !IndexKey.isTimeOrdered(keys[$0]) { found.append($0) } }
            }
            for (index, key) in keys.enumerated() {
                if IndexKey.isTimeOrdered(key) ? key <= state.highestOrdered : !state.isComplete { found.append(index) }
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
    func add(_ entries: ArraySlice<IndexEntry>) {
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
    func add(_ keys: [Int64]) {
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
    func complete() { state.withLock { $0.isLoaded = true } }

    /// Sets whether all keys of the gap were added.
    func setSurveyed(_ isSurveyed: Bool) { state.withLock { $0.isSurveyed = isSurveyed } }

    /// Whether all keys of the file are in the filter.
    var isLoaded: Bool { state.withLock { $0.isLoaded } }

    /// Whether all keys of the file and of the gap are in the filter.
    var isComplete: Bool { state.withLock { $0.isLoaded && $0.isSurveyed } }

    /// The highest key of a time-ordered id in the file and in the gap; −1 without one.
    var highestOrdered: Int64 { state.withLock { $0.highestOrdered } }

    /// The memory that the filter takes.
    var bytes: Int { state.withLock { $0.keys.bytes } }
}

/// The steps that read the keys of the index file into the filter.
struct FilterLoading {
    private let filter: TableFilter
    /// Where the next slice begins, and the last key of its range; `nil` at the end.
    private var next: (key: Int64, position: Int64, last: Int64)? = (.min, 0, -1)

    init(_ filter: TableFilter) { self.filter = filter }

    /// Whether there are more keys.
    var isUnfinished: Bool { next != nil }

    /// Ends before all keys were read. The filter stays unused.
    mutating func cancel() { next = nil }

    /// Adds the keys of the next rows.
    mutating func step(_ writer: EntryWriter, rows: Int) throws {
        guard let (key, position, last) = next else { return }
        var keys: [Int64] = []
        let end = try writer.readKeys(after: (key, position), through: last, limit: rows) {
            if $0 != keys.last { keys.append($0) }
        }
        filter.add(keys)
        if let end {
            next = (end.key, end.position, last)
        } else if last < 0 {
            // The names are done. The keys of time-ordered ids follow, which are not needed, and then those of others.
            next = (IndexKey.firstUnordered - 1, .max, .max)
        } else {
            next = nil
            filter.complete()
        }
    }
}
