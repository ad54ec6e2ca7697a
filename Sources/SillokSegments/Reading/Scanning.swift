import SillokDisk
import SillokLogFormat

// Reading many records, in large blocks.
extension SegmentReader {
    /// Calls `body` with each event of the range in order, until it returns `false`. Reads large blocks.
    ///
    /// In mode `.salvage`, events that cannot be read are skipped and their places are added to ``damages``.
    package func forEach(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws {
        if isSalvaging { return try salvage(from: first, through: last, body) }
        let blockEvents: UInt64 = 1024
        var block = Block()
        var position = max(1, first)
        while position <= last {
            let end = position + min(last - position, blockEvents - 1)
            if try !scan(Array(position...end), &block, body) || end == last { return }
            position = end + 1
        }
    }

    /// Calls `body` with the events at positions, which rise or fall, until it returns `false`. Events that are near
    /// each other are read together.
    package func forEach(at positions: [UInt64], _ body: (RecordView) throws -> Bool) throws {
        var block = Block()
        _ = try scan(positions, &block, body)
    }

    /// Returns whether `body` has returned `true` for all events.
    private func scan(
        _ positions: [UInt64], _ block: inout Block, _ body: (RecordView) throws -> Bool
    ) throws -> Bool {
        var places = try places(of: positions)
        let (salt, faults) = (files.salt, files.faults)
        var (index, end) = (0, 0)
        var file: (ordinal: UInt32, file: any DiskFile)?
        while index < positions.count {
            guard index < places.count, places[index].start > 0 else { throw LogError.noEvent(positions[index]) }
            let place = places[index]
            if index == end {
                let open = file?.ordinal == place.ordinal ? file?.file : nil
                let segment = try open ?? segment(place.ordinal)
                file = (place.ordinal, segment)
                end = try block.load(places, from: index, segment)
            }
            let view: RecordView
            do throws(RecordView.Flaw) {
                view = try RecordView(
                    event: block.memory(at: place.start), position: positions[index], salt: salt, faults)
            } catch {
                guard mayRebuild(place) else {
                    throw files.damage(place.ordinal, place.start, position: positions[index], error.reason)
                }
                try rebuild(place.ordinal)
                places = places[..<index] + (try self.places(of: Array(positions[index...])))
                end = index
                continue
            }
            if try !body(view) { return false }
            index += 1
        }
        return true
    }

    private func salvage(
        from first: UInt64, through last: UInt64, _ body: (RecordView) throws -> Bool
    ) throws {
        for position in max(1, first)...max(1, first, min(last, writtenHead)) where position <= last {
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
    /// It is cheaper to read this number of bytes between two records than to read each record on its own.
    private static let gap = 4 << 10
    private static let mostBytes = 256 << 10
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
    /// The offset of the memory in the segment, and the number of bytes.
    private var start = 0
    private var count = 0

    init() {}

    deinit { memory.deallocate() }

    /// Reads the record at an index of a list and those behind it in the list that are near it. Returns the index
    /// behind the last of them.
    mutating func load(_ places: [RecordPlace], from index: Int, _ file: any DiskFile) throws(LogError) -> Int {
        var (low, high, last) = (places[index].start, places[index].end, index + 1)
        while last < places.count, places[last].ordinal == places[index].ordinal {
            let next = places[last]
            let wider = (low: min(low, next.start), high: max(high, next.end))
            guard wider.high - wider.low <= Block.mostBytes, next.start - high <= Block.gap,
                low - next.end <= Block.gap
            else { break }
            (low, high, last) = (wider.low, wider.high, last + 1)
        }
        if high - low > memory.count {
            memory.deallocate()
            memory = .allocate(byteCount: max(high - low, min(Block.mostBytes, 4 * memory.count)), alignment: 16)
        }
        start = low
        let buffer = UnsafeMutableRawBufferPointer(rebasing: memory[..<(high - low)])
        count = try onDisk { () throws(DiskError) in try file.readAll(into: buffer, at: low) }
        return last
    }

    /// The bytes from an offset of the segment to the end of the memory.
    @inline(__always)
    borrowing func memory(at offset: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[min(count, offset - start)..<count])
    }
}
