package import SillokChain
package import SillokCore

/// The records of one append, encoded in the caller's task: everything but positions, revisions, times and links.
///
/// The bytes are those of the segment, so the committer copies them and fills the prefixes. A tracking record comes
/// first if the request has tracking.
package struct EncodedAppend: Sendable {
    /// The number of events.
    package let events: Int
    /// The number of bytes in a segment.
    package var count: Int { bytes.count }

    package let bytes: [UInt8]
    /// The offset of each record in `bytes`, the tracking record first.
    package let offsets: [Int]
    package let hasTracking: Bool
    package let hasLinks: Bool

    /// Encodes the events and the tracking of a request.
    ///
    /// - Parameter hasLinks: whether each event gets a link of the hash chain.
    package init(_ request: AppendRequest, hasLinks: Bool) {
        self.init(request, request.runs, hasLinks: hasLinks)
    }

    /// Encodes events that are appended together.
    package init(_ entries: [AppendRequest.Entry], tracking: Tracking?, hasLinks: Bool) {
        self.init(AppendRequest(entries, tracking: tracking), hasLinks: hasLinks)
    }

    /// Encodes a request with its ``AppendRequest/runs``: the names of a run are encoded once, and then copied.
    package init(_ request: AppendRequest, _ runs: [Int], hasLinks: Bool) {
        let tracking = request.tracking
        // Loops over the array would copy its elements.
        let (places, bytes) = request.entries.withUnsafeBufferPointer { entries in
            let places = RecordPlaces(entries, runs, tracking, hasLinks: hasLinks)
            let bytes = [UInt8](unsafeUninitializedCapacity: places.end) { buffer, count in
                guard let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
                places.write(entries, runs, tracking, hasLinks: hasLinks, to: start)
                count = places.end
            }
            return (places, bytes)
        }
        self.bytes = bytes
        offsets = places.offsets
        hasTracking = tracking != nil
        self.hasLinks = hasLinks
        events = request.entries.count
    }
}

/// Where the records of an append begin, and how long their bodies are; the tracking record first.
private struct RecordPlaces {
    var offsets: [Int] = []
    var lengths: [Int] = []
    var end = 0

    init(
        _ entries: UnsafeBufferPointer<AppendRequest.Entry>, _ runs: [Int], _ tracking: Tracking?, hasLinks: Bool
    ) {
        let prefix = LogFormat.prefixBytes + (hasLinks ? LogFormat.linkBytes : 0)
        offsets.reserveCapacity(entries.count + 1)
        lengths.reserveCapacity(entries.count + 1)
        if let tracking { add(BodyWriter.count(tracking), after: LogFormat.prefixBytes) }
        var start = 0
        for last in runs {
            let names = BodyWriter.countNames(entries[start], tracking)
            for index in start..<last {
                let event = entries[index].event
                let contents = BodyWriter.countContents(event.metadata.bytes.count, event.payload.count)
                add(BodyWriter.idBytes + names + contents, after: prefix)
            }
            start = last
        }
    }

    private mutating func add(_ length: Int, after prefix: Int) {
        offsets.append(end)
        lengths.append(length)
        end += LogFormat.aligned(prefix + length)
    }

    /// Writes the records to memory of `end` bytes.
    func write(
        _ entries: UnsafeBufferPointer<AppendRequest.Entry>, _ runs: [Int], _ tracking: Tracking?, hasLinks: Bool,
        to start: UnsafeMutableRawPointer
    ) {
        var index = 0
        if let tracking {
            let body = BodyWriter(at: start, 0, .tracking, hasLink: false)
            body.finish(lengths[0]) { $0.append(tracking) }
            index = 1
        }
        var first = 0
        for last in runs {
            var names: UnsafeRawBufferPointer?
            for place in first..<last {
                let body = BodyWriter(at: start, offsets[index], .event, hasLink: hasLinks)
                body.finish(lengths[index]) { body in
                    body.append(entries[place].event.id)
                    if let names { body.append(names) } else { names = body.names(entries[place], tracking) }
                    body.append(entries[place].event.metadata.bytes)
                    entries[place].event.payload.withUnsafeBytes { body.append($0) }
                }
                index += 1
            }
            first = last
        }
    }
}

/// What the committer adds to an event: its place in its stream, its time, and its link of the chain.
package struct EventStamp: Sendable {
    package var revision: UInt64
    /// In µs since 1970.
    package var recorded: Int64
    /// Present exactly if the append was encoded with links.
    package var link: ChainDigest?

    package init(revision: UInt64, recorded: Int64, link: ChainDigest?) {
        (self.revision, self.recorded, self.link) = (revision, recorded, link)
    }
}

/// What a record contains.
package enum RecordKind: UInt8, Sendable { case event = 1, tracking = 2 }

/// The flags of bodies and records.
@usableFromInline
package enum BodyFlag {
    @inlinable package static var stream: UInt8 { 1 }
    @inlinable package static var tracking: UInt8 { 2 }
    @inlinable package static var contentType: UInt8 { 4 }

    @inlinable package static var foreignEvent: UInt8 { 1 }
    @inlinable package static var link: UInt8 { 1 }
    @inlinable package static var erased: UInt8 { 2 }
}

/// Writes one record into memory that is large enough.
private struct BodyWriter {
    private let record: UnsafeMutableRawPointer
    private let prefix: Int
    private var end: Int

    init(at start: UnsafeMutableRawPointer, _ offset: Int, _ kind: RecordKind, hasLink: Bool) {
        record = start + offset
        prefix = LogFormat.prefixBytes + (hasLink ? LogFormat.linkBytes : 0)
        end = prefix
        UnsafeMutableRawBufferPointer(start: record, count: prefix).initializeMemory(as: UInt8.self, repeating: 0)
        record.set(8, kind.rawValue)
        record.set(9, hasLink ? BodyFlag.link : 0)
    }

    /// Writes the body, and then its length and its checksum.
    func finish(_ length: Int, _ write: (inout BodyWriter) -> Void) {
        var writer = self
        write(&writer)
        record.set(4, UInt32(truncatingIfNeeded: length))
        record.set(12, UnsafeRawPointer(record).checksum(prefix..<prefix + length))
        let size = LogFormat.aligned(prefix + length)
        for index in prefix + length..<size { record.set(index, 0 as UInt8) }
    }

    mutating func append(_ id: EventID) {
        append(id.high.byteSwapped)
        append(id.low.byteSwapped)
    }

    /// Appends the parts between the id and the metadata, and returns where they are.
    mutating func names(_ entry: AppendRequest.Entry, _ tracking: Tracking?) -> UnsafeRawBufferPointer {
        let (event, start) = (entry.event, end)
        let isJSON = event.contentType == .json
        append(
            (entry.stream == nil ? 0 : BodyFlag.stream) | (tracking == nil ? 0 : BodyFlag.tracking)
                | (isJSON ? 0 : BodyFlag.contentType))
        append(event.type.text)
        if !isJSON { append(event.contentType.text) }
        if let stream = entry.stream { append(stream.text) }
        if let tracking {
            append(tracking.source.text)
            append(tracking.position)
        }
        appendLength(event.tags.count)
        for tag in event.tags { append(tag.text) }
        return UnsafeRawBufferPointer(start: record + start, count: end - start)
    }

    mutating func append(_ tracking: Tracking) {
        append(tracking.source.text)
        append(tracking.position)
        append(tracking.event == nil ? 0 : BodyFlag.foreignEvent)
        if let event = tracking.event { append(event) }
    }

    static let idBytes = 16

    static func countNames(_ entry: AppendRequest.Entry, _ tracking: Tracking?) -> Int {
        let event = entry.event
        var count = 1 + count(event.type.text) + lengthBytes(event.tags.count)
        if event.contentType != .json { count += self.count(event.contentType.text) }
        if let stream = entry.stream { count += self.count(stream.text) }
        if let tracking { count += self.count(tracking.source.text) + 8 }
        for tag in event.tags { count += self.count(tag.text) }
        return count
    }

    static func countContents(_ metadata: Int, _ payload: Int) -> Int { lengthBytes(metadata) + metadata + payload }

    static func count(_ tracking: Tracking) -> Int {
        count(tracking.source.text) + 9 + (tracking.event == nil ? 0 : 16)
    }

    private static func count(_ text: String) -> Int {
        let count = text.utf8.count
        return lengthBytes(count) + count
    }

    private static func lengthBytes(_ length: Int) -> Int {
        length < 0x80 ? 1 : (64 - UInt64(length).leadingZeroBitCount + 6) / 7
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            appendLength(utf8.count)
            append(UnsafeRawBufferPointer(utf8))
        }
    }

    mutating func append(_ bytes: [UInt8]) {
        appendLength(bytes.count)
        bytes.withUnsafeBytes { append($0) }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(start: record + end, count: bytes.count).copyMemory(from: bytes)
        end += bytes.count
    }

    private mutating func append(_ number: some FixedWidthInteger & BitwiseCopyable) {
        record.set(end, number)
        end += number.bitWidth / 8
    }

    /// LEB128: seven bits a byte, the lowest first.
    private mutating func appendLength(_ length: Int) {
        var rest = UInt64(truncatingIfNeeded: length)
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
