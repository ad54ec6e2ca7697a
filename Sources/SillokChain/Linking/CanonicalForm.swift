import CSillok
public import SillokCore

// The canonical form, version 1: the bytes that are hashed. With the events of a log, its chain can be computed from
// this definition. H is SHA-256; `‖` joins bytes; numbers are big-endian, signed ones in two's complement. A "text" is
// its number of bytes (4) and its UTF-8 bytes as appended, never normalized. The names in quotes are ASCII.
//
//   tags      = H( count (4) ‖ each tag: text )                       in the order in which they were given
//   metadata  = H( each key and value in order: count of bytes as LEB128 ‖ UTF-8 bytes )
//   payload   = H( the payload )                                      what `sha256sum` says of it
//
//   fact      = H( "sillok:fact:1" ‖ event id (16) ‖ stream ‖ type: text ‖ content type: text ‖ tracking
//                  ‖ tags (32) ‖ metadata (32) ‖ payload (32) )
//                    stream:   0x00, or 0x01 ‖ text
//                    tracking: 0x00, or 0x01 ‖ source: text ‖ its position (8)
//
//   genesis   = H( "sillok:chain:1" ‖ store id (16) ‖ start (8) )      start: the first position that is in the chain
//   link(n)   = H( "sillok:link:1" ‖ link(n − 1) (32) ‖ position (8) ‖ revision (8) ‖ recorded time (8) ‖ fact (32) )
//                    link(start − 1) is the genesis; the revision is 0 without a stream; the time in µs since 1970
//
// Tags, metadata and payload are separate digests. If one of them is erased, its digest is kept, and the chain can
// still be checked. Names of streams, types and sources, ids and times are not erasable.

/// Makes the digests of facts: of what an event says, without its place in the log.
///
/// Keeps its memory from one event to the next.
struct FactDigests: ~Copyable {
    private var bytes: UnsafeMutableRawPointer
    private var capacity = 512
    private var count = 0
    /// Where the names end, which events that follow one another often share.
    private var namesEnd = 0
    /// The tags of the last event and their digest: the events of a batch often have the same.
    private var last: (tags: [EventTag], digest: ChainDigest) = ([], CanonicalForm.noTags)

    init() { bytes = .allocate(byteCount: capacity, alignment: 16) }

    deinit { bytes.deallocate() }

    /// Begins with the names of an event on its way to a stream, or of one that was recorded there.
    mutating func begin(_ event: EventData, in stream: StreamID?, _ tracking: Tracking?) {
        let tags = digest(of: event.tags)
        count = 0
        CanonicalForm.fact.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
        append(0 as UInt64)
        append(0 as UInt64)
        append(UInt8(stream == nil ? 0 : 1))
        if let stream { append(stream.text) }
        append(event.type.text)
        append(event.contentType.text)
        append(UInt8(tracking == nil ? 0 : 1))
        if let tracking {
            append(tracking.source.text)
            append(tracking.position)
        }
        append(tags)
        namesEnd = count
    }

    /// The digest of an event with the names of the last ``begin(_:in:_:)``.
    mutating func fact(_ id: EventID, _ metadata: [UInt8], _ payload: [UInt8]) -> ChainDigest {
        fill(id, metadata, CanonicalForm.hash(payload))
        return digest
    }

    /// Makes the form of an event with the names of the last ``begin(_:in:_:)``.
    mutating func fill(_ id: EventID, _ metadata: [UInt8], _ payload: ChainDigest) {
        count = namesEnd
        let place = bytes + CanonicalForm.fact.utf8CodeUnitCount
        place.storeBytes(of: id.high.bigEndian, as: UInt64.self)
        place.storeBytes(of: id.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        append(metadata.isEmpty ? CanonicalForm.nothing : CanonicalForm.hash(metadata))
        append(payload)
    }

    /// The form that was made.
    var form: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: count) }

    private mutating func digest(of tags: [EventTag]) -> ChainDigest {
        if tags == last.tags { return last.digest }
        count = 0
        append(UInt32(truncatingIfNeeded: tags.count))
        for tag in tags { append(tag.text) }
        last = (tags, digest)
        return last.digest
    }

    /// The digest of what was gathered.
    private var digest: ChainDigest { CanonicalForm.hash(form) }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            append(UInt32(truncatingIfNeeded: utf8.count))
            append(UnsafeRawBufferPointer(utf8))
        }
    }

    private mutating func append(_ digest: ChainDigest) {
        reserve(ChainDigest.byteCount)
        digest.write(to: bytes + count)
        count += ChainDigest.byteCount
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { append($0) }
    }

    private mutating func append(_ part: UnsafeRawBufferPointer) {
        reserve(part.count)
        UnsafeMutableRawBufferPointer(start: bytes + count, count: part.count).copyMemory(from: part)
        count += part.count
    }

    private mutating func reserve(_ more: Int) {
        if capacity - count >= more { return }
        let larger = max(2 * capacity, count + more)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: bytes, byteCount: count)
        bytes.deallocate()
        (bytes, capacity) = (moved, larger)
    }
}

/// The parts of the canonical form that do not depend on an event's contents.
enum CanonicalForm {
    static let fact: StaticString = "sillok:fact:1"
    private static let chain: StaticString = "sillok:chain:1"
    private static let link: StaticString = "sillok:link:1"

    /// The digest of no tags: four zero bytes.
    static let noTags = hash([0, 0, 0, 0])
    /// The digest of no bytes.
    static let nothing = hash([])

    /// SHA-256.
    static func hash(_ bytes: [UInt8]) -> ChainDigest { bytes.withUnsafeBytes(hash) }

    /// SHA-256.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> ChainDigest {
        withUnsafeTemporaryAllocation(byteCount: ChainDigest.byteCount, alignment: 8) { digest in
            sillok_sha256(bytes.baseAddress, bytes.count, digest.baseAddress)
            return ChainDigest(exactly: UnsafeRawBufferPointer(digest))
        }
    }

    /// SHA-256 of two messages, which is faster than one after the other.
    static func hash(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> (first: ChainDigest, second: ChainDigest) {
        let size = ChainDigest.byteCount
        return withUnsafeTemporaryAllocation(byteCount: 2 * size, alignment: 8) { digests in
            let one = UnsafeMutableRawBufferPointer(rebasing: digests[..<size])
            let other = UnsafeMutableRawBufferPointer(rebasing: digests[size...])
            sillok_sha256_two(
                first.baseAddress, first.count, one.baseAddress, second.baseAddress, second.count, other.baseAddress)
            return (
                ChainDigest(exactly: UnsafeRawBufferPointer(one)), ChainDigest(exactly: UnsafeRawBufferPointer(other))
            )
        }
    }

    static func genesis(_ store: StoreID, start: Position) -> ChainDigest {
        var bytes = chain.withUTF8Buffer { Array($0) }
        for number in [store.high, store.low, start.value] {
            withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes.withUnsafeBytes(hash)
    }

    static func link(
        after previous: ChainDigest, _ position: Position, _ revision: Revision, _ recordedAt: Timestamp,
        _ fact: ChainDigest
    ) -> ChainDigest {
        let start = link.utf8CodeUnitCount
        let size = start + 2 * ChainDigest.byteCount + 24
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            // The committing thread makes the links one after the other, so each part is stored directly.
            if let memory = bytes.baseAddress {
                memory.copyMemory(from: link.utf8Start, byteCount: start)
                previous.write(to: memory + start)
                let numbers = memory + start + ChainDigest.byteCount
                numbers.storeBytes(of: position.value.bigEndian, as: UInt64.self)
                numbers.storeBytes(of: revision.value.bigEndian, toByteOffset: 8, as: UInt64.self)
                numbers.storeBytes(of: recordedAt.microsecondsSince1970.bigEndian, toByteOffset: 16, as: Int64.self)
                fact.write(to: numbers + 24)
            }
            return hash(UnsafeRawBufferPointer(bytes))
        }
    }
}

extension AppendRequest {
    /// The digest of each of its facts: to be made in the task of the caller, before the request waits for its turn.
    package var factDigests: [ChainDigest] { factDigests(runs) }

    /// The same, with the ``runs`` of the request.
    package func factDigests(_ runs: [Int]) -> [ChainDigest] {
        var facts = FactDigests()
        var digests: [ChainDigest] = []
        digests.reserveCapacity(entries.count)
        // A loop over the array would copy its elements.
        entries.withUnsafeBufferPointer { entries in
            var index = 0
            for end in runs {
                facts.begin(entries[index].event, in: entries[index].stream, tracking)
                if end - index > 1 {
                    Self.addPairs(of: entries[index..<end], tracking, &facts, to: &digests)
                    index = end - (end - index) % 2
                }
                if index < end {
                    let event = entries[index].event
                    digests.append(facts.fact(event.id, event.metadata.bytes, event.payload))
                }
                index = end
            }
        }
        return digests
    }

    /// Adds the digests of a run, two at a time. The last one of an odd number is left.
    private static func addPairs(
        of entries: Slice<UnsafeBufferPointer<Entry>>, _ tracking: Tracking?, _ facts: inout FactDigests,
        to digests: inout [ChainDigest]
    ) {
        let entries = UnsafeBufferPointer(rebasing: entries)
        var others = FactDigests()
        others.begin(entries[0].event, in: entries[0].stream, tracking)
        for index in stride(from: 0, to: entries.count - 1, by: 2) {
            let payloads = entries[index].event.payload.withUnsafeBytes { payload in
                entries[index + 1].event.payload.withUnsafeBytes { CanonicalForm.hash(payload, $0) }
            }
            facts.fill(entries[index].event.id, entries[index].event.metadata.bytes, payloads.first)
            others.fill(entries[index + 1].event.id, entries[index + 1].event.metadata.bytes, payloads.second)
            let both = CanonicalForm.hash(facts.form, others.form)
            digests.append(both.first)
            digests.append(both.second)
        }
    }
}

extension RecordedEvent {
    /// The digest of the contents of the event, without its place in the log: the `fact` of the canonical form.
    public var factDigest: ChainDigest {
        var digests = FactDigests()
        digests.begin(data, in: stream, tracking)
        return digests.fact(data.id, data.metadata.bytes, data.payload)
    }
}
