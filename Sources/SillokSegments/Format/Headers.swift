import CSillok
import SillokCore

/// A place in the segments of a log.
package struct LogPlace: Hashable, Comparable, Sendable {
    /// The ordinal of the segment.
    package var segment: UInt32
    /// The offset in its file.
    package var offset: UInt64

    package init(_ segment: UInt32, _ offset: Int) {
        self.segment = segment
        self.offset = UInt64(clamping: offset)
    }

    init(segment: UInt32, offset: UInt64) { (self.segment, self.offset) = (segment, offset) }

    /// The place of the first group of a log.
    static let start = LogPlace(1, LogFormat.headerBytes)

    package static func < (left: LogPlace, right: LogPlace) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }
}

extension LogIdentity {
    /// What every checksum of a group or a record is combined with. The secret key is part of it, so that no caller
    /// can put a header into a payload that recovery would accept.
    var salt: UInt32 {
        var words = [store.high.bigEndian, store.low.bigEndian, hashKey.low.bigEndian, hashKey.high.bigEndian]
        return words.withUnsafeMutableBytes { sillok_crc32c(0, $0.baseAddress, $0.count) }
    }

    /// The salt that a log with these faults uses.
    func salt(_ faults: PlantedFaults) -> UInt32 { faults.contains(.noSalt) ? 0 : salt }
}

/// The header of a group.
struct GroupHeader {
    static let markFlag: UInt32 = 1
    static let sealFlag: UInt32 = 2

    var segment: UInt32
    var flags: UInt32 = 0
    var offset: UInt64
    var firstPosition: UInt64
    var events: UInt32 = 0
    var records: UInt32 = 0
    var bytes: UInt32 = 0
    var durable: LogPlace
    var nextSegmentBytes: UInt64

    /// The bytes of the header and the records.
    var totalBytes: Int { LogFormat.headerBytes + Int(bytes) }
    var isSeal: Bool { flags & Self.sealFlag != 0 }
    var nextPosition: UInt64 { firstPosition &+ UInt64(events) }

    func isAt(_ segment: UInt32, _ offset: Int) -> Bool { self.segment == segment && self.offset == UInt64(offset) }
}

extension GroupHeader {
    func write(to header: UnsafeMutableRawPointer, salt: UInt32) {
        header.set(0, LogFormat.groupMagic)
        header.set(8, segment)
        header.set(12, flags)
        header.set(16, offset)
        header.set(24, firstPosition)
        header.set(32, events)
        header.set(36, records)
        header.set(40, bytes)
        header.set(44, durable.segment)
        header.set(48, durable.offset)
        header.set(56, nextSegmentBytes)
        header.set(4, UnsafeRawPointer(header).checksum(8..<64) ^ salt)
    }

    /// Reads 64 bytes; `nil` unless they are a header of this store.
    @inline(__always)
    init?(_ header: UnsafeRawPointer, salt: UInt32) {
        guard header.number(0, UInt32.self) == LogFormat.groupMagic,
            header.number(4, UInt32.self) == header.checksum(8..<64) ^ salt
        else { return nil }
        segment = header.number(8)
        flags = header.number(12)
        offset = header.number(16)
        firstPosition = header.number(24)
        events = header.number(32)
        records = header.number(36)
        bytes = header.number(40)
        durable = LogPlace(segment: header.number(44), offset: header.number(48))
        nextSegmentBytes = header.number(56)
    }
}

/// The header of a segment file.
struct SegmentHeader {
    var ordinal: UInt32
    var bytes: UInt64
    var durable: LogPlace

    func encoded(_ identity: LogIdentity, salt: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogFormat.headerBytes)
        bytes.withUnsafeMutableBytes { buffer in
            guard let header = buffer.baseAddress else { return }
            header.set(0, LogFormat.segmentMagic)
            header.set(8, LogFormat.version)
            header.set(12, ordinal)
            header.set(16, identity.store.high.byteSwapped)
            header.set(24, identity.store.low.byteSwapped)
            header.set(32, self.bytes)
            header.set(40, durable.segment)
            header.set(48, durable.offset)
            header.set(60, UnsafeRawPointer(header).checksum(0..<60) ^ salt)
        }
        return bytes
    }

    /// Reads 64 bytes; `nil` unless they are the header of this segment of this store.
    init?(_ header: UnsafeRawPointer, ordinal: UInt32, _ identity: LogIdentity, salt: UInt32) {
        guard header.number(0, UInt64.self) == LogFormat.segmentMagic,
            header.number(60, UInt32.self) == header.checksum(0..<60) ^ salt,
            header.number(8, UInt32.self) == LogFormat.version, header.number(12, UInt32.self) == ordinal
        else { return nil }
        self.ordinal = ordinal
        bytes = header.number(32)
        durable = LogPlace(segment: header.number(40), offset: header.number(48))
    }

    init(ordinal: UInt32, bytes: Int, durable: LogPlace) {
        (self.ordinal, self.bytes, self.durable) = (ordinal, UInt64(bytes), durable)
    }
}

/// The contents of the file `durable`.
struct DurableMark {
    var place: LogPlace
    /// The last position that is durable.
    var position: UInt64

    func encoded(salt: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: LogFormat.durableBytes)
        bytes.withUnsafeMutableBytes { buffer in
            guard let mark = buffer.baseAddress else { return }
            mark.set(0, LogFormat.durableMagic)
            mark.set(8, place.segment)
            mark.set(16, place.offset)
            mark.set(24, position)
            mark.set(12, DurableMark.checksum(mark) ^ salt)
        }
        return bytes
    }

    /// Reads the file; `nil` if it is empty, torn or of another store. It is only a help, so that is no error.
    init?(_ bytes: [UInt8], salt: UInt32) {
        guard bytes.count >= LogFormat.durableBytes else { return nil }
        let mark = bytes.withUnsafeBytes { buffer -> DurableMark? in
            guard let mark = buffer.baseAddress, mark.number(0, UInt64.self) == LogFormat.durableMagic,
                mark.number(12, UInt32.self) == DurableMark.checksum(mark) ^ salt
            else { return nil }
            return DurableMark(
                place: LogPlace(segment: mark.number(8), offset: mark.number(16)), position: mark.number(24))
        }
        guard let mark else { return nil }
        self = mark
    }

    init(place: LogPlace, position: UInt64) { (self.place, self.position) = (place, position) }

    private static func checksum(_ mark: UnsafeRawPointer) -> UInt32 {
        mark.checksum(16..<32, continuing: mark.checksum(0..<12))
    }
}
