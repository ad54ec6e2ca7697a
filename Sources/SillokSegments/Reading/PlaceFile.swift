import SillokCore
import SillokDisk
import SillokLogFormat

/// The file with the places of a full segment's events.
///
/// It can be rebuilt from the segment, so it is written without a sync, and each record that it leads to is checked
/// against its position.
final class PlaceFile: Sendable {
    private let file: any DiskFile
    private let ordinal: UInt32
    private let first: UInt64
    private let count: Int
    /// Where the last record ends.
    private let end: Int

    /// Opens the file of a segment; `nil` if it is missing, cannot be read, or has not the places of these events.
    init?(_ ordinal: UInt32, _ positions: Range<UInt64>, _ files: LogFiles) {
        guard let file = try? files.disk.open(files.placesPath(ordinal), .read),
            let header = try? file.bytes(at: 0, count: LogFormat.headerBytes), header.count == LogFormat.headerBytes
        else { return nil }
        let contents = header.withUnsafeBytes { buffer -> (count: Int, end: Int)? in
            guard let start = buffer.baseAddress, start.number(0, UInt64.self) == LogFormat.placesMagic,
                start.number(60, UInt32.self) == start.checksum(0..<60) ^ files.salt,
                start.number(8, UInt32.self) == LogFormat.version, start.number(12, UInt32.self) == ordinal,
                start.number(32, UInt64.self) == positions.lowerBound,
                UInt64(start.number(40, UInt32.self)) == positions.upperBound - positions.lowerBound
            else { return nil }
            return (
                Int(clamping: start.number(40, UInt32.self)),
                Int(clamping: UInt64(start.number(44, UInt32.self)) * UInt64(LogFormat.alignment))
            )
        }
        guard let contents else { return nil }
        self.file = file
        self.ordinal = ordinal
        first = positions.lowerBound
        (count, end) = contents
    }

    /// Returns the places of at most `limit` positions; `nil` if the file cannot be right.
    func run(_ position: UInt64, limit: Int) -> PlaceRun? {
        let start = Int(clamping: position - first)
        let wanted = min(limit, count - start)
        guard wanted > 0 else { return nil }
        // One more: it is where the last one ends.
        let number = min(wanted + 1, count - start)
        var isRight = true
        var places = [UInt32](unsafeUninitializedCapacity: number) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            let read = try? file.readAll(into: bytes, at: LogFormat.headerBytes + 4 * start)
            isRight = read == bytes.count
            initialized = isRight ? number : 0
        }
        var former = UInt32(LogFormat.headerBytes / LogFormat.alignment)
        for index in places.indices {
            places[index] = UInt32(littleEndian: places[index])
            if places[index] <= former { isRight = false }
            former = places[index]
        }
        guard isRight, Int(clamping: UInt64(former) * 8) < end else { return nil }
        let last = number > wanted ? Int(places.removeLast()) * LogFormat.alignment : end
        return PlaceRun(ordinal: ordinal, first: position, places: places, end: last, isFromFile: true)
    }

    /// Writes the file of a segment. It gets its name when it is complete.
    static func write(_ list: PlaceList, _ entry: SegmentEntry, _ files: LogFiles) throws(DiskError) {
        let path = files.placesPath(entry.ordinal)
        let temporary = path + ".new"
        let file: any DiskFile
        do throws(DiskError) {
            file = try files.disk.open(temporary, .create)
        } catch {
            guard error.isExisting else { throw error }
            try files.disk.remove(temporary)
            file = try files.disk.open(temporary, .create)
        }
        do throws(DiskError) {
            try file.writeAll(encoded(list, entry, files), at: 0)
            try files.disk.rename(temporary, to: path)
        } catch {
            try? files.disk.remove(temporary)
            throw error
        }
    }

    private static func encoded(_ list: PlaceList, _ entry: SegmentEntry, _ files: LogFiles) -> [UInt8] {
        let places = list.places
        var bytes = [UInt8](repeating: 0, count: LogFormat.headerBytes + 4 * places.count)
        bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            for (index, place) in places.enumerated() { start.set(LogFormat.headerBytes + 4 * index, place) }
            start.set(0, LogFormat.placesMagic)
            start.set(8, LogFormat.version)
            start.set(12, entry.ordinal)
            start.set(16, files.identity.store.high.byteSwapped)
            start.set(24, files.identity.store.low.byteSwapped)
            start.set(32, entry.first)
            start.set(40, UInt32(truncatingIfNeeded: places.count))
            start.set(44, UInt32(truncatingIfNeeded: list.end / LogFormat.alignment))
            start.set(48, UnsafeRawPointer(start).checksum(LogFormat.headerBytes..<buffer.count))
            start.set(60, UnsafeRawPointer(start).checksum(0..<60) ^ files.salt)
        }
        return bytes
    }
}
