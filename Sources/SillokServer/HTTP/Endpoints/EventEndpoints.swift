import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore

extension Endpoint {
    private static let id = Parameter.path("id", "The id of an event.", Parameter.name)
    static let pageForms: [Handler.Content] = [.json(API.Page.self), .cloudEvents, .lines]
    private static let eventForms: [Int: [Handler.Content]] = [200: [.json(API.Event.self), .cloudEvent], 304: []]

    /// The endpoints that read events.
    static let reading: [Endpoint] = [
        Endpoint(
            .get, "/v1/events", .readEvents,
            "Read events: a page, a page as a batch of CloudEvents (Accept: application/cloudevents-batch+json), "
                + "or all of them as JSON lines (Accept: application/x-ndjson).",
            parameters: Parameter.filters + [.afterMark, .before, .direction, .limit] + Parameter.atLeast,
            problems: [422],
            .checked(answers: [200: pageForms]) {
                try await $0.read($0.request($1, $1.eventQuery()), $1, isLimited: $1.number("limit") != nil)
            }),
        Endpoint(
            .post, "/v1/query", .queryEvents, "Read events that match any of several alternatives.",
            parameters: Parameter.atLeast, problems: [422],
            .checked(inputs: [.json(API.Read.self)], answers: [200: pageForms]) { interface, call in
                let read = try API.Read.read(try await call.jsonBody(limit: 1 << 20))
                return try await interface.read(read.request(limit: 100), call, isLimited: read.limit != nil)
            }),
        Endpoint(
            .get, "/v1/events/{id}", .readEvent,
            "Read the event of an id: the UUID that it has in the store, or, with `source`, the one that its producer "
                + "gave it.",
            parameters: [id, .source] + Parameter.atLeast, problems: [404],
            .checked(answers: eventForms) { interface, call in
                try await interface.event(call).map { try interface.immutable($0, call) }
            }),
        Endpoint(
            .get, "/v1/events/{id}/binary", .readEventInBinaryMode,
            "Read the event of an id in the binary mode of CloudEvents: its attributes are headers `ce-…`, its payload "
                + "is the body.",
            parameters: [id, .source] + Parameter.atLeast, problems: [404],
            .checked(answers: [200: [.init(mediaType: "*/*", type: API.Text.self)], 304: []]) { interface, call in
                try await interface.event(call).map { try interface.immutable($0, call, isBinary: true) }
            }),
        Endpoint(
            .get, "/v1/positions/{position}", .readPosition, "Read the event at a position.",
            parameters: [.path("position", "A position.", Parameter.position)] + Parameter.atLeast, problems: [404],
            .checked(answers: eventForms) { interface, call in
                let position = try call.pathNumber("position")
                let page = try await interface.store.read(.all, after: position.previous, limit: 1)
                let event = page.events.first { $0.position == position }
                return try await call.authorized(event, "event at \(position)").map {
                    try interface.immutable($0, call)
                }
            }),
        Endpoint(
            .get, "/v1/events/{id}/relations", .eventRelations,
            "The events that caused an event, and those that it caused, within the part of the log that was searched.",
            parameters: [id, .source], problems: [404, 422],
            .checked { interface, call in
                try await interface.event(call).map { try await interface.relations(of: $0, call) }
            }),
        Endpoint(
            .get, "/v1/head", .head, "The position of the last event.", parameters: Parameter.atLeast,
            .value { interface, _ in
                let head = try await interface.store.head(resumingAfter: .start)
                return Answer(
                    API.Head(head, of: interface.storeID),
                    headers: [.sillokPosition: "\(head.position)", .sillokToken: "\(head)"])
            }),
        Endpoint(
            .get, "/v1/tracking/{source}", .tracking, "How far another log has been consumed into this one.",
            parameters: [.path("source", "The source.", Parameter.name)], problems: [404],
            .value { interface, call in
                let source = TrackingSource(call.pathName("source"))
                guard let tracking = try await interface.store.tracking(of: source) else {
                    throw Problem(404, .notFound, "this source is not tracked")
                }
                return Answer(API.Tracking(tracking))
            }),
    ]
}

extension Call {
    fileprivate func eventID() throws -> EventID {
        let name = pathName("id")
        if let source = try text("source") { return CloudEventIdentity(source: source, id: name).eventID }
        guard let id = EventID(name) else {
            throw Problem(
                404, .notFound,
                "the id of an event must be a UUID; if its producer gave another id, also give its \"source\"")
        }
        return id
    }

    func pathNumber(_ name: String) throws -> Position {
        let text = pathName(name)
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text), number < 1 << 63 else {
            throw Problem(404, .notFound, "\"\(name)\" must be a whole number below 2^63")
        }
        return Position(number)
    }
}

extension WebInterface {
    /// Returns a read request from the query string.
    func request(_ call: Call, _ query: EventQuery, byRevision: Bool = false) throws -> ReadRequest {
        func bound(_ number: UInt64) -> ReadRequest.Bound {
            byRevision ? .revision(Revision(number)) : .position(Position(number))
        }
        let after =
            try byRevision
            ? call.number("after").map(bound)
            : call.mark("after").map { $0.id == nil ? .position($0.position) : .mark($0) }
        return ReadRequest(
            query, after: after, before: try call.number("before").map(bound),
            direction: try call.direction(), limit: try call.limit(atMost: store.limits.pageEvents, default: 100))
    }

    /// Returns the event that a path names.
    fileprivate func event(_ call: Call) async throws -> Authorized<RecordedEvent> {
        let id = try call.eventID()
        return try call.authorized(try await store.event(id), "event \(id)")
    }

    /// Answers a read with a page as JSON, or with all pages as lines, up to its limit if the caller gave one.
    func read(_ request: ReadRequest, _ call: Call, isLimited: Bool) async throws -> Authorized<Response> {
        try await call.authorized(request.query).map { _ in try await pages(request, call, isLimited) }
    }

    private func pages(_ request: ReadRequest, _ call: Call, _ isLimited: Bool) async throws -> Response {
        try store.limits.check(request)
        if call.accepts("application/x-ndjson") {
            return lines(request, call, limit: isLimited ? request.limit : nil)
        }
        let batch = try await store.read(request)
        var headers: HTTPFields = [
            .sillokPosition: "\(batch.head)", .sillokToken: "\(batch.mark)", .sillokStore: storeID.description,
            .vary: "Accept",
        ]
        guard call.accepts(Handler.Content.cloudEvents.mediaType) else {
            return try Answer(API.Page(batch, of: storeID), headers: headers).response()
        }
        headers[.sillokThrough] = "\(batch.through)"
        return try Answer(API.CloudEvents(batch.events, of: storeID), headers: headers)
            .response(as: Handler.Content.cloudEvents.mediaType + "; charset=utf-8")
    }

    /// Returns all events of a request as lines of JSON, as fast as the reader reads. If the key is revoked meanwhile,
    /// the response is aborted, so that no reader mistakes it for complete.
    private func lines(_ request: ReadRequest, _ call: Call, limit: Int?) -> Response {
        let (store, storeID, place) = (store, storeID, call.takePlace())
        let body = ResponseBody { writer in
            let watch = Task { await self.disconnect(call) { self.gatekeeper.isValid(call.principal) } }
            defer {
                watch.cancel()
                place?.end()
            }
            var pace = Pace()
            var rest = limit ?? .max
            var next: ReadRequest? = request
            var lines = CloudEventWriter(store: storeID)
            while var current = next, rest > 0 {
                guard self.gatekeeper.isValid(call.principal) else { throw Gatekeeper.Refusal.unproved }
                current.limit = min(rest, pace.limit)
                let batch = try await store.read(current)
                for event in batch.events { lines.write(event) }
                pace.take(batch)
                rest -= batch.events.count
                let bytes = lines.take()
                if !bytes.isEmpty { try await writer.write(ByteBuffer(bytes: bytes)) }
                next = current.next(after: batch)
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson", .cacheControl: "no-store", .sillokStore: storeID.description,
            ], body: body)
    }
}

/// The number of events to read at once, so that a page is about 128 KiB for any size of events. It starts small,
/// because the size is not known yet.
struct Pace {
    private static let bytes = 128 << 10
    private(set) var limit = 8

    mutating func take(_ batch: EventBatch) {
        guard !batch.events.isEmpty else { return }
        let bytes = batch.events.reduce(0) { $0 + $1.data.size }
        limit = max(1, min(256, Self.bytes * batch.events.count / max(bytes, 1)))
    }
}

extension Endpoint.Parameter {
    fileprivate static let source = query("source", "The source of the event, for an id that its producer gave it.")
}
