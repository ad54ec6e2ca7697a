package import SillokChain
import SillokCore
import SillokDisk
import SillokLogFormat

/// Reads the records of a log, on any thread, with `pread` only.
///
/// It reads what was written, also what is not yet durable; the caller decides which positions may be seen.
package final class SegmentReader: Sendable {
    let files: LogFiles
    let table: SegmentTable
    private let mode: LogMode
    private let segments: FileCache<any DiskFile>
    private let places: FileCache<PlaceFile>
    private let blocks = PlaceBlocks()
    private let found = Lock<[LogDamage]>([])

    init(_ files: LogFiles, _ table: SegmentTable, _ mode: LogMode, damages: [LogDamage]) {
        self.files = files
        self.table = table
        self.mode = mode
        segments = FileCache(capacity: files.settings.openFiles / 2)
        places = FileCache(capacity: files.settings.openFiles / 2)
        found.withLock { $0 = damages }
    }

    /// The position of the last event that was written.
    package var writtenHead: UInt64 { table.writtenHead }

    /// The position of the last event that is durable.
    package var durableHead: UInt64 { table.durable.position }

    /// The damaged places that were skipped in mode `.salvage`.
    package var damages: [LogDamage] { found.withLock { $0 } }

    /// The positions up to the last event whose events cannot be read, in order. For mode `.salvage`.
    package var gaps: [ClosedRange<UInt64>] { table.gaps }

    /// Whether the log is open in mode `.salvage`.
    package var isSalvaging: Bool { mode == .salvage }

    /// Calls `body` with the event at a position.
    package func record<Result>(
        at position: UInt64, _ body: (RecordView) throws -> Result
    ) throws -> Result {
        try withMemory(at: position) { memory throws(RecordView.Flaw) in
            try RecordView(event: memory, position: position, salt: files.salt, files.faults)
        } then: {
            try body($0)
        }
    }

    /// Returns when the event at a position was recorded, in µs since 1970, without reading its body.
    package func recorded(at position: UInt64) throws -> Int64 {
        try prefix(at: position) { $0.baseAddress?.number(24) ?? 0 }
    }

    /// Returns the link of the event at a position without reading its body; `nil` if it has none.
    package func link(at position: UInt64) throws -> ChainDigest? {
        try prefix(at: position) { prefix in
            prefix.count > LogFormat.prefixBytes
                ? ChainDigest(UnsafeRawBufferPointer(rebasing: prefix[LogFormat.prefixBytes...])) : nil
        }
    }

    private func prefix<Result>(
        at position: UInt64, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let most = LogFormat.prefixBytes + LogFormat.linkBytes
        return try withMemory(at: position, atMost: most) { memory throws(RecordView.Flaw) in
            let prefix = try RecordView.prefix(memory, position: position, salt: files.salt, files.faults)
            guard prefix[8] == RecordView.Kind.event.rawValue else { throw .prefix }
            return prefix
        } then: {
            try body($0)
        }
    }

    /// Reads a part of the record at a position, checks it, and uses it. If the place is from a file that is wrong, the
    /// places are rebuilt first.
    private func withMemory<Checked, Result>(
        at position: UInt64, atMost limit: Int = .max,
        _ check: (UnsafeRawBufferPointer) throws(RecordView.Flaw) -> Checked, then body: (Checked) throws -> Result
    ) throws -> Result {
        while true {
            guard let place = try places(of: [position]).first, place.start > 0 else {
                throw LogError.noEvent(position)
            }
            let file = try segment(place.ordinal)
            let size = min(limit, place.end - place.start)
            let result: Result? = try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) {
                let count = try onDisk { [buffer = $0] () throws(DiskError) in
                    try file.readAll(into: buffer, at: place.start)
                }
                let checked: Checked
                do throws(RecordView.Flaw) {
                    checked = try check(UnsafeRawBufferPointer(rebasing: $0[..<count]))
                } catch {
                    if mayRebuild(place) { return nil }
                    throw files.damage(place.ordinal, place.start, position: position, error.reason)
                }
                return try body(checked)
            }
            if let result { return result }
            try rebuild(place.ordinal)
        }
    }
}

// Which records are where.
extension SegmentReader {
    func segment(_ ordinal: UInt32) throws(LogError) -> any DiskFile {
        try segments.value(ordinal) { () throws(LogError) in
            try onDisk { () throws(DiskError) in try files.disk.open(files.segmentPath(ordinal), .read) }
        }
    }

    /// Returns the places of positions, up to the first one without an event.
    ///
    /// - Throws: `noEvent` if that is the first of them.
    func places(of positions: [UInt64]) throws(LogError) -> [RecordPlace] {
        var places: [RecordPlace] = []
        places.reserveCapacity(positions.count)
        var rebuilt: UInt32?
        while let (ordinal, range) = table.find(positions[places.count...], into: &places) {
            if takePlaces(of: positions, in: range, ordinal, into: &places) { continue }
            guard rebuilt != ordinal else { break }
            try rebuild(ordinal)
            rebuilt = ordinal
        }
        if places.isEmpty, let first = positions.first { throw .noEvent(first) }
        return places
    }

    /// Appends the places of the next positions from the file of a segment. Returns `false` if it cannot be used.
    private func takePlaces(
        of positions: [UInt64], in range: Range<UInt64>, _ ordinal: UInt32, into places: inout [RecordPlace]
    ) -> Bool {
        var block: (index: Int, places: [UInt32])?
        while places.count < positions.count, range.contains(positions[places.count]) {
            let (index, place) = Int(clamping: positions[places.count] - range.lowerBound)
                .quotientAndRemainder(dividingBy: PlaceFile.blockSize)
            if block?.index != index {
                let found = blocks.block(ordinal, index, first: range.lowerBound) {
                    placeFile(ordinal, range)?.block(index)
                }
                block = found.map { (index, $0) }
            }
            guard let found = block?.places, place + 1 < found.count else { return false }
            places.append(
                RecordPlace(
                    ordinal: ordinal, start: Int(found[place]) * LogFormat.alignment,
                    end: Int(found[place + 1]) * LogFormat.alignment, isFromFile: true))
        }
        return true
    }

    private func placeFile(_ ordinal: UInt32, _ positions: Range<UInt64>) -> PlaceFile? {
        struct Unusable: Error {}
        return try? places.value(ordinal) { () throws(Unusable) in
            guard let file = PlaceFile(ordinal, positions, files) else { throw Unusable() }
            return file
        }
    }

    /// Whether a record that is not where a file of places says may be found by rebuilding the file.
    func mayRebuild(_ place: RecordPlace) -> Bool { place.isFromFile && !files.faults.contains(.placesTrusted) }

    /// Gathers the places of a full segment from the segment, and writes them to its file again.
    func rebuild(_ ordinal: UInt32) throws(LogError) {
        places.remove(ordinal)
        blocks.remove(ordinal)
        guard let (first, next) = table.positions(of: ordinal) else { return }
        var walk = try GroupWalk(try segment(ordinal), ordinal, files)
        var scan = TailScan(ordinal, firstPosition: first)
        try scan.walk(&walk)
        guard scan.nextPosition >= next else {
            throw files.damage(
                ordinal, scan.end, position: scan.nextPosition,
                "\(scan.flaw ?? "there is no group"), but later segments have events")
        }
        let list = scan.placeList
        table.keep(list, of: ordinal)
        guard mode == .write else { return }
        let entry = SegmentEntry(ordinal: ordinal, first: first, places: list)
        // Without the file the places stay in memory, and the next reader tries again.
        table.fileLock.withLock { _ in
            if (try? PlaceFile.write(list, entry, files)) != nil { table.settle(ordinal) }
        }
    }

    func report(_ damage: LogDamage) { found.withLock { if !$0.contains(damage) { $0.append(damage) } } }
}
