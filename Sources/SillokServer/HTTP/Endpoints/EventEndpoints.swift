import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokCloudEvents
import SillokWire

extension Endpoint {
    /// The endpoints that read events.
    static let reading = [
        Endpoint(
            method: .get, route: "/v1/events", operation: .readEvents,
            summary:
                "Read events: a page, a page as a batch of CloudEvents (Accept: application/cloudevents-batch+json), "
                + "or all of them as JSON lines (Accept: application/x-ndjson).",
            parameters: Parameter.filters + [.afterMark, .before, .direction, .limit] + Parameter.atLeast,
            answers: [
                200: [.json("Page"), .cloudEvents, Content(mediaType: "application/x-ndjson", schema: "Event")]
            ],
            problems: [422],
            handle: { interface, call in
                try await interface.read(try interface.request(call, try call.eventQuery()), call)
            }),
        Endpoint(
            method: .post, route: "/v1/query", operation: .queryEvents,
            summary: "Read events that match any of several alternatives.", parameters: Parameter.atLeast,
            body: .json("Read"),
            answers: [200: [.json("Page"), Content(mediaType: "application/x-ndjson", schema: "Event")]],
            problems: [408, 413, 415, 422],
            handle: { interface, call in
                let bytes = try await call.jsonBody(limit: 1 << 20)
                return try await interface.read(try Asking.read(bytes, limit: 100), call)
            }),
        Endpoint(
            method: .get, route: "/v1/events/{id}", operation: .readEvent,
            summary: "Read the event of an id: the UUID that it has in the store, or, with `source`, the one that its "
                + "producer gave it.",
            parameters: [
                .path("id", "The id of an event.", Parameter.name),
                .source,
            ] + Parameter.atLeast,
            answers: [200: [.json("Event"), .cloudEvent], 304: []], problems: [404],
            handle: { interface, call in
                let id = try call.eventID()
                return try interface.immutable(
                    try call.require(try await interface.store.event(id), "event \(id)"), call)
            }),
        Endpoint(
            method: .get, route: "/v1/events/{id}/binary", operation: .readEventInBinaryMode,
            summary:
                "Read the event of an id in the binary mode of CloudEvents: its attributes are headers `ce-…`, its "
                + "payload is the body.",
            parameters: [.path("id", "The id of an event.", Parameter.name), .source] + Parameter.atLeast,
            answers: [200: [Content(mediaType: "*/*", schema: "Text")], 304: []], problems: [404],
            handle: { interface, call in
                let id = try call.eventID()
                return try interface.immutable(
                    try call.require(try await interface.store.event(id), "event \(id)"), call, isBinary: true)
            }),
        Endpoint(
            method: .get, route: "/v1/positions/{position}", operation: .readPosition,
            summary: "Read the event at a position.",
            parameters: [.path("position", "A position.", Parameter.position)] + Parameter.atLeast,
            answers: [200: [.json("Event"), .cloudEvent], 304: []], problems: [404],
            handle: { interface, call in
                let position = try call.pathNumber("position")
                let page = try await interface.store.read(.all, after: position.previous, limit: 1)
                let event = page.events.first { $0.position == position }
                return try interface.immutable(try call.require(event, "event at \(position)"), call)
            }),
        Endpoint(
            method: .get, route: "/v1/events/{id}/relations", operation: .eventRelations,
            summary: "The events that caused an event, and those that it caused, as far as was looked.",
            parameters: [.path("id", "The id of an event.", Parameter.name), .source],
            answers: [200: [.json("Relations")]], problems: [404, 422],
            handle: { try await $0.relations($1) }),
        Endpoint(
            method: .get, route: "/v1/head", operation: .head, summary: "The position of the last event.",
            parameters: Parameter.atLeast, answers: [200: [.json("Head")]],
            handle: { interface, call in
                let head = try await interface.store.head(resumingAfter: .start)
                var json = JSONWriter()
                json.beginObject()
                json.field("store", interface.storeID.description)
                json.field("head", head.position.value)
                json.field("token", head.description)
                json.endObject()
                return .json(json, headers: [.sillokPosition: "\(head.position)", .sillokToken: "\(head)"])
            }),
        Endpoint(
            method: .get, route: "/v1/tracking/{source}", operation: .tracking,
            summary: "How far another log has been consumed into this one.",
            parameters: [.path("source", "The source.", Parameter.name)], answers: [200: [.json("Tracking")]],
            problems: [404],
            handle: { interface, call in
                let source = call.pathName("source")
                guard let tracking = try await interface.store.tracking(of: TrackingSource(source)) else {
                    throw Problem(404, .notFound, "nothing is tracked of this source")
                }
                var json = JSONWriter()
                json.beginObject()
                json.field("source", source)
                json.field("position", tracking.position)
                if let event = tracking.event { json.field("event", event.description) }
                json.endObject()
                return .json(json)
            }),
    ]
}

extension Call {
    func eventID() throws -> EventID {
        let name = pathName("id")
        if let source = try text("source") { return CloudEventIdentity(source: source, id: name).eventID }
        guard let id = EventID(name) else {
            throw Problem(
                404, .notFound, "an id of an event is a UUID; for one that its producer gave, name its \"source\"")
        }
        return id
    }

    func pathNumber(_ name: String) throws -> Position {
        let text = pathName(name)
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text), number < 1 << 63 else {
            throw Problem(404, .notFound, "\"\(name)\" is a whole number below 2^63")
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

    /// Answers a read with a page as JSON, or with all pages as lines.
    func read(_ request: ReadRequest, _ call: Call) async throws -> Response {
        try call.require(request.query)
        try store.limits.check(request)
        if call.accepts("application/x-ndjson") {
            let isLimited = try call.number("limit") != nil
            return lines(request, call, limit: isLimited ? request.limit : nil)
        }
        let batch = try await store.read(request)
        var writer = CloudEventWriter(store: storeID)
        var headers: HTTPFields = [
            .sillokPosition: "\(batch.head)", .sillokToken: "\(batch.mark)", .sillokStore: storeID.description,
            .vary: "Accept",
        ]
        if call.accepts(Endpoint.Content.cloudEvents.mediaType) {
            writer.json.beginArray()
            for event in batch.events { writer.writeStandard(event) }
            writer.json.endArray()
            headers[.sillokThrough] = "\(batch.through)"
            return .bytes(writer.take(), "application/cloudevents-batch+json; charset=utf-8", headers: headers)
        }
        writer.write(batch)
        return .bytes(writer.take(), "application/json", headers: headers)
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
