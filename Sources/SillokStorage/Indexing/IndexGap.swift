package import SillokCore

/// The events that are not in the index file and not in memory while the index is rebuilt. Readers search the log for
/// them.
///
/// A survey reads the events of the gap once. After it, a filter for each few thousand events shows which of them a
/// search must read. Until then a search reads all events of the gap.
package struct IndexGap: Sendable {
    /// Adjacent events of the gap, and the keys that they have.
    package final class Chunk: Sendable {
        package let positions: ClosedRange<Int64>
        private let keys: KeyFilter
        /// The lowest and the highest key of a time-ordered id. The filter does not contain them.
        private let ordered: ClosedRange<Int64>?

        /// - Parameter entries: the keys of all events.
        package init(_ positions: ClosedRange<Int64>, _ entries: some Sequence<Int64>) {
            self.positions = positions
            var keys = KeyFilter(keys: positions.count, maximumBytes: Int.max / 2)
            var ordered: ClosedRange<Int64>?
            for key in entries {
                if IndexKey.isTimeOrdered(key) {
                    ordered = ordered.map { min($0.lowerBound, key)...max($0.upperBound, key) } ?? key...key
                } else {
                    keys.insert(key)
                }
            }
            (self.keys, self.ordered) = (keys, ordered)
        }

        /// Returns whether an event may have the key; `false`: none has it.
        package func mayHave(_ key: Int64) -> Bool {
            IndexKey.isTimeOrdered(key) ? ordered?.contains(key) ?? false : keys.mayContain(key)
        }
    }

    /// The index file has all entries up to here.
    package private(set) var start: Int64
    /// The last position of the gap.
    package private(set) var end: Int64
    /// The events up to ``surveyed``, in order.
    package private(set) var chunks: [Chunk] = []
    package private(set) var surveyed: Int64
    /// What the surveyed part of the log records of other logs.
    package private(set) var tracking: [TrackingSource: Tracking] = [:]

    /// The number of events in a chunk.
    package let chunkEvents: Int64

    package init(after start: Int64, through end: Int64, chunkEvents: Int64) {
        (self.start, self.end, surveyed, self.chunkEvents) = (start, end, start, chunkEvents)
    }

    /// The number of events.
    package var count: Int64 { end - start }

    /// Whether the survey is complete, so that a search reads few events.
    package var isSurveyed: Bool { surveyed >= end }

    /// Adds a chunk that begins behind the last one.
    package mutating func add(_ chunk: Chunk, _ tracking: [TrackingSource: Tracking]) {
        chunks.append(chunk)
        surveyed = chunk.positions.upperBound
        self.tracking.merge(tracking) { $1 }
    }

    /// Adds events behind the end of a surveyed gap.
    package mutating func extend(_ chunks: [Chunk], through end: Int64, _ tracking: [TrackingSource: Tracking]) {
        self.chunks += chunks
        (self.end, surveyed) = (end, end)
        self.tracking.merge(tracking) { $1 }
    }

    /// Removes the events up to a position, because the index file has their entries.
    package mutating func shorten(to start: Int64) {
        self.start = start
        surveyed = max(surveyed, start)
        if let first = chunks.firstIndex(where: { $0.positions.upperBound > start }) {
            chunks.removeFirst(first)
        } else {
            chunks.removeAll()
        }
    }

    /// The ranges of positions that a search for a key must read, in the order of a direction.
    package func ranges(
        of key: Int64, from bound: Int64, _ direction: ReadRequest.Direction
    ) -> some Sequence<ClosedRange<Int64>> {
        let size = chunkEvents
        let (low, high) = direction == .forward ? (max(bound, start + 1), end) : (start + 1, min(bound, end))
        let isForward = direction == .forward
        var (next, rest) = (isForward ? 0 : chunks.count - 1, isForward ? max(low, surveyed + 1) : high)
        func chunk() -> ClosedRange<Int64>? {
            while chunks.indices.contains(next) {
                let chunk = chunks[next]
                next += isForward ? 1 : -1
                let (first, last) = (max(low, chunk.positions.lowerBound), min(high, chunk.positions.upperBound))
                if first <= last, chunk.mayHave(key) { return first...last }
            }
            return nil
        }
        func unsurveyed() -> ClosedRange<Int64>? {
            let lowest = max(low, surveyed + 1)
            guard rest >= lowest, rest <= high else { return nil }
            if isForward {
                defer { rest += size }
                return rest...min(high, rest + size - 1)
            }
            defer { rest -= size }
            return max(lowest, rest - size + 1)...rest
        }
        return AnyIterator { isForward ? chunk() ?? unsurveyed() : unsurveyed() ?? chunk() }
    }
}
