import SillokDisk
import SillokLogFormat

/// Walks through the sound groups of a segment and gathers what they say.
struct TailScan {
    let ordinal: UInt32
    /// Behind the last sound group.
    private(set) var end = LogFormat.headerBytes
    /// Behind the last sound group with records.
    private(set) var recordsEnd = LogFormat.headerBytes
    /// The position of the event that would follow.
    private(set) var nextPosition: UInt64
    /// The first position of the segment, or of the event that would be its first.
    private(set) var firstPosition: UInt64
    private(set) var hasGroups = false
    /// Whether the last sound group is the seal.
    private(set) var isSealed = false
    /// The latest statement in a sound header about what is durable.
    private(set) var witness = LogPlace(segment: 0, offset: 0)
    /// What the last header says about the prepared next segment.
    private(set) var nextSegmentBytes: UInt64 = 0
    /// Why the walk ended before the seal; `nil` if there were zeros.
    private(set) var flaw: String?
    /// The offset of each event's record, divided by 8.
    private(set) var places: [UInt32] = []
    /// Some of the groups.
    private(set) var groupStarts: [GroupStart] = []
    /// The ends of the groups that no later header has proven to be durable, and of the last one that is proven.
    private var unproven: [GroupEnd] = []
    private var proven: GroupEnd

    private struct GroupEnd {
        var end = LogFormat.headerBytes
        var nextPosition: UInt64
    }

    /// - Parameter firstPosition: the position of the first event, if it is known.
    init(_ ordinal: UInt32, firstPosition: UInt64? = nil) {
        self.ordinal = ordinal
        nextPosition = firstPosition ?? 0
        self.firstPosition = nextPosition
        proven = GroupEnd(nextPosition: nextPosition)
    }

    var place: LogPlace { LogPlace(ordinal, end) }
    var placeList: PlaceList { PlaceList(places, end: recordsEnd, groups: groupStarts) }

    /// Forgets the groups that no witness has proven to be durable.
    mutating func cut(behind witness: LogPlace) {
        let last = unproven.last { LogPlace(ordinal, $0.end) <= witness } ?? proven
        if last.end < end { isSealed = false }
        (end, nextPosition, unproven) = (last.end, last.nextPosition, [])
        recordsEnd = min(recordsEnd, end)
        groupStarts.removeAll { $0.offset >= last.end }
        places.removeSubrange(min(places.count, Int(clamping: nextPosition - firstPosition))...)
    }

    /// Walks on from the end of the last walk, at most to `limit`.
    mutating func walk(_ walk: inout GroupWalk, limit: Int = .max) throws(LogError) {
        flaw = nil
        while !isSealed, end + LogFormat.headerBytes <= min(walk.size, limit) {
            guard let header = try walk.header(at: end) else {
                if try !walk.isBlank(at: end) { flaw = "the header of the group does not match its checksum or place" }
                return
            }
            if !hasGroups, nextPosition == 0 {
                (nextPosition, firstPosition) = (header.firstPosition, header.firstPosition)
                proven.nextPosition = firstPosition
            }
            guard header.firstPosition == nextPosition else {
                flaw = "the group begins at position \(header.firstPosition), expected \(nextPosition)"
                return
            }
            let count = places.count
            flaw = try walk.records(of: header, at: end) { record, place in
                if record.kind == .event {
                    places.append(UInt32(truncatingIfNeeded: place / LogFormat.alignment))
                }
                return true
            }
            if flaw != nil {
                places.removeSubrange(count...)
                return
            }
            take(header)
        }
    }

    private mutating func take(_ header: GroupHeader) {
        hasGroups = true
        groupStarts.note(end, header.firstPosition)
        end += header.totalBytes
        if header.records > 0 { recordsEnd = end }
        nextPosition = header.nextPosition
        isSealed = header.isSeal
        nextSegmentBytes = header.nextSegmentBytes
        if header.durable > witness {
            witness = header.durable
            if let last = unproven.lastIndex(where: { LogPlace(ordinal, $0.end) <= witness }) {
                proven = unproven[last]
                unproven.removeSubrange(...last)
            }
        }
        unproven.append(GroupEnd(end: end, nextPosition: nextPosition))
    }
}
