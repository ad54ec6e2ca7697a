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

    package init(segment: UInt32, offset: UInt64) { (self.segment, self.offset) = (segment, offset) }

    /// The place of the first group of a log.
    package static let start = LogPlace(1, LogFormat.headerBytes)

    package static func < (left: LogPlace, right: LogPlace) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }
}

extension LogIdentity {
    /// What every checksum of a group or a record is combined with. The secret key is part of it, so that no caller
    /// can put a header into a payload that recovery would accept.
    package var salt: UInt32 {
        var words = [store.high.bigEndian, store.low.bigEndian, hashKey.low.bigEndian, hashKey.high.bigEndian]
        return words.withUnsafeMutableBytes { sillok_crc32c(0, $0.baseAddress, $0.count) }
    }

    /// The salt that a log with these faults uses.
    package func salt(_ faults: PlantedFaults) -> UInt32 { faults.contains(.noSalt) ? 0 : salt }
}

/// The header of a group.
package struct GroupHeader {
    package static let markFlag: UInt32 = 1
    package static let sealFlag: UInt32 = 2

    package var segment: UInt32
    package var flags: UInt32 = 0
    package var offset: UInt64
    package var firstPosition: UInt64
    package var events: UInt32 = 0
    package var records: UInt32 = 0
    package var bytes: UInt32 = 0
    package var durable: LogPlace
    package var nextSegmentBytes: UInt64

    /// The bytes of the header and the records.
    package var totalBytes: Int { LogFormat.headerBytes + Int(bytes) }
    package var isSeal: Bool { flags & Self.sealFlag != 0 }
    package var nextPosition: UInt64 { firstPosition &+ UInt64(events) }

    package func isAt(_ segment: UInt32, _ offset: Int) -> Bool {
        self.segment == segment && self.offset == UInt64(offset)
    }

    package init(
        segment: UInt32, flags: UInt32 = 0, offset: Int, firstPosition: UInt64, events: Int = 0, records: Int = 0,
        bytes: Int = 0, durable: LogPlace, nextSegmentBytes: Int
    ) {
        self.segment = segment
        self.flags = flags
        self.offset = UInt64(offset)
        self.firstPosition = firstPosition
        self.events = UInt32(truncatingIfNeeded: events)
        self.records = UInt32(truncatingIfNeeded: records)
        self.bytes = UInt32(truncatingIfNeeded: bytes)
        self.durable = durable
        self.nextSegmentBytes = UInt64(nextSegmentBytes)
    }
}

extension GroupHeader {
    package func write(to header: UnsafeMutableRawPointer, salt: UInt32) {
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
    package init?(_ header: UnsafeRawPointer, salt: UInt32) {
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
package struct SegmentHeader {
    package var ordinal: UInt32
    package var bytes: UInt64
    package var durable: LogPlace

    package func encoded(_ identity: LogIdentity, salt: UInt32) -> [UInt8] {
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
    package init?(_ header: UnsafeRawPointer, ordinal: UInt32, _ identity: LogIdentity, salt: UInt32) {
        guard header.number(0, UInt64.self) == LogFormat.segmentMagic,
            header.number(60, UInt32.self) == header.checksum(0..<60) ^ salt,
            header.number(8, UInt32.self) == LogFormat.version, header.number(12, UInt32.self) == ordinal
        else { return nil }
        self.ordinal = ordinal
        bytes = header.number(32)
        durable = LogPlace(segment: header.number(40), offset: header.number(48))
    }

    package init(ordinal: UInt32, bytes: Int, durable: LogPlace) {
        (self.ordinal, self.bytes, self.durable) = (ordinal, UInt64(bytes), durable)
    }
}

/// The contents of the file `durable`.
package struct DurableMark: Sendable {
    package var place: LogPlace
    /// The last position that is durable.
    package var position: UInt64

    package func encoded(salt: UInt32) -> [UInt8] {
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
    package init?(_ bytes: [UInt8], salt: UInt32) {
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

    package init(place: LogPlace, position: UInt64) { (self.place, self.position) = (place, position) }

    private static func checksum(_ mark: UnsafeRawPointer) -> UInt32 {
        mark.checksum(16..<32, continuing: mark.checksum(0..<12))
    }
}
