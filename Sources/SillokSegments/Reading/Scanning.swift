import SillokDisk
import SillokLogFormat

// Reading many records, in large blocks.
extension SegmentReader {
    private static let runEvents = 2048

    /// Calls `body` with each event of the range in order, until it returns `false`. Reads large blocks.
    ///
    /// In mode `.salvage`, events that cannot be read are skipped and their places are added to ``damages``.
    package func forEach(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws {
        if isSalvaging { return try salvage(from: first, through: last, body) }
        var block = Block()
        var position = max(1, first)
        while position <= last {
            let limit = Int(clamping: min(UInt64(SegmentReader.runEvents - 1), last - position)) + 1
            let run = try run(at: position, limit: limit)
            switch try scan(run, &block, body) {
            case .stopped: return
            case .complete: position += UInt64(run.places.count)
            case .wrong(let next):
                try rebuild(run.ordinal)
                position = next
            }
        }
    }

    private enum Progress {
        case complete, stopped
        /// The places are wrong from this position on.
        case wrong(UInt64)
    }

    private func scan(
        _ run: PlaceRun, _ block: inout Block, _ body: (RecordView) throws -> Bool
    ) throws -> Progress {
        let file = try segment(run.ordinal)
        let (salt, faults) = (files.salt, files.faults)
        var index = 0
        while index < run.places.count {
            let end = try block.load(run, from: index, file)
            while index < end {
                let position = run.first + UInt64(index)
                let view: RecordView
                do throws(RecordView.Flaw) {
                    view = try RecordView(
                        event: block.memory(at: run.places[index]), position: position, salt: salt, faults)
                } catch {
                    if mayRebuild(run) { return .wrong(position) }
                    throw files.damage(
                        run.ordinal, Int(run.places[index]) * LogFormat.alignment, position: position, error.reason)
                }
                if try !body(view) { return .stopped }
                index += 1
            }
        }
        return .complete
    }

    private func salvage(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws {
        for position in max(1, first)...max(1, first, min(last, writtenHead)) where position <= last {
            do throws(LogError) {
                _ = try run(at: position, limit: 1)
            } catch .noEvent {
                continue
            }
            let mayContinue: Bool
            do {
                mayContinue = try record(at: position, body)
            } catch LogError.damaged(let damage) {
                report(damage)
                continue
            } catch LogError.noEvent {
                continue
            }
            if !mayContinue { return }
        }
    }

    /// Calls `body` with every record from the one that belongs to `first`: events, and tracking records whose position
    /// is not below `first`. For filling an index.
    ///
    /// Events behind `last` are not visited, nor anything behind the end of what is durable when the call begins. A
    /// tracking record behind the last event is visited, and again by a call that continues there. In mode `.salvage`
    /// only events are visited.
    package func forEachRecord(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws {
        if isSalvaging { return try salvage(from: first, through: last, body) }
        let durable = table.durable.place
        // A tracking record of this position may be behind the event before it, in the former segment.
        guard first > 0, var ordinal = table.ordinal(of: max(1, first - 1)) else { return }
        while ordinal <= durable.segment {
            var walk = try GroupWalk(try segment(ordinal), ordinal, files)
            let limit = ordinal < durable.segment ? walk.size : Int(clamping: durable.offset)
            var offset = table.walkStart(ordinal, first)
            while offset < limit, let header = try walk.header(at: offset) {
                if header.nextPosition >= first {
                    if header.firstPosition > (last == .max ? last : last + 1) { return }
                    if try !visit(&walk, header, offset, first...max(first, last), body) { return }
                }
                offset += header.totalBytes
                if header.isSeal { break }
            }
            try checkEnd(ordinal, offset, limit, &walk)
            ordinal += 1
        }
    }

    /// - Returns: whether to continue with the next group.
    private func visit(
        _ walk: inout GroupWalk, _ header: GroupHeader, _ offset: Int, _ positions: ClosedRange<UInt64>,
        _ body: (RecordView) throws -> Bool
    ) throws -> Bool {
        var outcome: Result<Bool, any Error> = .success(true)
        let flaw = try walk.records(of: header, at: offset) { record, _ in
            if record.position < positions.lowerBound { return true }
            if record.kind == .event, record.position > positions.upperBound {
                outcome = .success(false)
            } else {
                outcome = Result { try body(record) }
            }
            if case .success(true) = outcome { return true }
            return false
        }
        if let flaw { throw files.damage(header.segment, offset, position: header.firstPosition, flaw) }
        return try outcome.get()
    }

    /// Throws if the groups of a segment end before what is durable does.
    private func checkEnd(_ ordinal: UInt32, _ offset: Int, _ limit: Int, _ walk: inout GroupWalk) throws(LogError) {
        let isLast = ordinal == table.durable.place.segment
        if isLast, offset >= limit { return }
        // A segment that is followed by another one ends with its seal, however long its file is.
        let last = try walk.header(at: offset - LogFormat.headerBytes)
        if isLast || last?.isSeal != true {
            throw files.damage(
                ordinal, offset, position: table.positions(of: ordinal)?.first ?? 0,
                "there is no sound group, but the log was durable beyond this place")
        }
    }
}

/// A part of a segment in memory.
private struct Block: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity = 256 << 10
    /// The offset of the memory in the segment, and the number of bytes.
    private var start = 0
    private var count = 0

    init() { memory = .allocate(byteCount: capacity, alignment: 16) }

    deinit { memory.deallocate() }

    /// Reads the record at an index of the run and those that fit behind it. Returns the index behind the last of them.
    mutating func load(_ run: PlaceRun, from index: Int, _ file: any DiskFile) throws(LogError) -> Int {
        start = Int(run.places[index]) * LogFormat.alignment
        var last = index + 1
        var end = Block.end(run, last)
        while last < run.places.count {
            let next = Block.end(run, last + 1)
            if next - start > capacity { break }
            (last, end) = (last + 1, next)
        }
        if end - start > capacity {
            memory.deallocate()
            capacity = end - start
            memory = .allocate(byteCount: capacity, alignment: 16)
        }
        let buffer = UnsafeMutableRawBufferPointer(start: memory, count: end - start)
        count = try onDisk { () throws(DiskError) in try file.readAll(into: buffer, at: start) }
        return last
    }

    /// Where the record before an index ends.
    private static func end(_ run: PlaceRun, _ index: Int) -> Int {
        index < run.places.count ? Int(run.places[index]) * LogFormat.alignment : run.end
    }

    /// The bytes from a place to the end of the memory.
    @inline(__always)
    borrowing func memory(at place: UInt32) -> UnsafeRawBufferPointer {
        let offset = min(count, Int(place) * LogFormat.alignment - start)
        return UnsafeRawBufferPointer(start: memory + offset, count: count - offset)
    }
}
