import CSillok
import SillokCore
import SillokSQLiteConnections

/// The numeric columns of an event, in the form in which they are stored and checksummed.
struct EventHeader {
    var position: Int64 = 0
    var idHigh: UInt64 = 0
    var idLow: UInt64 = 0
    var stream: Int64 = 0
    var revision: Int64 = 0
    var type: Int64 = 0
    var recorded: Int64 = 0
    var content: Int64 = 0
    var source: Int64 = 0
    var tracked: Int64 = 0

    /// Returns the CRC-32C of the numbers, and then of the lengths and contents of the three byte columns.
    func checksum(
        tags: UnsafeRawBufferPointer, metadata: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) -> UInt32 {
        var numbers = (
            position.littleEndian, idHigh.littleEndian, idLow.littleEndian, stream.littleEndian, revision.littleEndian,
            type.littleEndian, recorded.littleEndian, content.littleEndian, source.littleEndian, tracked.littleEndian,
            Int64(tags.count).littleEndian, Int64(metadata.count).littleEndian, Int64(payload.count).littleEndian
        )
        var crc = withUnsafeBytes(of: &numbers) { sillok_crc32c(0, $0.baseAddress, $0.count) }
        if tags.count > 0 { crc = sillok_crc32c(crc, tags.baseAddress, tags.count) }
        if metadata.count > 0 { crc = sillok_crc32c(crc, metadata.baseAddress, metadata.count) }
        return payload.count > 0 ? sillok_crc32c(crc, payload.baseAddress, payload.count) : crc
    }
}

/// The columns of an event in a statement, and their decoding to a `RecordedEvent`.
enum EventRow {
    static let columns =
        "position, id, stream, revision, type, recorded, content, source, tracked, crc, tags, metadata, payload"

    /// Returns the id in an id column; `nil` if it does not have 16 bytes.
    @inline(__always)
    static func id(_ bytes: UnsafeRawBufferPointer) -> EventID? {
        guard bytes.count == 16 else { return nil }
        return EventID(
            high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// Returns the numeric columns of the current row.
    static func header(_ row: Statement) throws -> EventHeader {
        let position = row.int(0)
        guard let id = id(row.bytes(1)) else { throw damaged(position) }
        return EventHeader(
            position: position, idHigh: id.high, idLow: id.low,
            stream: row.int(2), revision: row.int(3), type: row.int(4), recorded: row.int(5), content: row.int(6),
            source: row.int(7), tracked: row.int(8))
    }

    /// Returns the current row as an event, after checking its checksum.
    static func event(_ row: Statement, _ names: Names) throws -> RecordedEvent {
        let header = try header(row)
        let (tags, metadata, payload) = (row.bytes(10), row.bytes(11), row.bytes(12))
        guard row.int(9) == Int64(header.checksum(tags: tags, metadata: metadata, payload: payload)) else {
            throw damaged(header.position)
        }
        var tracking: Tracking?
        if header.source != 0 {
            tracking = Tracking(
                source: TrackingSource(try names.text(header.source)), position: UInt64(bitPattern: header.tracked))
        }
        return RecordedEvent(
            position: Position(UInt64(bitPattern: header.position)),
            stream: header.stream == 0 ? nil : StreamID(try names.text(header.stream)),
            revision: Revision(UInt64(bitPattern: header.revision)),
            recordedAt: Timestamp(microsecondsSince1970: header.recorded), tracking: tracking,
            data: EventData(
                id: EventID(high: header.idHigh, low: header.idLow), type: EventType(try names.text(header.type)),
                tags: tags.isEmpty ? [] : try self.tags(tags, names, header.position),
                metadata: metadata.isEmpty ? Metadata() : Metadata(trusted: Array(metadata)),
                contentType: header.content == 0 ? .json : ContentType(try names.text(header.content)),
                payload: Array(payload)))
    }

    /// Returns the name numbers of the tags of the current row.
    static func tagNumbers(_ bytes: UnsafeRawBufferPointer, _ position: Int64) throws -> [Int64] {
        var numbers: [Int64] = []
        try forEachTag(bytes, position) { numbers.append($0) }
        return numbers
    }

    /// Calls `body` with each LEB128 number of a tags column.
    @inline(__always)
    static func forEachTag(
        _ bytes: UnsafeRawBufferPointer, _ position: Int64, _ body: (Int64) throws -> Void
    ) throws {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift < 63 else { throw damaged(position) }
            number |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 {
                try body(Int64(truncatingIfNeeded: number))
                (number, shift) = (0, 0)
            }
        }
        if shift != 0 { throw damaged(position) }
    }

    static func damaged(_ position: Int64) -> StoreError {
        StoreError(.corrupt, "the event at position \(position) is damaged: its checksum does not match.")
    }

    private static func tags(_ bytes: UnsafeRawBufferPointer, _ names: Names, _ position: Int64) throws -> [EventTag] {
        var tags: [EventTag] = []
        tags.reserveCapacity(bytes.count / 2 + 1)
        try forEachTag(bytes, position) { tags.append(EventTag(try names.text($0))) }
        return tags
    }
}
