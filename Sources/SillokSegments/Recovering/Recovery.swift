import SillokDisk
import SillokLogFormat

/// What an opening found: the segments, and where the log ends.
struct RecoveredLog {
    var segments: [SegmentEntry] = []
    /// The segment with the last group. Its file is open for writing in mode `.write`.
    var live: LiveSegment
    /// The end of what is durable, and the position of the last durable event.
    var durable: DurableMark
    /// The next segment, if a header of the last one proves that it is complete.
    var prepared: EmptySegment?
    var damages: [LogDamage] = []
}

/// The segment to which groups are written.
struct LiveSegment {
    var scan: TailScan
    var file: any DiskFile
    /// The bytes of the file.
    var size: Int
    /// The offset up to which the file has groups or real zeros. The space behind it may be only reserved.
    var zeroed = 0
}

/// Opens a log: finds its end, tells a torn tail from damage, and rewrites what is not proven to be durable.
///
/// A bad place is damage exactly if anything says that the log was durable beyond it: a later header in the same
/// segment, the header of a later segment, a group in a later segment, or the file `durable`. Otherwise the groups
/// there were never acknowledged, and they are cut, also if some of them are whole.
struct Recovery {
    let files: LogFiles
    let mode: LogMode

    private var isWriting: Bool { mode == .write }

    func run() throws(LogError) -> RecoveredLog {
        // Before the segments: a writer in another process may move it on at any time.
        let published = files.faults.contains(.durableMarkNeverAdvances) ? nil : files.durableMark()
        let ordinals = try files.ordinals()
        if mode == .salvage { return try salvaged(ordinals) }
        try checkComplete(ordinals)
        var tail = try findTail(ordinals)
        if let published { tail.add(published.place) }
        try check(tail)
        if mode == .readAlone, isOnDisk(tail.live.file) {
            tail = try findTail(ordinals)
        } else if !isWriting {
            tail.live.scan.cut(behind: tail.proven)
        }
        let scan = tail.live.scan
        let durable = DurableMark(place: scan.place, position: scan.nextPosition - 1)
        var log = RecoveredLog(live: tail.live, durable: durable)
        // Before the repair: if this finds damage, nothing was changed.
        log.segments = try entries(ordinals, scan)
        if isWriting {
            try syncNames()
            try repair(tail)
            try removeUnused(tail)
        }
        if let next = tail.prepared { log.prepared = EmptySegment(file: next.file, bytes: next.size) }
        return log
    }

    /// Makes the end of the log durable, and lets the next read come from the disk; `false` if that is not possible.
    ///
    /// After a sync that failed, a page cache may return bytes that are not on the disk.
    private func isOnDisk(_ file: any DiskFile) -> Bool {
        do throws(DiskError) {
            try file.sync(.data)
            try file.dropCache()
            return true
        } catch {
            return false
        }
    }

    /// The end of the log, and the evidence about it.
    struct Tail {
        var live: LiveSegment
        /// The segments behind the live one, which have no group.
        var unused: [UInt32] = []
        /// The next segment, if the last header proves that it is complete.
        var prepared: LiveSegment?
        /// The latest statement about what is durable.
        var witness = LogPlace(segment: 0, offset: 0)
        /// The offset behind the last byte of the live segment that is not 0.
        var leftoverEnd: Int?
        var hasFollowers = false

        mutating func add(_ place: LogPlace) { witness = max(witness, place) }

        /// The end of what is proven to be durable.
        var proven: LogPlace { min(max(witness, live.scan.witness), live.scan.place) }
    }

    private func checkComplete(_ ordinals: [UInt32]) throws(LogError) {
        var expected: UInt32 = 1
        for ordinal in ordinals {
            if ordinal != expected { throw try missing(expected) }
            expected += 1
        }
        if ordinals.isEmpty { throw try missing(1) }
    }

    private func missing(_ ordinal: UInt32) throws(LogError) -> LogError {
        var position: UInt64 = 1
        if ordinal > 1 {
            let live = try scan(ordinal - 1)
            position = live.scan.nextPosition
        }
        return files.damage(ordinal, 0, position: position, "the file is missing")
    }

    /// Finds the last segment that begins with a sound group, from the last one backwards.
    private func findTail(_ ordinals: [UInt32]) throws(LogError) -> Tail {
        var later: [LiveSegment] = []
        for ordinal in ordinals.reversed() {
            let segment = try scan(ordinal)
            if segment.scan.hasGroups || ordinal == 1 { return try tail(segment, later) }
            if files.faults.contains(.emptySegmentRefused) {
                throw files.damage(ordinal, 0, position: 0, "the segment has no group")
            }
            later.append(segment)
        }
        throw files.damage(1, 0, position: 1, "the file is missing")
    }

    /// Gathers the evidence that lies behind the last sound group.
    private func tail(_ live: LiveSegment, _ later: [LiveSegment]) throws(LogError) -> Tail {
        var tail = Tail(live: live)
        // The header was durable before the segment got a group.
        guard let header = try segmentHeader(of: live) else {
            throw files.damage(
                live.scan.ordinal, 0, position: max(1, live.scan.firstPosition),
                "the header of the segment does not match its checksum")
        }
        tail.add(header.durable)
        // Nothing follows a seal.
        if !live.scan.isSealed, live.scan.flaw != nil || !files.faults.contains(.zerosAreTheEnd) {
            tail.leftoverEnd = try gather(live, &tail)
        }
        for segment in later {
            let header = try segmentHeader(of: segment)
            if let header { tail.add(header.durable) }
            let isProven =
                segment.scan.ordinal == live.scan.ordinal + 1 && live.scan.nextSegmentBytes > 0
                && header?.bytes == live.scan.nextSegmentBytes && segment.size == live.scan.nextSegmentBytes
            // It gets no group before the live segment has its seal, so there is no need to read it.
            let isBlank = isProven && !live.scan.isSealed && segment.scan.flaw == nil
            let leftoverEnd = isBlank ? nil : try gather(segment, &tail)
            if isProven, leftoverEnd == nil {
                tail.prepared = segment
            } else {
                tail.unused.append(segment.scan.ordinal)
            }
        }
        return tail
    }

    private func segmentHeader(of segment: LiveSegment) throws(LogError) -> SegmentHeader? {
        var walk = try GroupWalk(segment.file, segment.scan.ordinal, files)
        return try walk.segmentHeader(files)
    }

    /// Adds what lies behind the sound groups of a segment to the evidence, and returns where it ends.
    private func gather(_ segment: LiveSegment, _ tail: inout Tail) throws(LogError) -> Int? {
        let leftover = try Leftover(
            in: segment.file, segment.scan.ordinal, from: segment.scan.end, size: segment.size, files)
        if let witness = leftover.witness {
            tail.add(witness)
            tail.hasFollowers = true
        }
        return leftover.end
    }

    func scan(_ ordinal: UInt32) throws(LogError) -> LiveSegment {
        let path = files.segmentPath(ordinal)
        let file = try onDisk { () throws(DiskError) in
            try files.disk.open(path, isWriting ? .write : .read)
        }
        var walk = try GroupWalk(file, ordinal, files)
        var scan = TailScan(ordinal, firstPosition: ordinal == 1 ? 1 : nil)
        try scan.walk(&walk)
        return LiveSegment(scan: scan, file: file, size: walk.size)
    }

    /// Throws if anything says that the log was durable beyond its last sound group.
    private func check(_ tail: Tail) throws(LogError) {
        let scan = tail.live.scan
        var end = scan.place
        if files.faults.contains(.damageIsCut) { return }
        if tail.hasFollowers, files.faults.contains(.followersProveDamage) {
            throw files.damage(scan.ordinal, scan.end, position: scan.nextPosition, "valid groups follow")
        }
        if tail.witness <= end { return }
        var offset = scan.end
        if scan.isSealed {
            // The bad place is the start of the next segment, or that segment is missing.
            end = LogPlace(scan.ordinal + 1, LogFormat.headerBytes)
            if tail.witness <= end { return }
            offset = LogFormat.headerBytes
        }
        throw files.damage(
            end.segment, offset, position: scan.nextPosition,
            "\(scan.flaw ?? "there is no group"), but the log was durable up to segment \(tail.witness.segment), "
                + "offset \(tail.witness.offset)")
    }

    /// The entries of the segments up to the live one.
    private func entries(_ ordinals: [UInt32], _ live: TailScan) throws(LogError) -> [SegmentEntry] {
        var entries: [SegmentEntry] = []
        for ordinal in ordinals where ordinal < live.ordinal {
            entries.append(SegmentEntry(ordinal: ordinal, first: try firstPosition(ordinal), places: nil))
        }
        entries.append(
            SegmentEntry(ordinal: live.ordinal, first: live.firstPosition, places: live.placeList))
        return entries
    }

    /// The position of the first event of a segment that is not the last one: all that is read of it.
    private func firstPosition(_ ordinal: UInt32) throws(LogError) -> UInt64 {
        let file = try onDisk { () throws(DiskError) in try files.disk.open(files.segmentPath(ordinal), .read) }
        var walk = try GroupWalk(file, ordinal, files)
        guard try walk.segmentHeader(files) != nil, let header = try walk.header(at: LogFormat.headerBytes) else {
            throw files.damage(
                ordinal, 0, position: try ordinal == 1 ? 1 : scan(ordinal - 1).scan.nextPosition,
                "the headers of the segment do not match their checksums")
        }
        return header.firstPosition
    }
}

extension Recovery {
    /// Makes the names of the log durable: a creation that was interrupted at its end may not have done so.
    private func syncNames() throws(LogError) {
        try onDisk { () throws(DiskError) in
            try files.disk.syncFolder(files.parent)
            try files.disk.syncFolder(files.folder)
            try files.disk.syncFolder(files.segmentFolder)
        }
    }

    /// Writes again what is not proven to be durable, cuts what was never acknowledged, and syncs.
    ///
    /// A page cache may return bytes that are not on the disk after a sync that failed. So what this returns as the log
    /// is durable only after it was written again. Each step can be repeated after a crash.
    private func repair(_ tail: Tail) throws(LogError) {
        let live = tail.live
        var hasWritten = false
        if let end = tail.leftoverEnd, end > live.scan.end, !files.faults.contains(.tailNotZeroed) {
            try onDisk { () throws(DiskError) in try zero(live.file, live.scan.end..<end) }
            hasWritten = true
        }
        let start = LogPlace(live.scan.ordinal, LogFormat.headerBytes)
        let proven = Int(clamping: max(tail.proven, start).offset)
        if files.faults.contains(.tailNotRewritten) { return }
        if proven < live.scan.end {
            try onDisk { () throws(DiskError) in try rewrite(live.file, proven..<live.scan.end) }
            hasWritten = true
        }
        if hasWritten { try onDisk { () throws(DiskError) in try live.file.sync(.data) } }
    }

    private func zero(_ file: any DiskFile, _ range: Range<Int>) throws(DiskError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = min(LogFiles.zeros.count, range.upperBound - offset)
            try LogFiles.zeros.withUnsafeBufferPointer { (zeros) throws(DiskError) in
                try file.writeAll(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: zeros[..<count])), at: offset)
            }
            offset += count
        }
    }

    private func rewrite(_ file: any DiskFile, _ range: Range<Int>) throws(DiskError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let bytes = try file.bytes(at: offset, count: min(1 << 20, range.upperBound - offset))
            if bytes.isEmpty { break }
            try file.writeAll(bytes, at: offset)
            offset += bytes.count
        }
    }

    /// Removes segments that have no group and are not proven to be complete.
    private func removeUnused(_ tail: Tail) throws(LogError) {
        try onDisk { () throws(DiskError) in
            // The last one first, and durably: a segment that is missing in front of others is damage.
            for ordinal in tail.unused.sorted(by: >) {
                try files.disk.remove(files.segmentPath(ordinal))
                try files.disk.syncFolder(files.segmentFolder)
            }
        }
    }
}
