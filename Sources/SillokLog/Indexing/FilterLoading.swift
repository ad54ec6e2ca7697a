import SillokIndexFile
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
    private enum Place {
        case names(key: Int64, position: Int64)
        case ids(after: Int64, through: Int64)
    }

    private let filter: TableFilter
    /// Where the next slice begins; `nil` at the end.
    private var next: Place? = .names(key: .min, position: 0)
    /// A chunk of ids counts as this number of rows.
    private static let chunkRows = 256

    init(_ filter: TableFilter) { self.filter = filter }

    /// Whether there are more keys.
    var isUnfinished: Bool { next != nil }

    /// Ends before all keys were read. The filter stays unused.
    mutating func cancel() { next = nil }

    /// Adds the keys of the next rows.
    mutating func step(_ writer: EntryWriter, rows: Int) throws {
        var keys: [Int64] = []
        switch next {
        case .names(let key, let position):
            let end = try writer.readNames(after: (key, position), limit: rows) {
                if $0 != keys.last { keys.append($0) }
            }
            if let end {
                next = .names(key: end.key, position: end.position)
            } else {
                // Chunks that are written from now on have keys that the filter gets when they are moved.
                next = .ids(after: 0, through: try writer.lastChunk())
            }
        case .ids(let chunk, let last):
            let limit = max(1, rows / Self.chunkRows)
            let end = try writer.readIDs(after: chunk, through: last, limit: limit) { keys.append($0) }
            next = end.map { .ids(after: $0, through: last) }
        case nil: return
        }
        filter.add(keys)
        if next == nil { filter.complete() }
    }
}
