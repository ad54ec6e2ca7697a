import SillokDisk

/// Walks through the groups of a segment, as far as they are sound, and gathers what they say.
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

/// What lies in a segment behind its last sound group.
struct Leftover {
    /// The latest statement of a sound header about what is durable.
    var witness: LogPlace?
    /// The offset behind the last byte that is not 0; `nil` if all are.
    var end: Int?

    /// Searches a segment from an offset. A sound header may begin at every multiple of 8.
    init(in file: any DiskFile, _ ordinal: UInt32, from start: Int, size: Int, _ files: LogFiles) throws(LogError) {
        var window = ByteWindow(file, capacity: 1 << 20)
        var offset = start
        while offset < size {
            let bytes = try window.bytes(at: offset, min(1 << 20, size - offset))
            if bytes.isEmpty { break }
            if let last = bytes.lastNonZero {
                end = offset + last + 1
                search(bytes, at: offset, ordinal, files)
            }
            if offset + bytes.count >= size { break }
            // A header may lie across the end of these bytes.
            offset += max(LogFormat.alignment, bytes.count - LogFormat.headerBytes) & ~(LogFormat.alignment - 1)
        }
    }

    private mutating func search(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, _ ordinal: UInt32, _ files: LogFiles
    ) {
        guard let start = bytes.baseAddress else { return }
        var index = 0
        while index + LogFormat.headerBytes <= bytes.count {
            if start.number(index, UInt32.self) == LogFormat.groupMagic,
                let header = GroupHeader(start + index, salt: files.salt),
                header.isAt(ordinal, offset + index) || files.faults.contains(.placeNotChecked) {
                witness = max(witness ?? header.durable, header.durable)
            }
            index += LogFormat.alignment
        }
    }
}
