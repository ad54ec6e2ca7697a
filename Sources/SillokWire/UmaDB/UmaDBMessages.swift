package import SillokCore

/// The messages of UmaDB's protocol. See `Protos/umadb.proto`.
package enum UmaDB {
    /// An event as it was sent: nothing but the form of the id is checked yet.
    package struct Event: ProtobufMessage, Sendable {
        package static let unread = Event()

        package var type = EventType.unread
        private var tagList = TagList()
        package var data: [UInt8] = []
        package var uuid = GivenID.none
        package var metadata = Metadata()

        package var tags: [EventTag] {
            get { tagList.tags }
            set { tagList = TagList(newValue) }
        }

        /// An event that is read after another one, whose tags it may share.
        package static func unread(after event: Event) -> Event {
            var next = unread
            next.tagList = TagList(after: event.tags)
            return next
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(Number.type.rawValue, "event_type", &type)
            try coder.field(Number.tags.rawValue, "tags", &tagList)
            try coder.bytes(Number.data.rawValue, "data", &data)
            try coder.field(Number.uuid.rawValue, "uuid", &uuid)
            try coder.field(Number.metadata.rawValue, "metadata", &metadata)
        }

        enum Number: UInt32 { case type = 1, tags, data, uuid, metadata }
    }

    /// An event for a reader. ``BatchWriter`` writes it.
    package struct SequencedEvent: ProtobufMessage, Sendable {
        package static let unread = SequencedEvent()

        private var position = Position.start
        private var event = Event()
        private var tracking: TrackingInfo?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(Number.position.rawValue, "position", &position)
            try coder.field(Number.event.rawValue, "event", &event)
            try coder.field(Number.tracking.rawValue, "tracking_info", &tracking)
        }

        enum Number: UInt32 { case position = 1, event, tracking }
    }

    package struct TrackingInfo: ProtobufMessage, Sendable {
        package static let unread = TrackingInfo(Tracking(source: .unread, position: 0))

        private var source: TrackingSource
        private var position: UInt64

        package init(_ tracking: Tracking) { (source, position) = (tracking.source, tracking.position) }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "source", &source)
            try coder.field(2, "position", &position)
        }

        /// The same progress in our words.
        package var tracking: Tracking { Tracking(source: source, position: position) }
    }

    /// An alternative of a query.
    package struct QueryItem: ProtobufMessage, Sendable {
        package static let unread = QueryItem()

        package var item = EventQuery.Item()

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "types", &item.types)
            try coder.field(2, "tags", &item.tags)
        }
    }

    package struct Query: ProtobufMessage, Sendable {
        package static let unread = Query()

        package var items: [QueryItem] = []

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "items", &items)
        }

        /// The same query in our words. Without items it matches every event.
        package var query: EventQuery { items.isEmpty ? .all : EventQuery(items.map(\.item)) }
    }

    /// What nothing new may match.
    package struct AppendCondition: ProtobufMessage, Sendable {
        package static let unread = AppendCondition()

        package var query: Query?
        package var after: UInt64?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "fail_if_events_match", &query)
            try coder.field(2, "after", &after)
        }

        /// The same condition in our words.
        package var unchanged: SillokCore.AppendCondition.Unchanged {
            .init(query?.query ?? .all, since: Position(after ?? 0))
        }
    }

    package struct AppendRequest: ProtobufMessage, Sendable {
        package static let unread = AppendRequest()

        package var events: [Event] = []
        package var condition: AppendCondition?
        package var tracking: TrackingInfo?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "events", &events)
            try coder.field(2, "condition", &condition)
            try coder.field(3, "tracking_info", &tracking)
        }
    }

    package struct ReadRequest: ProtobufMessage, Sendable {
        package static let unread = ReadRequest()

        package var query: Query?
        package var start: UInt64?
        package var backwards: Bool?
        package var limit: UInt32?
        package var subscribe: Bool?
        package var batchSize: UInt32?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "query", &query)
            try coder.field(2, "start", &start)
            try coder.field(3, "backwards", &backwards)
            try coder.field(4, "limit", &limit)
            try coder.field(5, "subscribe", &subscribe)
            try coder.field(6, "batch_size", &batchSize)
        }

        package var isBackwards: Bool { backwards ?? false }
        package var isSubscription: Bool { subscribe ?? false }
    }

    /// The message of a read, which ``BatchWriter`` writes. That of a subscription has no head.
    package struct ReadResponse: ProtobufMessage, Sendable {
        package static let unread = ReadResponse()

        private var events: [SequencedEvent] = []
        private var head: UInt64?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(Number.events.rawValue, "events", &events)
            try coder.field(Number.head.rawValue, "head", &head)
        }

        enum Number: UInt32 { case events = 1, head }
    }

    package struct SubscribeRequest: ProtobufMessage, Sendable {
        package static let unread = SubscribeRequest()

        package var query: Query?
        package var after: UInt64?
        package var batchSize: UInt32?

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "query", &query)
            try coder.field(2, "after", &after)
            try coder.field(3, "batch_size", &batchSize)
        }
    }

    package struct TrackingRequest: ProtobufMessage, Sendable {
        package static let unread = TrackingRequest()

        package var source = TrackingSource.unread

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "source", &source)
        }
    }

    /// The request of `Head`.
    package struct HeadRequest: ProtobufMessage, Sendable {
        package static let unread = HeadRequest()

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {}
    }

    /// What `Append`, `Head` and `GetTrackingInfo` return.
    package struct PositionResponse: ProtobufMessage, Sendable {
        package static let unread = PositionResponse(.start)

        private var position: UInt64?

        package init(_ position: Position) { self.position = position == .start ? nil : position.value }

        package init(of tracking: Tracking?) { position = tracking?.position }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "position", &position)
        }
    }

    /// The details of the status of an error.
    package struct ErrorResponse: ProtobufMessage, Sendable {
        package static let unread = ErrorResponse("", .io)

        private var message: String
        private var type: ErrorType

        package init(_ message: String, _ type: ErrorType) { (self.message, self.type) = (message, type) }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "message", &message)
            try coder.field(2, "error_type", &type)
        }
    }

    /// The kinds of errors that the protocol knows, by their numbers.
    package enum ErrorType: UInt64, ProtobufEnum, Sendable {
        case io, serialization, integrity, corruption, `internal`, authentication, invalidArgument

        package static let unread = ErrorType.io
    }
}
