package import NIOCore
package import SillokCore

extension Remote {
    /// An answer of the server: the requested value, or the failure of the store.
    package protocol Answer: ProtobufReadable {
        associatedtype Value
        var failure: Failure? { get }
        func value() throws(ProtobufError) -> Value
    }

    package struct Description: Answer {
        package private(set) var failure: Failure?
        private var store: StoreID?
        private var limits = LimitsMessage()

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: store = try reader.id(field)
            case 2: try reader.message(field, into: &limits)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() throws(ProtobufError) -> (store: StoreID, limits: Limits) {
            guard let store else { throw .incomplete }
            return (store, limits.limits)
        }
    }

    package struct Appended: Answer {
        package private(set) var failure: Failure?
        private var receipt: ReceiptMessage?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &receipt)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() throws(ProtobufError) -> Receipt {
            guard let receipt else { throw .incomplete }
            return receipt.receipt
        }
    }

    package struct Page: Answer {
        package private(set) var failure: Failure?
        private var events: [RecordedEvent] = []
        private var through: UInt64 = 0
        private var isEnd = false
        private var head: UInt64 = 0
        private var id: EventID?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: events.append(try reader.message(field, as: Recorded.self).recorded())
            case 2: through = try reader.number(field)
            case 3: isEnd = try reader.truth(field)
            case 4: head = try reader.number(field)
            case 5: id = try reader.id(field)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() -> EventBatch {
            let (through, head) = (Position(through), Position(head))
            // A server of an older version does not return the id of the event.
            guard let id else { return EventBatch(events: events, through: through, isEnd: isEnd, head: head) }
            return EventBatch(events: events, mark: EventMark(position: through, id: id), isEnd: isEnd, head: head)
        }
    }

    /// An answer that is a position, or empty.
    package struct Number: Answer {
        package private(set) var failure: Failure?
        private var number: UInt64?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: number = try reader.number(field)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() -> UInt64? { number }
    }

    /// The head, and whether the caller has to ask again.
    package struct Reached: Answer {
        package private(set) var failure: Failure?
        private var head: UInt64 = 0
        private var isWaiting = false

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: head = try reader.number(field)
            case 2: isWaiting = try reader.truth(field)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() -> (head: Position, isWaiting: Bool) { (Position(head), isWaiting) }
    }

    package struct FoundTracking: Answer {
        package private(set) var failure: Failure?
        private var position: UInt64?
        private var event: EventID?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: position = try reader.number(field)
            case 2: event = try reader.id(field)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        /// Returns the position, and the id of the foreign event there if the server has it.
        package func value() -> (position: UInt64, event: EventID?)? { position.map { ($0, event) } }
    }

    package struct FoundEvent: Answer {
        package private(set) var failure: Failure?
        private var event: Recorded?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &event)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() throws(ProtobufError) -> RecordedEvent? { try event?.recorded() }
    }

    package struct FoundStreams: Answer {
        package private(set) var failure: Failure?
        private var streams: [StreamFacts] = []

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: streams.append(try reader.message(field, as: FactsMessage.self).facts)
            case 15: try reader.message(field, into: &failure)
            default: try reader.skip(field)
            }
        }

        package func value() -> [StreamFacts] { streams }
    }
}

extension Remote {
    /// Returns the framed answer for a failure of the store.
    package static func answer(failure: AppendError) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.write(failure: failure)
        return writer.finished()
    }

    /// Returns the answer for a failure without a frame, for the details of a status. A client of `sillok.v1` reads the
    /// outcome from it; other clients see a status that they know.
    package static func details(failure error: StoreError) -> [UInt8] {
        var writer = ProtobufWriter(framed: false)
        writer.write(failure: .failed(error))
        let details = writer.finished()
        return Array(details.readableBytesView)
    }

    package static func answer(_ store: StoreID, _ limits: Limits) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.id(1, store)
        let mark = writer.begin(2)
        for (index, path) in LimitsMessage.paths.enumerated() {
            writer.signed(UInt32(index + 1), Int64(limits[keyPath: path]))
        }
        writer.end(mark)
        return writer.finished()
    }

    package static func answer(_ receipt: Receipt) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        let mark = writer.begin(1)
        writer.number(1, receipt.firstPosition.value)
        writer.number(2, receipt.position.value)
        for (stream, revision) in receipt.revisions { writer.write(3, stream, revision) }
        writer.signed(4, receipt.recordedAt.microsecondsSince1970)
        if let id = receipt.mark.id { writer.id(5, id) }
        writer.end(mark)
        return writer.finished()
    }

    package static func answer(_ batch: EventBatch) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true, capacity: 64 + batch.events.count * 320)
        for event in batch.events { writer.write(1, event) }
        writer.number(2, batch.through.value)
        if batch.isEnd { writer.number(3, 1) }
        writer.number(4, batch.head.value)
        if let id = batch.mark.id { writer.id(5, id) }
        return writer.finished()
    }

    package static func answer(number: UInt64?) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if let number { writer.number(1, number) }
        return writer.finished()
    }

    package static func answer(head: Position, isWaiting: Bool) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.number(1, head.value)
        if isWaiting { writer.number(2, 1) }
        return writer.finished()
    }

    package static func answer(_ tracking: Tracking?) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if let tracking { writer.number(1, tracking.position) }
        if let event = tracking?.event { writer.id(2, event) }
        return writer.finished()
    }

    package static func answer(_ event: RecordedEvent?) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if let event { writer.write(1, event) }
        return writer.finished()
    }

    package static func answer(_ streams: [StreamFacts]) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        for facts in streams {
            let mark = writer.begin(1)
            writer.text(1, facts.id.text)
            writer.number(2, facts.revision.value)
            writer.number(3, facts.lastPosition.value)
            writer.signed(4, facts.firstRecordedAt.microsecondsSince1970)
            writer.signed(5, facts.lastRecordedAt.microsecondsSince1970)
            writer.end(mark)
        }
        return writer.finished()
    }
}

private struct LimitsMessage: ProtobufReadable {
    static let paths: [any WritableKeyPath<Limits, Int> & Sendable] = [
        \.payloadBytes, \.batchBytes, \.batchEvents, \.metadataBytes, \.tags, \.tagBytes, \.streamBytes, \.typeBytes,
        \.queryItems, \.pageEvents, \.pageBytes, \.conflictEvents,
    ]

    var limits = Limits()

    mutating func read(
        _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
    ) throws(ProtobufError) {
        guard (1...Self.paths.count).contains(Int(field.number)) else { return try reader.skip(field) }
        limits[keyPath: Self.paths[Int(field.number) - 1]] = try reader.count(field)
    }
}

private struct ReceiptMessage: ProtobufReadable {
    private var firstPosition: UInt64 = 0
    private var position: UInt64 = 0
    private var revisions: [StreamID: Revision] = [:]
    private var recordedAt: Int64 = 0
    private var id: EventID?

    init() {}

    mutating func read(
        _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
    ) throws(ProtobufError) {
        switch field.number {
        case 1: firstPosition = try reader.number(field)
        case 2: position = try reader.number(field)
        case 3:
            let revision: Remote.StreamRevision = try reader.message(field)
            revisions[StreamID(revision.stream)] = Revision(revision.revision)
        case 4: recordedAt = try reader.signed(field)
        case 5: id = try reader.id(field)
        default: try reader.skip(field)
        }
    }

    var receipt: Receipt {
        Receipt(
            firstPosition: Position(firstPosition), mark: EventMark(position: Position(position), id: id),
            revisions: revisions,
            recordedAt: Timestamp(microsecondsSince1970: recordedAt))
    }
}

private struct FactsMessage: ProtobufReadable {
    private var stream = ""
    private var revision: UInt64 = 0
    private var lastPosition: UInt64 = 0
    private var firstRecordedAt: Int64 = 0
    private var lastRecordedAt: Int64 = 0

    init() {}

    mutating func read(
        _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
    ) throws(ProtobufError) {
        switch field.number {
        case 1: stream = try reader.text(field)
        case 2: revision = try reader.number(field)
        case 3: lastPosition = try reader.number(field)
        case 4: firstRecordedAt = try reader.signed(field)
        case 5: lastRecordedAt = try reader.signed(field)
        default: try reader.skip(field)
        }
    }

    var facts: StreamFacts {
        StreamFacts(
            id: StreamID(stream), revision: Revision(revision), lastPosition: Position(lastPosition),
            firstRecordedAt: Timestamp(microsecondsSince1970: firstRecordedAt),
            lastRecordedAt: Timestamp(microsecondsSince1970: lastRecordedAt))
    }
}
