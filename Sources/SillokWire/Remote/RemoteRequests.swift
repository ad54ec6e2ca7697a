package import NIOCore
package import SillokCore

extension Remote {
    /// A request to record events.
    package struct Append: ProtobufReadable {
        private var entries: [Entry] = []
        private var condition = AppendCondition.always
        private var tracking: TrackingInfo?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, addedTo: &entries)
            case 2:
                try reader.expectRoom(field, after: condition.revisions.count)
                let revision: StreamRevision = try reader.message(field)
                condition.revisions[StreamID(revision.stream)] = Revision(revision.revision)
            case 3:
                try reader.expectRoom(field, after: condition.unchanged.count)
                let unchanged: Unchanged = try reader.message(field)
                let seen = EventMark(position: Position(unchanged.since), id: unchanged.id)
                condition.unchanged.append(.init(unchanged.query.query, seen: seen))
            case 4: try reader.message(field, into: &tracking)
            default: try reader.skip(field)
            }
        }

        package func request() throws(ProtobufError) -> AppendRequest {
            var request = AppendRequest([], if: condition, tracking: tracking?.tracking)
            request.entries.reserveCapacity(entries.count)
            for entry in entries {
                request.entries.append(
                    .init(
                        stream: entry.stream.map { StreamID($0) }, event: try entry.event.data(),
                        recordedAt: entry.recordedAt.map { Timestamp(microsecondsSince1970: $0) }))
            }
            return request
        }
    }

    private struct Entry: ProtobufReadable {
        var stream: String?
        var event = Event()
        var recordedAt: Int64?

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: stream = try reader.text(field)
            case 2: try reader.message(field, into: &event)
            case 3: recordedAt = try reader.signed(field)
            default: try reader.skip(field)
            }
        }
    }

    struct StreamRevision: ProtobufReadable {
        var stream = ""
        var revision: UInt64 = 0

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: stream = try reader.text(field)
            case 2: revision = try reader.number(field)
            default: try reader.skip(field)
            }
        }
    }

    private struct Unchanged: ProtobufReadable {
        var query = Query()
        var since: UInt64 = 0
        var id: EventID?

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &query)
            case 2: since = try reader.number(field)
            case 3: id = try reader.id(field)
            default: try reader.skip(field)
            }
        }
    }

    /// A request for a page.
    package struct Read: ProtobufReadable {
        private var query = Query()
        private var after: Bound?
        private var before: Bound?
        private var isBackward = false
        private var limit = 0

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &query)
            case 2: try reader.message(field, into: &after)
            case 3: try reader.message(field, into: &before)
            case 4: isBackward = try reader.truth(field)
            case 5: limit = try reader.count(field)
            default: try reader.skip(field)
            }
        }

        package func request() throws(ProtobufError) -> ReadRequest {
            for bound in [after, before] where bound != nil && bound?.bound == nil { throw .incomplete }
            return ReadRequest(
                query.query, after: after?.bound, before: before?.bound,
                direction: isBackward ? .backward : .forward, limit: limit)
        }
    }

    private struct Bound: ProtobufReadable {
        private var plain: ReadRequest.Bound?
        private var isMark = false
        private var id: EventID?

        var bound: ReadRequest.Bound? {
            guard isMark, case .position(let position)? = plain else { return plain }
            return .mark(EventMark(position: position, id: id))
        }

        init() {}

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: plain = .position(Position(try reader.number(field)))
            case 2: plain = .revision(Revision(try reader.number(field)))
            case 3: plain = .time(Timestamp(microsecondsSince1970: try reader.signed(field)))
            case 4:
                isMark = true
                let bytes = try reader.bytes(field)
                if bytes.isEmpty { return }
                guard let id = EventID(bytes: bytes) else { throw .malformedID(field: field.number) }
                self.id = id
            default: try reader.skip(field)
            }
        }
    }

    /// A request for a page of streams.
    package struct ListStreams: ProtobufReadable {
        package var category: String?
        package var after: String?
        package var limit = 0

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: category = try reader.text(field)
            case 2: after = try reader.text(field)
            case 3: limit = try reader.count(field)
            default: try reader.skip(field)
            }
        }
    }

    /// A request to wait for an event.
    package struct Reach: ProtobufReadable {
        package private(set) var position: UInt64 = 0
        private var asked: Query?

        /// Which events are waited for; `nil`: any.
        package var query: EventQuery? { asked?.query }

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: position = try reader.number(field)
            case 2: try reader.message(field, into: &asked)
            default: try reader.skip(field)
            }
        }
    }

    /// A request that is one text, or one id.
    package struct Question: ProtobufReadable {
        private var bytes: [UInt8] = []

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch (field.number, field.type) {
            case (1, .lengthDelimited): bytes = try reader.bytes(field)
            default: try reader.skip(field)
            }
        }

        package func text() throws(ProtobufError) -> String {
            let text = String(decoding: bytes, as: UTF8.self)
            guard text.utf8.elementsEqual(bytes) else { throw .invalidText(field: 1) }
            return text
        }

        package func id() throws(ProtobufError) -> EventID {
            guard let id = EventID(bytes: bytes) else { throw .malformedID(field: 1) }
            return id
        }
    }
}

extension Remote {
    /// Returns a framed request to record events.
    package static func message(_ request: AppendRequest) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true, capacity: 1024)
        for entry in request.entries {
            let mark = writer.begin(1)
            if let stream = entry.stream { writer.text(1, stream.text) }
            writer.write(2, entry.event)
            if let time = entry.recordedAt { writer.signed(3, time.microsecondsSince1970) }
            writer.end(mark)
        }
        for (stream, revision) in request.condition.revisions { writer.write(2, stream, revision) }
        for unchanged in request.condition.unchanged {
            let mark = writer.begin(3)
            writer.write(1, unchanged.query)
            writer.number(2, unchanged.since.value)
            if let id = unchanged.seen.id { writer.id(3, id) }
            writer.end(mark)
        }
        if let tracking = request.tracking { writer.write(4, tracking) }
        return writer.finished()
    }

    /// Returns a framed request for a page.
    package static func message(_ request: ReadRequest) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.write(1, request.query)
        if let bound = request.after { writer.write(2, bound) }
        if let bound = request.before { writer.write(3, bound) }
        if request.direction == .backward { writer.number(4, 1) }
        writer.signed(5, Int64(request.limit))
        return writer.finished()
    }

    /// Returns a framed request for a page of streams.
    package static func message(_ category: StreamCategory?, after name: StreamID?, limit: Int) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        if let category { writer.text(1, category.text) }
        if let name { writer.text(2, name.text) }
        writer.signed(3, Int64(limit))
        return writer.finished()
    }

    /// Returns a framed request that is a text.
    package static func message(_ text: String) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.text(1, text)
        return writer.finished()
    }

    /// Returns a framed request that is an id.
    package static func message(_ id: EventID) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.id(1, id)
        return writer.finished()
    }

    /// A framed request to wait for an event.
    package static func message(_ position: Position, for query: EventQuery) -> ByteBuffer {
        var writer = ProtobufWriter(framed: true)
        writer.number(1, position.value)
        if query != .all { writer.write(2, query) }
        return writer.finished()
    }

    /// A framed request that asks for nothing in particular.
    package static func message() -> ByteBuffer { ProtobufWriter(framed: true).finished() }
}

extension ProtobufWriter {
    fileprivate mutating func write(_ field: UInt32, _ bound: ReadRequest.Bound) {
        let mark = begin(field)
        switch bound {
        case .position(let position): number(1, position.value)
        case .mark(let mark):
            number(1, mark.position.value)
            if let known = mark.id { id(4, known) } else { bytes(4, UnsafeRawBufferPointer(start: nil, count: 0)) }
        case .revision(let revision): number(2, revision.value)
        case .time(let time): signed(3, time.microsecondsSince1970)
        }
        end(mark)
    }

    mutating func write(_ field: UInt32, _ stream: StreamID, _ revision: Revision) {
        let mark = begin(field)
        text(1, stream.text)
        number(2, revision.value)
        end(mark)
    }
}
