package import SillokCore

extension Remote {
    /// What a method returns.
    package protocol AnswerBody: ProtobufMessage, SendableMetatype {
        associatedtype Value

        init(_ value: Value)
        func value() throws(ProtobufError) -> Value
    }

    /// An answer of the server: the requested value, or the failure of the store, which all answers have at the same
    /// number.
    package struct Answer<Body: AnswerBody>: ProtobufMessage {
        package static var name: String { Body.name }
        package static var unread: Answer { Answer() }
        /// A client trusts its server.
        package static var maximumElements: Int { .max }
        package var expectedBytes: Int { body.expectedBytes }

        private var body = Body.unread
        package private(set) var failure: Failure?

        private init() {}

        package init(_ value: Body.Value) { body = Body(value) }

        init(failure: AppendError) { self.failure = Failure(failure) }

        package func value() throws(ProtobufError) -> Body.Value { try body.value() }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try body.fields(&coder)
            try coder.field(15, "failure", &failure)
        }
    }

    /// An answer with a failure, to any request. A client of `sillok.v1` also reads the outcome from it as the details
    /// of a status; other clients see a status that they know.
    package static func answer(failure: AppendError) -> Answer<AppendResponse> { Answer(failure: failure) }

    package struct DescribeResponse: AnswerBody {
        package static let unread = DescribeResponse()

        private var store: StoreID?
        private var limits = Limits()

        private init() {}

        package init(_ value: (store: StoreID, limits: Limits)) { (store, limits) = (value.store, value.limits) }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "store_id", &store)
            try coder.field(2, "limits", &limits)
        }

        package func value() throws(ProtobufError) -> (store: StoreID, limits: Limits) {
            guard let store else { throw .incomplete }
            return (store, limits)
        }
    }

    package struct AppendResponse: AnswerBody {
        package static let unread = AppendResponse()

        private var receipt: Receipt?

        private init() {}

        package init(_ value: Receipt) { receipt = value }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "receipt", &receipt)
        }

        package func value() throws(ProtobufError) -> Receipt {
            guard let receipt else { throw .incomplete }
            return receipt
        }
    }

    package struct ReadResponse: AnswerBody {
        package static let unread = ReadResponse(EventBatch(events: [], mark: .start, isEnd: false, head: .start))
        /// The number of the field of the events, which an encoded page writes first.
        static let events: UInt32 = 1

        private var events: [RecordedEvent]
        private var through: Position
        private var isEnd: Bool
        private var head: Position
        private var id: EventID?

        package init(_ value: EventBatch) {
            (events, through, id) = (value.events, value.through, value.mark.id)
            (isEnd, head) = (value.isEnd, value.head)
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(Self.events, "events", &events)
            try coder.field(2, "through", &through)
            try coder.field(3, "is_end", &isEnd)
            try coder.field(4, "head", &head)
            try coder.field(5, "through_id", &id)
        }

        package var expectedBytes: Int { 64 + events.count * 320 }

        package func value() -> EventBatch {
            // A server of an older version does not return the id of the event.
            guard let id else { return EventBatch(events: events, through: through, isEnd: isEnd, head: head) }
            return EventBatch(events: events, mark: EventMark(position: through, id: id), isEnd: isEnd, head: head)
        }
    }

    package struct HeadResponse: AnswerBody {
        package static let unread = HeadResponse(.start)

        private var head: Position

        package init(_ value: Position) { head = value }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "head", &head)
        }

        package func value() -> Position { head }
    }

    /// Whether the caller has to ask again, and the head.
    package struct ReachResponse: AnswerBody {
        package static let unread = ReachResponse((.start, false))

        private var head: Position
        private var isWaiting: Bool

        package init(_ value: (head: Position, isWaiting: Bool)) { (head, isWaiting) = value }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "head", &head)
            try coder.field(2, "waiting", &isWaiting)
        }

        package func value() -> (head: Position, isWaiting: Bool) { (head, isWaiting) }
    }

    /// The position up to which a source was consumed, and the id of the foreign event there if the server has it.
    package struct TrackingResponse: AnswerBody {
        package static let unread = TrackingResponse(nil)

        private var position: UInt64?
        private var event: EventID?

        package init(_ value: (position: UInt64, event: EventID?)?) {
            (position, event) = (value?.position, value?.event)
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "position", &position)
            try coder.field(2, "event", &event)
        }

        package func value() -> (position: UInt64, event: EventID?)? { position.map { ($0, event) } }
    }

    package struct EventResponse: AnswerBody {
        package static let unread = EventResponse(nil)

        private var event: RecordedEvent?

        package init(_ value: RecordedEvent?) { event = value }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "event", &event)
        }

        package func value() -> RecordedEvent? { event }
    }

    package struct StreamsResponse: AnswerBody {
        package static let unread = StreamsResponse([])

        private var streams: [StreamFacts]

        package init(_ value: [StreamFacts]) { streams = value }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "streams", &streams)
        }

        package func value() -> [StreamFacts] { streams }
    }
}

/// Limits that a server of an older version does not send have their defaults.
extension Limits: ProtobufMessage {
    package static let unread = Limits()

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "payload_bytes", &payloadBytes)
        try coder.field(2, "batch_bytes", &batchBytes)
        try coder.field(3, "batch_events", &batchEvents)
        try coder.field(4, "metadata_bytes", &metadataBytes)
        try coder.field(5, "tags", &tags)
        try coder.field(6, "tag_bytes", &tagBytes)
        try coder.field(7, "stream_bytes", &streamBytes)
        try coder.field(8, "type_bytes", &typeBytes)
        try coder.field(9, "query_items", &queryItems)
        try coder.field(10, "page_events", &pageEvents)
        try coder.field(11, "page_bytes", &pageBytes)
        try coder.field(12, "conflict_events", &conflictEvents)
    }
}

extension Receipt: ProtobufMessage {
    package static let unread = Receipt(firstPosition: .start, mark: .start, revisions: [:], recordedAt: .unread)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (firstPosition, position, id) = (self.firstPosition, self.position, mark.id)
        var (revisions, recordedAt) = (self.revisions, self.recordedAt)
        self = .unread
        try coder.field(1, "first_position", &firstPosition)
        try coder.field(2, "position", &position)
        try coder.field(3, "revisions", &revisions)
        try coder.field(4, "recorded_at", &recordedAt)
        try coder.field(5, "position_id", &id)
        self = Receipt(
            firstPosition: firstPosition, mark: EventMark(position: position, id: id), revisions: revisions,
            recordedAt: recordedAt)
    }
}

extension StreamFacts: ProtobufMessage {
    package static let unread = StreamFacts(
        id: .unread, revision: .none, lastPosition: .start, firstRecordedAt: .unread, lastRecordedAt: .unread)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (id, revision, lastPosition) = (self.id, self.revision, self.lastPosition)
        var (firstRecordedAt, lastRecordedAt) = (self.firstRecordedAt, self.lastRecordedAt)
        try coder.field(1, "stream", &id)
        try coder.field(2, "revision", &revision)
        try coder.field(3, "last_position", &lastPosition)
        try coder.field(4, "first_recorded_at", &firstRecordedAt)
        try coder.field(5, "last_recorded_at", &lastRecordedAt)
        self = StreamFacts(
            id: id, revision: revision, lastPosition: lastPosition, firstRecordedAt: firstRecordedAt,
            lastRecordedAt: lastRecordedAt)
    }
}
