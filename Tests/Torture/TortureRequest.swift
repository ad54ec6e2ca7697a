import SillokCore

/// Which request: a writer, and how many requests it had made with this one.
struct RequestKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    let writer: Int
    let number: Int

    var description: String { "\(writer)/\(number)" }

    static func < (left: Self, right: Self) -> Bool { (left.writer, left.number) < (right.writer, right.number) }
}

/// An append that can be made again from its key alone, so that a verifier knows byte for byte what must be stored.
struct TortureRequest: Sendable {
    /// What an append depends on.
    enum Subject: Hashable, Sendable {
        case nothing
        case stream(StreamID)
        case tag(EventTag)
    }

    let key: RequestKey
    /// The time in the ids of its events.
    let milliseconds: UInt64
    let subject: Subject
    let entries: [AppendRequest.Entry]

    init(seed: UInt64, key: RequestKey, milliseconds: UInt64) {
        self.key = key
        self.milliseconds = milliseconds
        var random = SeededGenerator(seed, UInt64(key.writer), UInt64(key.number))
        var ids = SeededGenerator(seed, UInt64(key.writer), UInt64(key.number), milliseconds)
        var shape = Shape(key, &random)
        subject = shape.subject
        let isTimeOrdered = random.below(4) > 0
        let count = shape.count
        entries = (0..<count).map { index in
            let id = isTimeOrdered ? Self.timeOrderedID(milliseconds, &ids) : EventID(high: ids.next(), low: ids.next())
            let body = TortureBody(key: key, index: index, count: count)
            let tags = shape.tags(&random)
            let event = EventData(
                id: id, type: EventType("type-\(random.below(5))"), tags: tags, contentType: .bytes,
                payload: body.bytes(&random))
            return AppendRequest.Entry(stream: shape.stream(index, &random), event: event)
        }
    }

    private static func timeOrderedID(_ milliseconds: UInt64, _ ids: inout SeededGenerator) -> EventID {
        EventID(
            high: milliseconds << 16 | 0x7000 | ids.next() & 0xFFF, low: ids.next() >> 2 | 0x8000_0000_0000_0000)
    }
}

/// How many events go where.
private struct Shape {
    var subject = TortureRequest.Subject.nothing
    var count = 1
    private var streams: [StreamID?]
    private var tag: EventTag?

    init(_ key: RequestKey, _ random: inout SeededGenerator) {
        switch random.below(20) {
        case 0..<8: streams = [StreamID("writer-\(key.writer)")]
        case 8..<12:
            streams = [StreamID("shared-\(random.below(8))")]
            count = 1 + random.below(100)
        case 12..<15:
            count = 2 + random.below(19)
            streams = (0..<3).map { _ in StreamID("shared-\(random.below(8))") } + [nil]
        case 15..<18:
            let hot = StreamID("hot-\(random.below(4))")
            (subject, streams, count) = (.stream(hot), [hot], 1 + random.below(5))
        default:
            let slot = EventTag("slot", "\(random.below(16))")
            (subject, streams, tag) = (.tag(slot), [nil], slot)
        }
    }

    mutating func stream(_ index: Int, _ random: inout SeededGenerator) -> StreamID? {
        streams[index == 0 ? 0 : random.below(streams.count)]
    }

    mutating func tags(_ random: inout SeededGenerator) -> [EventTag] {
        if let tag { return [tag] }
        return random.below(3) == 0 ? [EventTag("colour", "\(random.below(50))")] : []
    }
}

/// The payload: who wrote it, which of how many, something to fill it, and a checksum over all of that.
struct TortureBody {
    let key: RequestKey
    let index: Int
    let count: Int

    init(key: RequestKey, index: Int, count: Int) {
        self.key = key
        self.index = index
        self.count = count
    }

    /// Reads a payload; `nil` unless it is whole.
    init?(_ payload: [UInt8]) {
        guard let end = payload.lastIndex(of: UInt8(ascii: " ")) else { return nil }
        let sum = String(decoding: payload[(end + 1)...], as: UTF8.self)
        guard sum == String(Self.checksum(payload[..<end]), radix: 16) else { return nil }
        let head = payload[..<end].split(separator: UInt8(ascii: " "), maxSplits: 4)
        let numbers = head.prefix(4).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        guard numbers.count == 4 else { return nil }
        self.init(key: RequestKey(writer: numbers[0], number: numbers[1]), index: numbers[2], count: numbers[3])
    }

    func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        let size = random.below(100) == 0 ? 8000 : 20 + random.below(200)
        let letter = UInt8(ascii: "a") + UInt8(random.below(26))
        var bytes = Array("\(key.writer) \(key.number) \(index) \(count) ".utf8)
        bytes.append(contentsOf: repeatElement(letter, count: size))
        let sum = Self.checksum(bytes[...])
        bytes.append(contentsOf: " \(String(sum, radix: 16))".utf8)
        return bytes
    }

    /// FNV-1a: another checksum than the store's own.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
