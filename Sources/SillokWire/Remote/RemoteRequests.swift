package import SillokCore

extension Remote {
    /// A request: it knows its method and what answers it.
    package protocol Request: ProtobufMessage, SendableMetatype {
        associatedtype Answer: AnswerBody

        /// The name of the method.
        static var method: String { get }
    }
}

extension AppendRequest: Remote.Request {
    package typealias Answer = Remote.AppendResponse
    package static let method = "Append"
    package static let unread = AppendRequest([])

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "entries", &entries)
        try coder.field(2, "revisions", &condition.revisions)
        try coder.field(3, "unchanged", &condition.unchanged)
        try coder.field(4, "tracking", &tracking)
    }

    package var expectedBytes: Int { 1024 }
}

extension AppendRequest.Entry: ProtobufMessage {
    package static let unread = AppendRequest.Entry(stream: nil, event: .unread)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "stream", &stream)
        try coder.field(2, "event", &event)
        try coder.field(3, "recorded_at", &recordedAt)
    }
}

extension AppendCondition.Unchanged: ProtobufMessage {
    package static let unread = AppendCondition.Unchanged(.unread, since: .start)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (since, id) = (seen.position, seen.id)
        try coder.field(1, "query", &query)
        try coder.field(2, "since", &since)
        try coder.field(3, "since_id", &id)
        seen = EventMark(position: since, id: id)
    }
}

struct StreamRevision: ProtobufMessage {
    static let unread = StreamRevision()

    var stream = StreamID.unread
    var revision = Revision.none

    mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        try coder.field(1, "stream", &stream)
        try coder.field(2, "revision", &revision)
    }
}

/// The revisions of streams, as a list of `StreamRevision`.
extension Dictionary: ProtobufValue where Key == StreamID, Value == Revision {
    package static var declaration: String { "repeated \(StreamRevision.declaration)" }
    package static var unread: [StreamID: Revision] { [:] }

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        try reader.expectRoom(after: count)
        var entry = StreamRevision()
        try reader.message(into: &entry)
        self[entry.stream] = entry.revision
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        for (stream, revision) in self { writer.write(field, StreamRevision(stream: stream, revision: revision)) }
    }
}

extension ReadRequest: Remote.Request {
    package typealias Answer = Remote.ReadResponse
    package static let method = "Read"
    package static let unread = ReadRequest(.unread, limit: 0)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var isBackward = direction == .backward
        try coder.field(1, "query", &query)
        try coder.field(2, "after", &after)
        try coder.field(3, "before", &before)
        try coder.field(4, "backward", &isBackward)
        try coder.field(5, "limit", &limit)
        direction = isBackward ? .backward : .forward
    }
}

extension ReadRequest.Bound: ProtobufValue {
    package static let declaration = Remote.Bound.name
    package static let unread = ReadRequest.Bound.position(.start)

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        var message = Remote.Bound()
        try reader.message(into: &message)
        guard let bound = message.bound else { throw .incomplete }
        self = bound
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) { writer.write(field, Remote.Bound(self)) }
}

/// The id of the event at a mark; no bytes for a mark without one.
struct MarkID: ProtobufValue {
    static let declaration = EventID.declaration
    static let unread = MarkID()

    var id: EventID?

    mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        var ahead = reader
        let isEmpty = try ahead.slice().isEmpty
        if isEmpty { reader = ahead } else { id = try reader.id() }
    }

    func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        if let id { writer.id(field, id) } else { writer.text(field, "") }
    }
}

extension Remote {
    struct Bound: ProtobufMessage {
        static let unread = Bound()

        private var position: Position?
        private var revision: Revision?
        private var time: Timestamp?
        private var markID: MarkID?

        init() {}

        init(_ bound: ReadRequest.Bound) {
            switch bound {
            case .position(let position): self.position = position
            case .mark(let mark): (position, markID) = (mark.position, MarkID(id: mark.id))
            case .revision(let revision): self.revision = revision
            case .time(let time): self.time = time
            }
        }

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "position", &position)
            try coder.field(2, "revision", &revision)
            try coder.field(3, "time", &time)
            try coder.field(4, "mark_id", &markID)
        }

        var bound: ReadRequest.Bound? {
            if let position {
                return markID.map { .mark(EventMark(position: position, id: $0.id)) } ?? .position(position)
            }
            return revision.map { .revision($0) } ?? time.map { .time($0) }
        }
    }

    package struct DescribeRequest: Request {
        package typealias Answer = DescribeResponse
        package static let method = "Describe"
        package static let unread = DescribeRequest()

        package init() {}

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {}
    }

    package struct HeadRequest: Request {
        package typealias Answer = HeadResponse
        package static let method = "Head"
        package static let unread = HeadRequest()

        package init() {}

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {}
    }

    /// A request to wait for an event.
    package struct ReachRequest: Request {
        package typealias Answer = ReachResponse
        package static let method = "Reach"
        package static let unread = ReachRequest(.start, for: .all)

        package private(set) var position: Position
        /// Which events are waited for; `nil`: any.
        package private(set) var query: EventQuery?

        package init(_ position: Position, for query: EventQuery) {
            self.position = position
            self.query = query == .all ? nil : query
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "position", &position)
            try coder.field(2, "query", &query)
        }
    }

    package struct EventRequest: Request {
        package typealias Answer = EventResponse
        package static let method = "GetEvent"
        package static let unread = EventRequest(.unread)

        package private(set) var id: EventID

        package init(_ id: EventID) { self.id = id }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "id", &id)
        }
    }

    package struct StreamRequest: Request {
        package typealias Answer = StreamsResponse
        package static let method = "GetStream"
        package static let unread = StreamRequest(.unread)

        package private(set) var stream: StreamID

        package init(_ stream: StreamID) { self.stream = stream }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "stream", &stream)
        }
    }

    /// A request for a page of streams.
    package struct StreamsRequest: Request {
        package typealias Answer = StreamsResponse
        package static let method = "ListStreams"
        package static let unread = StreamsRequest(in: nil, after: nil, limit: 0)

        package private(set) var category: StreamCategory?
        package private(set) var after: StreamID?
        package private(set) var limit: Int

        package init(in category: StreamCategory?, after name: StreamID?, limit: Int) {
            (self.category, after, self.limit) = (category, name, limit)
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "category", &category)
            try coder.field(2, "after", &after)
            try coder.field(3, "limit", &limit)
        }
    }

    package struct TrackingRequest: Request {
        package typealias Answer = TrackingResponse
        package static let method = "GetTracking"
        package static let unread = TrackingRequest(.unread)

        package private(set) var source: TrackingSource

        package init(_ source: TrackingSource) { self.source = source }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "source", &source)
        }
    }
}
