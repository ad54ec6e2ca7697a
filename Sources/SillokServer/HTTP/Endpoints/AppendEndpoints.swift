import Crypto
import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import SillokWire

extension Endpoint {
    /// Appending, to any streams or to one.
    static let appending = [
        Endpoint(
            method: .post, route: "/v1/events", operation: .appendEvents,
            summary: "Append events, all or none, under a condition.", parameters: [.idempotencyKey, .traceparent],
            body: .json("Append"), answers: [200: [.json("Receipt")]], problems: [408, 409, 413, 415, 422, 507],
            handle: { try await $0.append($1, to: nil) }),
        Endpoint(
            method: .post, route: "/v1/streams/{stream}/events", operation: .appendToStream,
            summary:
                "Append events to one stream; If-Match says which revision it must have, If-None-Match: * that it must not exist.",
            parameters: [.stream, .idempotencyKey, .traceparent, .ifMatch, .ifNoneMatch], body: .json("Append"),
            answers: [200: [.json("Receipt")]], problems: [408, 409, 412, 413, 415, 422, 507],
            handle: { try await $0.append($1, to: $1.stream) }),
    ]
}

extension Endpoint.Parameter {
    fileprivate static let idempotencyKey = header(
        "Idempotency-Key", "The same key with the same events appends them once; needed only for events without an id.",
        #"{"type":"string","minLength":1,"maxLength":255}"#)
    fileprivate static let traceparent = header(
        "traceparent", "The W3C trace that the events belong to.",
        #"{"type":"string","pattern":"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"}"#)
    fileprivate static let ifMatch = header(
        "If-Match", "The revision of the stream, as its ETag says it.",
        #"{"type":"string","pattern":"^\"[0-9]{1,18}\"$"}"#)
    fileprivate static let ifNoneMatch = header(
        "If-None-Match", "`*`: the stream must not exist.", #"{"type":"string","enum":["*"]}"#)
}

extension WebInterface {
    fileprivate func append(_ call: Call, to stream: StreamID?) async throws -> Response {
        let key = try idempotencyKey(call)
        let bytes = try await call.jsonBody(limit: limits.bodyBytes)
        var request = try Asking.append(bytes, to: stream) { index in
            key.map { Self.id(of: $0, index) } ?? EventID()
        }
        if let trace = call.request.headers[.traceparent], Self.isTrace(trace) {
            for index in request.entries.indices where request.entries[index].event.metadata.traceparent == nil {
                request.entries[index].event.metadata.traceparent = trace
            }
        }
        let expected = try stream.flatMap { try precondition(call, on: $0) }
        if let stream, let expected { request.condition.revisions[stream] = expected }
        try call.require(call.principal.grant.reaches(request))
        do {
            let receipt = try await store.append(request)
            var json = JSONWriter()
            json.write(receipt)
            var headers: HTTPFields = [
                .sillokPosition: "\(receipt.position)", .sillokToken: "\(receipt.mark)",
                .sillokStore: storeID.description,
            ]
            if let stream, let revision = receipt.revisions[stream] { headers[.eTag] = "\"\(revision)\"" }
            return .json(json, headers: headers)
        } catch let conflict as AppendConflict {
            guard let stream, expected != nil, conflict.streams[stream] != nil else { throw conflict }
            let problem = Problem(conflict as any Error, showsEvents: call.principal.grant.scopes.contains(.read))
            throw Problem(412, .preconditionFailed, problem.detail, members: problem.members)
        }
    }

    /// The revision that the head of the request asks of a stream.
    private func precondition(_ call: Call, on stream: StreamID) throws -> Revision? {
        if let none = call.request.headers[.ifNoneMatch] {
            guard none == "*" else { throw Problem(400, .malformed, "\"If-None-Match\" can only be \"*\" here") }
            return Revision.none
        }
        guard let match = call.request.headers[.ifMatch] else { return nil }
        guard match.count > 2, match.hasPrefix("\""), match.hasSuffix("\""),
            let revision = UInt64(match.dropFirst().dropLast()), revision < 1 << 63
        else { throw Problem(400, .malformed, "\"If-Match\" is the ETag of a stream, such as \"4\" in quotes") }
        return Revision(revision)
    }

    /// The key as given, and who gave it: the same key of somebody else is another one.
    private func idempotencyKey(_ call: Call) throws -> String? {
        guard let key = call.request.headers[.idempotencyKey] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw Problem(400, .malformed, "\"Idempotency-Key\" has 1 to 255 bytes")
        }
        return "\(call.principal.key ?? call.principal.name)\n\(key)"
    }

    /// The id that a key gives the event at a place of an append: a UUID of version 8.
    static func id(of key: String, _ index: Int) -> EventID {
        let digest = Array(SHA256.hash(data: Array("\(key)\n\(index)".utf8)))
        let halves = [digest[0..<8], digest[8..<16]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return EventID(
            high: halves[0] & ~0xF000 | 0x8000, low: halves[1] & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Whether a text is a `traceparent` of W3C Trace Context.
    static func isTrace(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.utf8.count) == [2, 32, 16, 2], parts[0] != "ff" else { return false }
        return parts.allSatisfy { [UInt8](hexadecimal: $0) != nil }
            && parts[1].contains { $0 != "0" } && parts[2].contains { $0 != "0" }
    }
}
