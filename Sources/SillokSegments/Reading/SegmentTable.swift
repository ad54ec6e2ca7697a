import SillokCore
import SillokDisk
import SillokLogFormat

/// The places of a segment's events, in memory.
final class PlaceList: @unchecked Sendable {
    // Changed by the writer only while it holds the lock of the table.
    fileprivate(set) var places: [UInt32]
    /// Where the last record ends.
    fileprivate(set) var end: Int
    /// Some of the groups, at least 64 KiB apart, in order.
    fileprivate(set) var groups: [GroupStart]

    init(_ places: [UInt32], end: Int, groups: [GroupStart] = []) {
        (self.places, self.end, self.groups) = (places, end, groups)
    }
}

/// Where a group begins, and the position of its first event.
struct GroupStart: Sendable {
    var offset: Int
    var firstPosition: UInt64
}

extension [GroupStart] {
    /// Adds a group, unless it is near the last one.
    mutating func note(_ offset: Int, _ firstPosition: UInt64) {
        if let last, offset - last.offset < 64 << 10 { return }
        append(GroupStart(offset: offset, firstPosition: firstPosition))
    }
}

/// One segment with the position of its first event.
struct SegmentEntry: Sendable {
    let ordinal: UInt32
    let first: UInt64
    /// `nil`: they are in the file of places.
    var places: PlaceList?
}

/// Where the record of an event is.
struct RecordPlace {
    let ordinal: UInt32
    /// Its offset. In mode `.salvage`, 0 is an event that cannot be read.
    let start: Int
    /// Where it ends at the latest.
    let end: Int
    /// Whether the place is from a file, which may be wrong.
    var isFromFile = false
}

/// Which positions are where: written by the writer, read by all readers.
final class SegmentTable: Sendable {
    private struct State {
        var segments: [SegmentEntry]
        var writtenHead: UInt64
        var durable: DurableMark
        /// Places of segments whose files are missing or wrong, the latest last.
        var rebuilt: [(ordinal: UInt32, places: PlaceList)] = []

        func rebuilt(_ ordinal: UInt32) -> PlaceList? { rebuilt.last { $0.ordinal == ordinal }?.places }
    }

    private let state: Lock<State>
    /// One thread at a time writes files of places.
    let fileLock = Lock(())

    init(_ segments: [SegmentEntry], writtenHead: UInt64, durable: DurableMark) {
        state = Lock(State(segments: segments, writtenHead: writtenHead, durable: durable))
    }

    var writtenHead: UInt64 { state.withLock { $0.writtenHead } }
    var durable: DurableMark { state.withLock { $0.durable } }
    var ordinals: [UInt32] { state.withLock { $0.segments.map(\.ordinal) } }

    /// The segment of a position, or the last one for positions behind the end.
    func ordinal(of position: UInt64) -> UInt32? {
        state.withLock { state in
            guard let index = SegmentTable.index(of: position, in: state.segments) else { return nil }
            // Segments before it that have only tracking records have the same first position.
            let first = state.segments[index].first
            return state.segments[...index].first { $0.first == first }?.ordinal
        }
    }

    /// Where a walk through a segment can begin to meet every record that belongs to a position or a later one.
    func walkStart(_ ordinal: UInt32, _ position: UInt64) -> Int {
        state.withLock { state in
            guard let index = state.segments.lastIndex(where: { $0.ordinal == ordinal }) else { return nil }
            return state.segments[index].places?.groups.last { $0.firstPosition < position }?.offset
        } ?? LogFormat.headerBytes
    }

    /// The first position of a segment, and the one behind its last.
    func positions(of ordinal: UInt32) -> (first: UInt64, next: UInt64)? {
        state.withLock { state in
            guard let index = state.segments.firstIndex(where: { $0.ordinal == ordinal }) else { return nil }
            let next = index + 1 < state.segments.count ? state.segments[index + 1].first : state.writtenHead &+ 1
            return (state.segments[index].first, next)
        }
    }

    /// Appends the places of positions, up to the first one that is in a file of places or behind the end of the log.
    ///
    /// - Returns: the segment of that file, and the positions of its events.
    func find(
        _ positions: ArraySlice<UInt64>, into places: inout [RecordPlace]
    ) -> (ordinal: UInt32, positions: Range<UInt64>)? {
        state.withLock { state in
            var rest = positions
            while let first = rest.first, first <= state.writtenHead,
                let index = SegmentTable.index(of: first, in: state.segments)
            {
                let segment = state.segments[index]
                let next = index + 1 < state.segments.count ? state.segments[index + 1].first : state.writtenHead &+ 1
                let range = segment.first..<max(segment.first, next)
                guard let list = segment.places ?? state.rebuilt(segment.ordinal) else {
                    return (segment.ordinal, range)
                }
                let (offsets, end) = (list.places, list.end)
                while let position = rest.first, range.contains(position) {
                    let start = Int(clamping: position - segment.first)
                    guard start < offsets.count else { return nil }
                    // An event that cannot be salvaged has the place 0.
                    let following = offsets[(start + 1)...].first { $0 > 0 }
                    places.append(
                        RecordPlace(
                            ordinal: segment.ordinal, start: Int(offsets[start]) * LogFormat.alignment,
                            end: following.map { Int($0) * LogFormat.alignment } ?? end))
                    rest.removeFirst()
                }
            }
            return nil
        }
    }

    /// The positions up to the last event whose events cannot be read, in order. For mode `.salvage`.
    var gaps: [ClosedRange<UInt64>] {
        state.withLock { state in
            var (gaps, next): ([ClosedRange<UInt64>], UInt64) = ([], 1)
            func add(_ range: ClosedRange<UInt64>) {
                if let last = gaps.last, last.upperBound + 1 == range.lowerBound {
                    gaps[gaps.count - 1] = last.lowerBound...range.upperBound
                } else {
                    gaps.append(range)
                }
            }
            for segment in state.segments {
                if segment.first > next { add(next...segment.first - 1) }
                next = max(next, segment.first)
                for place in segment.places?.places ?? [] {
                    if place == 0 { add(next...next) }
                    next += 1
                }
            }
            if next <= state.writtenHead { add(next...state.writtenHead) }
            return gaps
        }
    }

    private static func index(of position: UInt64, in segments: [SegmentEntry]) -> Int? {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].first <= position { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}

// What the writer changes.
extension SegmentTable {
    /// Adds the records of a group that was written at `base`.
    func append(_ places: [UInt32], base: Int, end: Int) {
        state.withLock { state in
            guard let list = state.segments.last?.places else { return }
            list.groups.note(base, state.writtenHead + 1)
            let base = UInt32(truncatingIfNeeded: base / LogFormat.alignment)
            for place in places { list.places.append(base &+ place) }
            list.end = end
            state.writtenHead += UInt64(places.count)
        }
    }

    /// Takes a new segment into use.
    func begin(_ ordinal: UInt32) {
        state.withLock { state in
            let entry = SegmentEntry(
                ordinal: ordinal, first: state.writtenHead + 1, places: PlaceList([], end: LogFormat.headerBytes))
            state.segments.append(entry)
        }
    }

    /// Moves the durable end.
    func setDurable(_ mark: DurableMark) { state.withLock { $0.durable = mark } }

    /// Replaces the places of the last segment with those of a longer walk, or adds a segment. For mode `.readOnly`.
    func take(_ scan: TailScan) {
        state.withLock { state in
            let entry = SegmentEntry(ordinal: scan.ordinal, first: scan.firstPosition, places: scan.placeList)
            if state.segments.last?.ordinal == scan.ordinal { state.segments.removeLast() }
            state.segments.append(entry)
            state.writtenHead = max(state.writtenHead, scan.nextPosition - 1)
        }
    }

    /// Keeps the places that were gathered from a segment because its file of places is missing or wrong.
    func keep(_ places: PlaceList, of ordinal: UInt32) {
        state.withLock { state in
            state.rebuilt.removeAll { $0.ordinal == ordinal }
            state.rebuilt.append((ordinal, places))
            if state.rebuilt.count > SegmentTable.rebuiltLists { state.rebuilt.removeFirst() }
        }
    }

    /// Each takes 4 bytes an event.
    private static let rebuiltLists = 8

    /// The full segments whose places are in memory.
    var unsettled: [(entry: SegmentEntry, places: PlaceList)] {
        state.withLock { state in
            state.segments.dropLast().compactMap { entry in entry.places.map { (entry, $0) } }
        }
    }

    /// Forgets the places of a segment that are now in its file.
    func settle(_ ordinal: UInt32) {
        state.withLock { state in
            if let index = state.segments.firstIndex(where: { $0.ordinal == ordinal }) {
                state.segments[index].places = nil
            }
            state.rebuilt.removeAll { $0.ordinal == ordinal }
        }
    }
}
