import SillokStorage

extension TableFilter {
    /// Makes a filter of the size that a store wants.
    convenience init(
        highestOrdered highest: Int64, isLoaded: Bool = false, isSurveyed: Bool = true, _ tuning: LogTuning
    ) {
        self.init(
            highestOrdered: highest, isLoaded: isLoaded, isSurveyed: isSurveyed, keys: tuning.filterKeys,
            maximumBytes: tuning.filterBytes, losesKeys: tuning.filterLosesKeys)
    }
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
