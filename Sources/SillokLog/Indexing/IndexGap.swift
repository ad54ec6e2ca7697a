import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage

/// The events that are not in the index file and not in memory while the index is rebuilt. Readers search the log for
/// them.
///
/// A survey reads the events of the gap once. After it, a filter for each few thousand events shows which of them a
/// search must read. Until then a search reads all events of the gap.
struct IndexGap: Sendable {
    /// Adjacent events of the gap, and the keys that they have.
    final class Chunk: Sendable {
        let positions: ClosedRange<Int64>
        private let keys: KeyFilter
        /// The lowest and the highest key of a time-ordered id. The filter does not contain them.
        private let ordered: ClosedRange<Int64>?

        /// - Parameter entries: the keys of all events.
        init(_ positions: ClosedRange<Int64>, _ entries: some Sequence<Int64>) {
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
        func mayHave(_ key: Int64) -> Bool {
            IndexKey.isTimeOrdered(key) ? ordered?.contains(key) ?? false : keys.mayContain(key)
        }
    }

    /// The index file has all entries up to here.
    private(set) var start: Int64
    /// The last position of the gap.
    private(set) var end: Int64
    /// The events up to ``surveyed``, in order.
    private(set) var chunks: [Chunk] = []
    private(set) var surveyed: Int64
    /// What the surveyed part of the log records of other logs.
    private(set) var tracking: [TrackingSource: Tracking] = [:]

    /// The number of events in a chunk.
    let chunkEvents: Int64

    init(after start: Int64, through end: Int64, _ tuning: LogTuning) {
        (self.start, self.end, surveyed) = (start, end, start)
        chunkEvents = tuning.surveyedChunk
    }

    /// The number of events.
    var count: Int64 { end - start }

    /// Whether the survey is complete, so that a search reads few events.
    var isSurveyed: Bool { surveyed >= end }

    /// Adds a chunk that begins behind the last one.
    mutating func add(_ chunk: Chunk, _ tracking: [TrackingSource: Tracking]) {
        chunks.append(chunk)
        surveyed = chunk.positions.upperBound
        self.tracking.merge(tracking) { $1 }
    }

    /// Adds events behind the end of a surveyed gap.
    mutating func extend(_ chunks: [Chunk], through end: Int64, _ tracking: [TrackingSource: Tracking]) {
        self.chunks += chunks
        (self.end, surveyed) = (end, end)
        self.tracking.merge(tracking) { $1 }
    }

    /// Removes the events up to a position, because the index file has their entries.
    mutating func shorten(to start: Int64) {
        self.start = start
        surveyed = max(surveyed, start)
        if let first = chunks.firstIndex(where: { $0.positions.upperBound > start }) {
            chunks.removeFirst(first)
        } else {
            chunks.removeAll()
        }
    }

    /// The ranges of positions that a search for a key must read, in the order of a direction.
    func ranges(
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

extension LogReader {
    /// Appends positions of a key in the gap of the index, which it finds in the log.
    ///
    /// - Returns: the steps that it took.
    func readGap(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, _ budget: StepBudget?,
        into positions: inout [Int64]
    ) throws -> Int {
        guard let gap = view.gap, limit > 0 else { return 0 }
        var (cost, found) = (1, [Int64]())
        for range in gap.ranges(of: key, from: bound, direction) {
            try budget?.check()
            cost += range.count
            try search(range, for: key, into: &found)
            if found.count >= limit { break }
        }
        positions += found.prefix(limit)
        return cost

        func search(_ range: ClosedRange<Int64>, for key: Int64, into found: inout [Int64]) throws {
            let first = found.count
            var scratch: [Int64] = []
            try segments.forEach(from: UInt64(range.lowerBound), through: UInt64(range.upperBound)) { record in
                scratch.removeAll(keepingCapacity: true)
                if key >= 0 { scratch.append(keys.key(try record.id)) } else { try keys.append(record, to: &scratch) }
                if scratch.contains(key) { found.append(Int64(record.position)) }
                return true
            }
            if direction == .backward { found[first...].reverse() }
        }
    }

    /// Returns how far a source was consumed as the events of the gap record it, or `nil`.
    func trackedInGap(_ source: TrackingSource) throws -> Tracking? {
        guard let gap = view.gap, !gap.isSurveyed else { return view.gap?.tracking[source] }
        var found: Tracking?
        try segments.forEachRecord(from: UInt64(gap.start) + 1, through: UInt64(gap.end)) { record in
            guard record.kind == .tracking else { return true }
            let tracking = try record.tracking()
            if tracking.source == source { found = tracking }
            return true
        }
        return found
    }

    /// Adds the first names of streams of the gap between two names to others.
    ///
    /// - Throws: `StoreError` `overloaded` until the survey is complete.
    func addNamesInGap(
        after lower: StreamID, before upper: StreamID?, limit: Int, to names: inout Set<StreamID>
    ) throws {
        guard let gap = view.gap else { return }
        guard gap.isSurveyed else { throw gap.refusal("The streams cannot be listed") }
        try segments.forEach(from: UInt64(gap.start) + 1, through: UInt64(gap.end)) { record in
            guard record.revision == 1, let name = try record.stream, name > lower, upper.map({ name < $0 }) ?? true
            else { return true }
            names.insert(name)
            if names.count > 4 * max(limit, 1024) { names = Set(names.sorted().prefix(limit)) }
            return true
        }
    }
}

extension IndexGap {
    /// The error for what cannot be answered while the index is rebuilt.
    func refusal(_ what: String) -> StoreError {
        StoreError(
            .overloaded,
            "\(what): the index is being rebuilt from the log, and \(count) events are not in it yet. Nothing was "
                + "stored. Retry later.", retryAfter: .seconds(5))
    }
}
