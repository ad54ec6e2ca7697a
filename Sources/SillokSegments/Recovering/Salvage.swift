import SillokDisk
import SillokLogFormat

extension Recovery {
    /// Opens what is readable of a damaged log. Nothing is required of it but the file `store`.
    func salvaged(_ ordinals: [UInt32]) throws(LogError) -> RecoveredLog {
        var segments: [SegmentEntry] = []
        var damages: [LogDamage] = []
        var next: UInt64 = 1
        var last: LiveSegment?
        var expected: UInt32 = 1
        for ordinal in ordinals {
            while expected < ordinal {
                damages.append(
                    LogDamage(
                        path: files.segmentPath(expected), offset: 0, position: next, reason: "the file is missing"))
                expected += 1
            }
            expected = ordinal + 1
            let live = try scan(ordinal)
            last = live
            var segment = SalvagedSegment(ordinal, files, nextPosition: next)
            var walk = try GroupWalk(live.file, ordinal, files)
            try segment.walk(&walk)
            damages += segment.damages
            guard let first = segment.firstPosition else { continue }
            next = segment.nextPosition
            segments.append(
                SegmentEntry(ordinal: ordinal, first: first, places: PlaceList(segment.places, end: segment.end)))
        }
        guard let last else { throw files.damage(1, 0, position: 1, "the file is missing") }
        return RecoveredLog(
            segments: segments, live: last,
            durable: DurableMark(place: LogPlace(last.scan.ordinal, last.size), position: next - 1), damages: damages)
    }
}

/// The readable events of one segment.
private struct SalvagedSegment {
    private let ordinal: UInt32
    private let files: LogFiles
    private(set) var firstPosition: UInt64?
    private(set) var nextPosition: UInt64
    /// As in a file of places; 0 for an event that cannot be read.
    private(set) var places: [UInt32] = []
    private(set) var end = LogFormat.headerBytes
    private(set) var damages: [LogDamage] = []

    /// More missing events than this are not from one segment.
    private static let largestGap: UInt64 = 1 << 24

    init(_ ordinal: UInt32, _ files: LogFiles, nextPosition: UInt64) {
        self.ordinal = ordinal
        self.files = files
        self.nextPosition = nextPosition
    }

    mutating func walk(_ walk: inout GroupWalk) throws(LogError) {
        var offset = LogFormat.headerBytes
        while offset + LogFormat.headerBytes <= walk.size {
            if let header = try walk.header(at: offset), header.firstPosition >= nextPosition,
                header.firstPosition - nextPosition < SalvagedSegment.largestGap || firstPosition == nil
            {
                try take(header, &walk, at: offset)
                offset = min(offset + header.totalBytes, walk.size)
                if header.isSeal { return }
            } else {
                let sound = try nextHeader(&walk, after: offset)
                let isBlank = try walk.isBlank(at: offset)
                if sound != nil || !isBlank { report(offset, "there is no sound group") }
                guard let sound else { return }
                offset = sound
            }
        }
    }

    private mutating func take(_ header: GroupHeader, _ walk: inout GroupWalk, at offset: Int) throws(LogError) {
        fill(to: header.firstPosition)
        var place = offset + LogFormat.headerBytes
        let last = min(offset + header.totalBytes, walk.size)
        while place < last {
            switch try walk.record(at: place, before: last, nextPosition) {
            case .success(let record):
                if record.kind == .event { add(place) }
                place += record.size
                end = place
            case .failure(.body(let size, let isEvent)), .failure(.unknown(let size, let isEvent)):
                report(place, "the record cannot be read")
                if isEvent { add(0) }
                place += size
            case .failure(let flaw):
                report(place, flaw.reason)
                place = last
            }
        }
        fill(to: header.nextPosition)
    }

    private mutating func add(_ place: Int) {
        places.append(UInt32(truncatingIfNeeded: place / LogFormat.alignment))
        nextPosition += 1
    }

    private mutating func fill(to position: UInt64) {
        if firstPosition == nil {
            firstPosition = position
            nextPosition = position
        }
        while nextPosition < position { add(0) }
    }

    private func nextHeader(_ walk: inout GroupWalk, after offset: Int) throws(LogError) -> Int? {
        var place = offset + LogFormat.alignment
        while place + LogFormat.headerBytes <= walk.size {
            if let header = try walk.header(at: place), header.firstPosition >= nextPosition { return place }
            place += LogFormat.alignment
        }
        return nil
    }

    private mutating func report(_ offset: Int, _ reason: String) {
        damages.append(
            LogDamage(path: files.segmentPath(ordinal), offset: offset, position: nextPosition, reason: reason))
    }
}
