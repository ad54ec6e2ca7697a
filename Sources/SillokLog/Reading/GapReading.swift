import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage

// Reads of the events that the index does not have while it is rebuilt.
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
            // A record costs less than a step, and a search that reads chunks should not be refused for its budget.
            cost += range.count / 8 + 1
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
        guard gap.isSurveyed else { throw gap.refusal("the streams cannot be listed", .definite) }
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
    init(after start: Int64, through end: Int64, _ tuning: LogTuning) {
        self.init(after: start, through: end, chunkEvents: tuning.surveyedChunk)
    }

    /// The error for what cannot be answered while the index is rebuilt.
    func refusal(_ what: String, _ outcome: StoreError.Outcome) -> StoreError {
        StoreError(
            .overloaded,
            "\(what): the index is being rebuilt from the log, and \(count) events are not in it yet. Retry later.",
            outcome: outcome, retryAfter: .seconds(5))
    }
}
