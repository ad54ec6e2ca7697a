import SillokCore

/// The index of the newest events, as one connection keeps it in memory: of all events after those that the
/// table `entries` holds.
///
/// An entry is found through its key's bucket, newest first; what was added last can be taken back.
final class IndexTail {
    struct Entry {
        let key: Int64
        let position: Int64
        /// The entry before it in its bucket, −1 if it is the first.
        fileprivate let previous: Int
    }

    /// The last position that is not part of it: up to there `entries` holds everything.
    private(set) var start: Int64 = 0
    /// The last position whose entries it has.
    private(set) var end: Int64 = 0
    /// In the order of positions.
    private(set) var entries: ContiguousArray<Entry> = []
    private var newest: ContiguousArray<Int>
    private let mask: UInt64

    /// - Parameter capacity: how many entries it has as a rule.
    init(capacity: Int) {
        var buckets = 16
        while buckets < capacity { buckets *= 2 }
        newest = ContiguousArray(repeating: -1, count: buckets)
        mask = UInt64(buckets - 1)
    }

    /// Begins anew after a position.
    func restart(after position: Int64) {
        for index in newest.indices { newest[index] = -1 }
        entries.removeAll(keepingCapacity: entries.count < 4 * newest.count)
        (start, end) = (position, position)
    }

    /// Lets go of the entries up to a position, which `entries` holds now.
    func forget(through position: Int64) {
        let (kept, last) = (entries.filter { $0.position > position }, end)
        restart(after: position)
        for entry in kept { add(entry.key, entry.position) }
        end = max(last, position)
    }

    /// Takes back what was added of events after a position.
    func rewind(to position: Int64) {
        while let entry = entries.last, entry.position > position {
            newest[bucket(entry.key)] = entry.previous
            entries.removeLast()
        }
        end = min(end, position)
    }

    /// Adds an entry of an event, whose position is not lower than that of any before.
    @inline(__always) func add(_ key: Int64, _ position: Int64) {
        let bucket = bucket(key)
        entries.append(Entry(key: key, position: position, previous: newest[bucket]))
        newest[bucket] = entries.count - 1
        end = position
    }

    /// Up to `limit` positions of a key, from `bound` on in a direction, appended to `positions`.
    func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into positions: inout [Int64]
    ) {
        let (first, isForward) = (positions.count, direction == .forward)
        var index = newest[bucket(key)]
        while index >= 0 {
            let entry = entries[index]
            index = entry.previous
            if isForward ? entry.position < bound : positions.count - first == limit { break }
            if entry.key == key && (isForward || entry.position <= bound) { positions.append(entry.position) }
        }
        guard isForward else { return }
        positions[first...].reverse()
        if positions.count - first > limit { positions.removeLast(positions.count - first - limit) }
    }

    @inline(__always) private func bucket(_ key: Int64) -> Int {
        Int(truncatingIfNeeded: IndexKey.mix(UInt64(bitPattern: key)) & mask)
    }
}
