import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore

extension Endpoint {
    /// The endpoints for subscriptions.
    static let following: [Endpoint] = [
        Endpoint(
            .get, "/v1/subscribe", .subscribe,
            "Subscribe to events, as server-sent events. The id of each is its token: its position and the id of the "
                + "event. Last-Event-ID, or `after`, continues after a token; `after=head` starts with the next new "
                + "event. A token whose event the log does not have is rejected.",
            parameters: Parameter.filters + [
                .query(
                    "after", "A position, a token, or `head`.",
                    ["type": "string", "pattern": "^([0-9]{1,18}(@[0-9A-Fa-f-]{36})?|head)$"]),
                .header("Last-Event-ID", "The id of the last event that was seen.", Parameter.mark),
            ], problems: [409, 422, 429],
            .checked(answers: [200: [.init(mediaType: "text/event-stream", type: API.EventStream.self)]]) {
                interface, call in
                try await call.authorized(try call.eventQuery()).map { try await interface.subscribe($0, call) }
            })
    ]
}

extension WebInterface {
    /// The interval at which a subscription is authorized again, and at which it sends a heartbeat.
    static let look: Duration = .seconds(1)
    static let heartbeat: Duration = .seconds(10)

    fileprivate func subscribe(_ query: EventQuery, _ call: Call) async throws -> Response {
        try store.limits.check(query)
        let given = try start(call)
        let head = try await store.head(resumingAfter: given ?? .start)
        let start = given ?? head
        guard
            let ticket = admission.subscribe(
                call.owner, principal: call.principal.name, query: query.words, since: clock.now(), at: start.position)
        else {
            var problem = Problem(
                429, .tooMany,
                "\(call.owner) has \(limits.subscriptions) subscriptions already (the limit subscriptions)")
            problem.limit = "subscriptions"
            throw problem.retrying(afterSeconds: 5)
        }
        let feed = EventFeed(interface: self, call: call, query: query, ticket: ticket)
        let body = ResponseBody { writer in
            let watch = Task { await self.disconnect(call) { feed.ending == nil } }
            defer {
                watch.cancel()
                ticket.end()
            }
            try await feed.run(from: start, into: &writer)
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .sillokStore: storeID.description,
                .sillokPosition: "\(head.position)", .sillokToken: "\(head)",
            ], body: body)
    }

    /// Closes the connection of a reader that accepts no data and may not continue, within five seconds.
    func disconnect(_ call: Call, unless mayGoOn: @Sendable () -> Bool) async {
        while !Task.isCancelled, mayGoOn() { try? await pause(Self.look) }
        try? await pause(.milliseconds(500))
        if !Task.isCancelled { call.connection.disconnect?() }
    }

    /// Returns the mark after which the reader starts; `nil` means the head.
    private func start(_ call: Call) throws -> EventMark? {
        if let last = call.request.headers[.lastEventID] {
            guard let mark = Call.mark(last) else {
                throw Problem(400, .malformed, "\"Last-Event-ID\" is neither a position nor a token")
            }
            return mark
        }
        if try call.text("after") == "head" { return nil }
        return try call.mark("after") ?? .start
    }
}

/// A subscription that reads as fast as its reader accepts data, and writes available events immediately.
private struct EventFeed: Sendable {
    let interface: WebInterface
    let call: Call
    let query: EventQuery
    let ticket: Admission.Ticket

    @concurrent func run(from start: EventMark, into writer: inout any ResponseBodyWriter) async throws {
        do {
            try await follow(from: start, into: &writer)
        } catch let error as StoreError where error.code == .storeChanged {
            // A reader that reconnects with the same id gets the same problem.
            try await writer.write(ByteBuffer(string: "event: end\ndata: \(error)\n\n"))
        }
    }

    @concurrent private func follow(from start: EventMark, into writer: inout any ResponseBodyWriter) async throws {
        let store = interface.store
        var mark = start
        var pace = Pace()
        var lines = CloudEventWriter(store: interface.storeID)
        let clock = ContinuousClock()
        var lastSign = clock.now
        try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
        while true {
            if let end = ending { return try await writer.write(ByteBuffer(string: "event: end\ndata: \(end)\n\n")) }
            let batch = try await store.read(query, resumingAfter: mark, limit: pace.limit)
            let isNew = batch.through > mark.position
            if isNew || mark.id == nil { mark = batch.mark }
            if isNew {
                pace.take(batch)
                ticket.move(to: mark.position)
                try await writer.write(ByteBuffer(bytes: Self.text(of: batch, &lines)))
                lastSign = clock.now
                if !batch.isEnd { continue }
            }
            if lastSign.duration(to: clock.now) > WebInterface.heartbeat {
                try await writer.write(ByteBuffer(string: ":\n\n"))
                lastSign = clock.now
            }
            await wait(for: mark.position.next)
            try Task.checkCancellation()
        }
    }

    /// Returns when there may be a matching event, when the subscription ends, and when a sign of life is due.
    private func wait(for position: Position) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await interface.store.reach(position, for: query) }
            group.addTask {
                let clock = ContinuousClock()
                let start = clock.now
                while !Task.isCancelled, ending == nil, start.duration(to: clock.now) <= WebInterface.heartbeat {
                    try? await interface.pause(WebInterface.look)
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Why the subscription ends, if it does.
    var ending: String? {
        if interface.admission.isClosing { return "the server is shutting down" }
        return interface.gatekeeper.isValid(call.principal) ? nil : "the key is no longer valid"
    }

    private static func text(of batch: EventBatch, _ lines: inout CloudEventWriter) -> [UInt8] {
        for event in batch.events {
            lines.json.bytes += "id: \(EventMark(event))\ndata:".utf8
            lines.writeObject(event)
            lines.json.bytes += "\n\n".utf8
        }
        if batch.events.last?.position != batch.through {
            // The mark is past events that do not match, so that a reader that reconnects need not read them again.
            lines.json.bytes += "id: \(batch.mark)\nevent: progress\ndata: \(batch.through)\n\n".utf8
        }
        return lines.take()
    }
}
