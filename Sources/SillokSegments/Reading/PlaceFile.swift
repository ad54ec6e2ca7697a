import SillokCore
import SillokDisk
import SillokLogFormat

/// The file with the places of a full segment's events.
///
/// It can be rebuilt from the segment, so it is written without a sync, and each record that it leads to is checked
/// against its position.
final class PlaceFile: Sendable {
    private let file: any DiskFile
    private let count: Int
    /// Where the last record ends, divided by 8.
    private let end: UInt32

    /// Opens the file of a segment; `nil` if it is missing, cannot be read, or has not the places of these events.
    init?(_ ordinal: UInt32, _ positions: Range<UInt64>, _ files: LogFiles) {
        guard let file = try? files.disk.open(files.placesPath(ordinal), .read),
            let header = try? file.bytes(at: 0, count: LogFormat.headerBytes), header.count == LogFormat.headerBytes
        else { return nil }
        let contents = header.withUnsafeBytes { buffer -> (count: Int, end: UInt32)? in
            guard let start = buffer.baseAddress, start.number(0, UInt64.self) == LogFormat.placesMagic,
                start.number(60, UInt32.self) == start.checksum(0..<60) ^ files.salt,
                start.number(8, UInt32.self) == LogFormat.version, start.number(12, UInt32.self) == ordinal,
                start.number(32, UInt64.self) == positions.lowerBound,
                UInt64(start.number(40, UInt32.self)) == positions.upperBound - positions.lowerBound
            else { return nil }
            return (Int(clamping: start.number(40, UInt32.self)), start.number(44, UInt32.self))
        }
        guard let contents else { return nil }
        self.file = file
        (count, end) = contents
    }

    /// The number of places that are read together: 4 KiB.
    static let blockSize = 1024

    /// Returns a block of places, and then where the last of its records ends; `nil` if the file cannot be right.
    func block(_ index: Int) -> [UInt32]? {
        let start = index * PlaceFile.blockSize
        let wanted = min(PlaceFile.blockSize, count - start)
        guard wanted > 0 else { return nil }
        let number = min(wanted + 1, count - start)
        var isRight = true
        var places = [UInt32](unsafeUninitializedCapacity: wanted + 1) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<(4 * number)])
            let read = try? file.readAll(into: bytes, at: LogFormat.headerBytes + 4 * start)
            isRight = read == bytes.count
            initialized = isRight ? number : 0
        }
        for index in places.indices { places[index] = UInt32(littleEndian: places[index]) }
        if number == wanted { places.append(end) }
        var former = UInt32(LogFormat.headerBytes / LogFormat.alignment)
        for place in places {
            if place <= former { isRight = false }
            former = place
        }
        return isRight && former <= end ? places : nil
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

/// The blocks of files of places that were read last, in at most 16 MiB of memory.
final class PlaceBlocks: Sendable {
    private struct Block {
        let ordinal: UInt32
        let index: Int
        let places: [UInt32]
    }

    private static let slots = 4096
    private let blocks = Lock<[Block?]>([])

    /// Returns a block, which `read` reads if it is not in memory. `read` runs without the lock.
    ///
    /// - Parameter first: the first position of the segment. Blocks of a log have the next slots in turn.
    func block(_ ordinal: UInt32, _ index: Int, first: UInt64, _ read: () -> [UInt32]?) -> [UInt32]? {
        let before = (first / UInt64(PlaceFile.blockSize) &+ UInt64(ordinal)) % UInt64(PlaceBlocks.slots)
        let slot = (Int(before) + index) % PlaceBlocks.slots
        let found = blocks.withLock { blocks in blocks.isEmpty ? nil : blocks[slot] }
        if let found, found.ordinal == ordinal, found.index == index { return found.places }
        guard let places = read() else { return nil }
        blocks.withLock { blocks in
            if blocks.isEmpty { blocks = Array(repeating: nil, count: PlaceBlocks.slots) }
            blocks[slot] = Block(ordinal: ordinal, index: index, places: places)
        }
        return places
    }

    /// Forgets the blocks of a file.
    func remove(_ ordinal: UInt32) {
        blocks.withLock { blocks in
            for slot in blocks.indices where blocks[slot]?.ordinal == ordinal { blocks[slot] = nil }
        }
    }
}
