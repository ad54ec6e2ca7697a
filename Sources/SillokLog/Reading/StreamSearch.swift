import SillokCore
import SillokStorage

/// A search for a revision of a stream. Revisions rise with positions, so it needs no table of its own.
struct StreamSearch {
    private let stream: StreamID
    private let log: LogReader
    private let key: Int64
    /// Up to this distance the entries are read in one go.
    private static let near: UInt64 = 256

    init(_ stream: StreamID, _ log: LogReader) {
        (self.stream, self.log) = (stream, log)
        key = log.keys.key(stream)
    }

    /// Returns the position of a revision, or `nil` if the stream has no such revision.
    func position(of revision: UInt64) throws -> Int64? {
        guard revision > 0, let last = try log.event(of: stream, .backward), last.revision.value >= revision else {
            return nil
        }
        let place = Int64(clamping: last.position.value)
        if last.revision.value == revision { return place }
        if revision <= Self.near {
            if let found = try entry(Int(revision), from: 0, .forward, revision) { return found }
        } else if last.revision.value - revision < Self.near {
            let count = Int(last.revision.value - revision) + 1
            if let found = try entry(count, from: place, .backward, revision) { return found }
        }
        return try search(revision, below: place)
    }

    /// Returns the position of the entry that is reached after a number of entries, if it is the wanted event. It may
    /// not be, because names can share a key.
    private func entry(
        _ count: Int, from bound: Int64, _ direction: ReadRequest.Direction, _ revision: UInt64
    ) throws -> Int64? {
        var found: [Int64] = []
        try log.read(key, from: bound, direction, limit: count, into: &found)
        guard found.count == count, let place = found.last else { return nil }
        let event = try log.event(at: place)
        return event.stream == stream && event.revision.value == revision ? place : nil
    }

    /// Halves the range of positions until the wanted event is found.
    private func search(_ revision: UInt64, below end: Int64) throws -> Int64 {
        var (low, high): (Int64, Int64) = (1, end)
        while low <= high {
            let middle = low + (high - low) / 2
            guard let event = try log.first(key, from: middle, .forward, where: { $0.stream == stream }) else { break }
            let place = Int64(clamping: event.position.value)
            if event.revision.value == revision { return place }
            if event.revision.value < revision { low = place + 1 } else { high = middle - 1 }
        }
        throw StoreError.damagedStream(stream, at: Position(UInt64(clamping: low)))
    }
}
