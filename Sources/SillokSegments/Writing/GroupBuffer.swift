import SillokChain
import SillokLogFormat

/// The records of the appends that are written and synced together, in one buffer that is reused.
///
/// It may be filled on another thread than the one that writes the group before it.
package struct GroupBuffer: ~Copyable, @unchecked Sendable {
    /// The position of the first event.
    package private(set) var firstPosition: UInt64 = 1
    /// The number of records.
    package private(set) var records = 0
    /// The number of bytes in a segment, with the header.
    package private(set) var count = LogFormat.headerBytes
    /// The number of events.
    package var events: Int { places.count }
    /// The position of the next event.
    package var nextPosition: UInt64 { firstPosition + UInt64(places.count) }

    /// The offset of each event's record from the start of the group, divided by 8.
    private(set) var places: [UInt32] = []
    private let salt: UInt32
    private(set) var memory: UnsafeMutableRawPointer
    private var capacity: Int

    /// A buffer that had to grow larger than this is made smaller again.
    private static let retainedBytes = 16 << 20

    /// Creates a buffer for groups of a log.
    package init(for identity: LogIdentity, _ settings: LogSettings = LogSettings()) {
        salt = identity.salt(settings.faults)
        capacity = 1 << 16
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Empties the buffer. The first event gets this position.
    package mutating func begin(first: UInt64) {
        firstPosition = first
        records = 0
        count = LogFormat.headerBytes
        places.removeAll(keepingCapacity: true)
        if capacity > GroupBuffer.retainedBytes { resize(to: GroupBuffer.retainedBytes) }
    }

    /// Adds an append. `stamp` is called once for each event, in order, with its index in the append.
    package mutating func add(_ append: EncodedAppend, _ stamp: (Int) -> EventStamp) {
        reserve(append.bytes.count)
        let start = memory + count
        append.bytes.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: start, count: $0.count).copyMemory(from: $0)
        }
        let base = count
        var position = nextPosition
        var index = 0
        if append.hasTracking, let first = append.offsets.first {
            seal(start + first, LogFormat.prefixBytes, position)
            index = 1
        }
        let prefix = LogFormat.prefixBytes + (append.hasLinks ? LogFormat.linkBytes : 0)
        for event in 0..<append.events {
            let offset = append.offsets[index + event]
            let record = start + offset
            let stamp = stamp(event)
            record.set(16, stamp.revision)
            record.set(24, stamp.recorded)
            if append.hasLinks { set(stamp.link, in: record) }
            seal(record, prefix, position)
            places.append(UInt32(truncatingIfNeeded: (base + offset) / LogFormat.alignment))
            position += 1
        }
        records += append.offsets.count
        count += append.bytes.count
    }

    /// Adds the bytes of a record. Its position must be the next one.
    mutating func append(_ prefix: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, isEvent: Bool) {
        let size = LogFormat.aligned(prefix.count + body.count)
        reserve(size)
        let record = memory + count
        UnsafeMutableRawBufferPointer(start: record, count: size).initializeMemory(as: UInt8.self, repeating: 0)
        UnsafeMutableRawBufferPointer(start: record, count: prefix.count).copyMemory(from: prefix)
        UnsafeMutableRawBufferPointer(start: record + prefix.count, count: body.count).copyMemory(from: body)
        if isEvent { places.append(UInt32(truncatingIfNeeded: count / LogFormat.alignment)) }
        records += 1
        count += size
    }

    private func seal(_ record: UnsafeMutableRawPointer, _ prefix: Int, _ position: UInt64) {
        record.set(0, RecordView.checksum(UnsafeRawPointer(record), prefix, position) ^ salt)
    }

    private func set(_ link: ChainDigest?, in record: UnsafeMutableRawPointer) {
        guard let link else { return }
        link.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: record + LogFormat.prefixBytes, count: LogFormat.linkBytes)
                .copyMemory(from: $0)
        }
    }

    private mutating func reserve(_ more: Int) {
        if capacity - count < more { resize(to: max(2 * capacity, count + more)) }
    }

    private mutating func resize(to bytes: Int) {
        let moved = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        moved.copyMemory(from: memory, byteCount: min(count, bytes))
        memory.deallocate()
        (memory, capacity) = (moved, bytes)
    }
}
