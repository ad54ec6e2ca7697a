package import SillokChain
package import SillokCore
import SillokLogFormat

/// A record in the memory of a reader. Valid only within the call that received it.
package struct RecordView {
    /// What a record contains.
    package typealias Kind = RecordKind

    /// What a name in an event means.
    package enum NameKind: UInt8, Sendable { case type, contentType, stream, trackingSource, tag }

    package let kind: Kind
    /// The position of the event, or of the next event for a tracking record.
    package let position: UInt64
    /// 0 for an event without a stream, and for a tracking record.
    package let revision: UInt64
    /// In µs since 1970; 0 for a tracking record.
    package let recorded: Int64
    /// The encoded body, checked.
    package let body: UnsafeRawBufferPointer

    /// The prefix with its link, checked.
    let prefix: UnsafeRawBufferPointer

    /// The link of the chain, if the event has one.
    package var link: ChainDigest? {
        prefix.count > LogFormat.prefixBytes
            ? ChainDigest(UnsafeRawBufferPointer(rebasing: prefix[LogFormat.prefixBytes...])) : nil
    }

    /// The id of the event.
    package var id: EventID {
        get throws(LogError) {
            var body = BodyReader(self)
            return try body.id()
        }
    }

    /// Calls `visit` with the UTF-8 bytes of each name of the event: type, content type (not if it is JSON), stream,
    /// tracking source, tags.
    package func forEachName(_ visit: (NameKind, UnsafeRawBufferPointer) -> Void) throws(LogError) {
        var body = BodyReader(self)
        _ = try body.id()
        let flags = try body.byte()
        visit(.type, try body.bytes())
        if flags & BodyFlag.contentType != 0 { visit(.contentType, try body.bytes()) }
        if flags & BodyFlag.stream != 0 { visit(.stream, try body.bytes()) }
        if flags & BodyFlag.tracking != 0 {
            visit(.trackingSource, try body.bytes())
            _ = try body.number()
        }
        for _ in 0..<(try body.length()) { visit(.tag, try body.bytes()) }
    }

    /// Decodes the event.
    package func event() throws(LogError) -> RecordedEvent { RecordedEvent(try bytes()) }

    /// Returns the parts of the event without decoding them.
    package func bytes() throws(LogError) -> EventBytes {
        var body = BodyReader(self)
        let id = try body.id()
        let flags = try body.byte()
        let type = try body.bytes()
        let contentType = flags & BodyFlag.contentType == 0 ? nil : try body.bytes()
        let stream = flags & BodyFlag.stream == 0 ? nil : try body.bytes()
        var tracking: (source: UnsafeRawBufferPointer, position: UInt64)?
        if flags & BodyFlag.tracking != 0 { tracking = (try body.bytes(), try body.number()) }
        let tags = try body.tagBytes()
        let metadata = try body.bytes()
        return EventBytes(
            position: Position(position), revision: Revision(revision), id: id,
            recordedAt: Timestamp(microsecondsSince1970: recorded), type: type, contentType: contentType,
            stream: stream, tracking: tracking, tags: tags, metadata: metadata, payload: body.rest())
    }

    /// Decodes the progress of a tracking record, with the id of the foreign event.
    package func tracking() throws(LogError) -> Tracking {
        var body = BodyReader(self)
        let source = TrackingSource(try body.text())
        let position = try body.number()
        let event = try body.byte() & BodyFlag.foreignEvent == 0 ? nil : try body.id()
        return Tracking(source: source, position: position, event: event)
    }
}

extension RecordView {
    /// Why memory does not contain a sound record.
    enum Flaw: Error {
        /// The prefix is not that of the record with this position, so its length is unknown.
        case prefix
        /// The prefix is sound and the body is not. The record takes this number of bytes.
        case body(Int, isEvent: Bool)
        /// The memory ends before the record does. It takes this number of bytes.
        case incomplete(Int)
        /// A newer version wrote the record, which takes this number of bytes.
        case unknown(Int, isEvent: Bool)
    }

    /// Checks the record at the start of memory, which may be longer.
    @inline(__always)
    init(_ memory: UnsafeRawBufferPointer, position: UInt64, salt: UInt32, _ faults: PlantedFaults) throws(Flaw) {
        let prefix = try RecordView.prefix(memory, position: position, salt: salt, faults)
        guard let start = memory.baseAddress else { throw .prefix }
        let size = LogFormat.recordBytes(prefix: prefix.count, body: start.number(4))
        guard size <= memory.count else { throw .incomplete(size) }
        let length = Int(start.number(4, UInt32.self))
        let isEvent = start.number(8) == Kind.event.rawValue
        guard let kind = Kind(rawValue: start.number(8)), start.number(9, UInt8.self) & ~BodyFlag.link == 0 else {
            throw .unknown(size, isEvent: isEvent)
        }
        guard
            start.checksum(prefix.count..<prefix.count + length) == start.number(12, UInt32.self)
                || faults.contains(.recordChecksumsIgnored)
        else { throw .body(size, isEvent: isEvent) }
        self.kind = kind
        self.position = position
        self.prefix = prefix
        revision = start.number(16)
        recorded = start.number(24)
        body = UnsafeRawBufferPointer(start: start + prefix.count, count: length)
    }

    /// Checks the record of an event at the start of memory. A tracking record may have the same position.
    @inline(__always)
    init(event memory: UnsafeRawBufferPointer, position: UInt64, salt: UInt32, _ faults: PlantedFaults) throws(Flaw) {
        self = try RecordView(memory, position: position, salt: salt, faults)
        if kind != .event { throw .prefix }
    }

    /// Checks the prefix at the start of memory.
    @inline(__always)
    static func prefix(
        _ memory: UnsafeRawBufferPointer, position: UInt64, salt: UInt32, _ faults: PlantedFaults
    ) throws(Flaw) -> UnsafeRawBufferPointer {
        guard let start = memory.baseAddress, memory.count >= LogFormat.prefixBytes else {
            throw .incomplete(LogFormat.prefixBytes)
        }
        let count = LogFormat.prefixBytes + (start.number(9, UInt8.self) & BodyFlag.link == 0 ? 0 : LogFormat.linkBytes)
        guard count <= memory.count else { throw .incomplete(count) }
        guard
            RecordView.checksum(start, count, position) ^ salt == start.number(0, UInt32.self)
                || faults.contains(.recordChecksumsIgnored)
        else { throw .prefix }
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The checksum of a prefix at its position.
    @inline(__always)
    static func checksum(_ prefix: UnsafeRawPointer, _ count: Int, _ position: UInt64) -> UInt32 {
        var position = position.littleEndian
        return withUnsafeBytes(of: &position) { position in
            guard let position = position.baseAddress else { return 0 }
            return position.checksum(0..<8, continuing: prefix.checksum(4..<count))
        }
    }

    /// The bytes of the record in its segment.
    var size: Int { LogFormat.aligned(prefix.count + body.count) }
}

/// Reads the parts of a body whose checksum was right. A part that does not fit is damage all the same.
private struct BodyReader {
    private let start: UnsafeRawPointer?
    private let count: Int
    private let position: UInt64
    private var index = 0

    init(_ record: RecordView) {
        start = record.body.baseAddress
        count = record.body.count
        position = record.position
    }

    @inline(__always)
    mutating func id() throws(LogError) -> EventID {
        let bytes = try take(16)
        return EventID(
            high: bytes.number(0, UInt64.self).byteSwapped, low: bytes.number(8, UInt64.self).byteSwapped)
    }

    @inline(__always)
    mutating func byte() throws(LogError) -> UInt8 { try take(1).number(0) }

    @inline(__always)
    mutating func number() throws(LogError) -> UInt64 { try take(8).number(0) }

    @inline(__always)
    mutating func length() throws(LogError) -> Int {
        let first = try byte()
        if first < 0x80 { return Int(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while shift < 56 {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(truncatingIfNeeded: value) }
            shift += 7
        }
        throw malformed
    }

    @inline(__always)
    mutating func bytes() throws(LogError) -> UnsafeRawBufferPointer {
        let length = try length()
        return UnsafeRawBufferPointer(start: try take(length), count: length)
    }

    @inline(__always)
    mutating func text() throws(LogError) -> String { String(decoding: try bytes(), as: UTF8.self) }

    /// Returns the bytes of all tags, each with its length.
    mutating func tagBytes() throws(LogError) -> UnsafeRawBufferPointer {
        let number = try length()
        guard number <= count - index else { throw malformed }
        let first = index
        for _ in 0..<number { _ = try bytes() }
        return UnsafeRawBufferPointer(start: start.map { $0 + first }, count: index - first)
    }

    func rest() -> UnsafeRawBufferPointer {
        guard let start, index < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: start + index, count: count - index)
    }

    @inline(__always)
    private mutating func take(_ length: Int) throws(LogError) -> UnsafeRawPointer {
        guard let start, length >= 0, length <= count - index else { throw malformed }
        defer { index += length }
        return start + index
    }

    private var malformed: LogError {
        .damaged(
            LogDamage(path: "the log", offset: 0, position: position, reason: "the body of the record is malformed"))
    }
}
