import SillokCore
import SillokSegments

/// An append that histories write, with the bytes that its records must have.
///
/// The bytes are encoded here, from the description of the format and without the engine's code.
final class SampleAppend: Sendable {
    let entries: [AppendRequest.Entry]
    let tracking: Tracking?
    /// The bodies of the records, that of the tracking first.
    let bodies: [[UInt8]]
    let plain: EncodedAppend
    let linked: EncodedAppend

    init(_ entries: [AppendRequest.Entry], tracking: Tracking?) {
        (self.entries, self.tracking) = (entries, tracking)
        bodies = (tracking.map { [Self.body($0)] } ?? []) + entries.map { Self.body($0, tracking) }
        plain = EncodedAppend(entries, tracking: tracking, hasLinks: false)
        linked = EncodedAppend(entries, tracking: tracking, hasLinks: true)
    }

    /// The number of records before the first event.
    var trackings: Int { tracking == nil ? 0 : 1 }

    private static func body(_ entry: AppendRequest.Entry, _ tracking: Tracking?) -> [UInt8] {
        let event = entry.event
        var body = bytes(event.id)
        body.append(
            (entry.stream == nil ? 0 : 1) | (tracking == nil ? 0 : 2) | (event.contentType == .json ? 0 : 4))
        append(event.type.text, to: &body)
        if event.contentType != .json { append(event.contentType.text, to: &body) }
        if let stream = entry.stream { append(stream.text, to: &body) }
        if let tracking {
            append(tracking.source.text, to: &body)
            append(tracking.position, to: &body)
        }
        append(length: event.tags.count, to: &body)
        for tag in event.tags { append(tag.text, to: &body) }
        append(length: event.metadata.bytes.count, to: &body)
        return body + event.metadata.bytes + event.payload
    }

    private static func body(_ tracking: Tracking) -> [UInt8] {
        var body: [UInt8] = []
        append(tracking.source.text, to: &body)
        append(tracking.position, to: &body)
        body.append(tracking.event == nil ? 0 : 1)
        return body + (tracking.event.map(bytes) ?? [])
    }

    private static func bytes(_ id: EventID) -> [UInt8] {
        [id.high, id.low].flatMap { half in withUnsafeBytes(of: half.bigEndian) { Array($0) } }
    }

    private static func append(_ text: String, to body: inout [UInt8]) {
        append(length: text.utf8.count, to: &body)
        body += text.utf8
    }

    private static func append(_ number: UInt64, to body: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { body += $0 }
    }

    private static func append(length: Int, to body: inout [UInt8]) {
        var rest = length
        while rest > 127 {
            body.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        body.append(UInt8(rest))
    }
}

extension SampleAppend {
    /// Appends of all shapes, the same ones in every run: one event or many, of few bytes or of some sectors, with
    /// tags, metadata and trackings, and trackings without events.
    static let all: [SampleAppend] = {
        var numbers = SimulationNumbers(seed: 20, purpose: 7)
        return (0..<400).map { SampleAppend.random(&numbers, index: $0) }
    }()

    /// An append of one event with this payload.
    static func quoting(_ payload: [UInt8], _ numbers: inout SimulationNumbers) -> SampleAppend {
        let event = EventData(
            id: EventID(high: numbers.next(), low: numbers.next()), type: "quoted", contentType: .bytes,
            payload: payload)
        return SampleAppend([AppendRequest.Entry(stream: "quotes-1", event: event)], tracking: nil)
    }

    private static func random(_ numbers: inout SimulationNumbers, index: Int) -> SampleAppend {
        let shape = numbers.below(100)
        let count = shape < 10 ? 0 : shape < 70 ? 1 : shape < 95 ? numbers.number(2...6) : numbers.number(7...50)
        let entries = (0..<count).map { _ in entry(&numbers, isSmall: count > 6) }
        guard count == 0 || numbers.happens(200) else { return SampleAppend(entries, tracking: nil) }
        let event = numbers.happens(500) ? EventID(high: numbers.next(), low: numbers.next()) : nil
        let tracking = Tracking(
            source: TrackingSource("source-\(numbers.below(3))"), position: UInt64(index), event: event)
        return SampleAppend(entries, tracking: tracking)
    }

    private static func entry(_ numbers: inout SimulationNumbers, isSmall: Bool) -> AppendRequest.Entry {
        let size = numbers.below(100)
        let count =
            isSmall || size < 60
            ? numbers.below(80) : size < 90 ? numbers.below(400) : size < 98 ? numbers.below(2_000) : 6_000
        // A third of the payloads are zeros, as an unwritten place is.
        let filling = numbers.below(3)
        let payload = (0..<count).map { _ in filling == 0 ? 0 : UInt8(truncatingIfNeeded: numbers.next()) }
        var metadata = Metadata()
        if numbers.happens(300) { metadata["actor"] = "user-\(numbers.below(10))" }
        let event = EventData(
            id: EventID(high: numbers.next(), low: numbers.next()), type: EventType("type-\(numbers.below(5))"),
            tags: (0..<numbers.below(3)).map { EventTag("tag:\($0)-\(numbers.below(20))") }, metadata: metadata,
            contentType: numbers.happens(200) ? .bytes : .json, payload: payload)
        let stream = numbers.happens(700) ? StreamID("account-\(numbers.below(30))") : nil
        return AppendRequest.Entry(stream: stream, event: event)
    }
}
