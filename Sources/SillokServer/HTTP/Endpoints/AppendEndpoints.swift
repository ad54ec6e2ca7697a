import Crypto
import HTTPTypes
import Hummingbird
import Sillok
import SillokAPI
import SillokCore

extension Endpoint {
    /// The endpoints that append, to any streams or to one.
    static let appending: [Endpoint] = [
        Endpoint(
            .post, "/v1/events", .appendEvents,
            "Append events, all or none, under a condition. "
                + "A body with headers `ce-…` is one CloudEvent in binary mode.",
            parameters: [.idempotencyKey, .traceparent], problems: [409, 422, 507],
            .checked(inputs: appended) { try await $0.append($1, to: nil) }),
        Endpoint(
            .post, "/v1/streams/{stream}/events", .appendToStream,
            "Append events to one stream; If-Match says which revision it must have, If-None-Match: * that it must not "
                + "exist.",
            parameters: [.stream, .idempotencyKey, .traceparent, .ifMatch, .ifNoneMatch],
            problems: [409, 412, 422, 507], .checked(inputs: appended) { try await $0.append($1, to: $1.stream) }),
    ]

    private static let appended: [Handler.Content] = [.json(API.Append.self), .cloudEvent, .cloudEvents]
}

extension Endpoint.Parameter {
    fileprivate static let idempotencyKey = header(
        "Idempotency-Key", "The same key with the same events appends them once; needed only for events without an id.",
        ["type": "string", "minLength": 1, "maxLength": 255])
    fileprivate static let traceparent = header(
        "traceparent", "The W3C trace that the events belong to.",
        ["type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"])
    fileprivate static let ifMatch = header(
        "If-Match",
        "The ETag of the stream, which is its revision. Of several, one must match. `*` matches any stream that "
            + "exists.",
        ["type": "string", "pattern": #"^(\*|"[0-9]{1,18}"(, *"[0-9]{1,18}")*)$"#])
    fileprivate static let ifNoneMatch = header(
        "If-None-Match", "`*`: the stream must not exist.", ["type": "string", "enum": ["*"]])
}

extension WebInterface {
    fileprivate func append(_ call: Call, to stream: StreamID?) async throws -> Authorized<Answer<API.Receipt>> {
        let key = try idempotencyKey(call)
        let posted = try await call.posted(limit: limits.bodyBytes, to: stream) { index in
            key.map { Self.id(of: $0, index) } ?? EventID()
        }
        var request = posted.request
        if let trace = call.request.headers[.traceparent], Self.isTrace(trace) {
            for index in request.entries.indices where request.entries[index].event.metadata.traceparent == nil {
                request.entries[index].event.metadata.traceparent = trace
            }
        }
        return try await call.authorized(request).map { request in
            let request = try await formerly(request, posted.former)
            guard let stream, let precondition = try StreamPrecondition(call.request.headers) else {
                return try await answer(request, on: stream)
            }
            return try await append(request, to: stream, if: precondition, call)
        }
    }

    /// Returns the request with the events as an earlier version recorded them under their UUIDs alone, where it did,
    /// so that they are not recorded again.
    private func formerly(_ request: AppendRequest, _ former: [Int: EventData]) async throws -> AppendRequest {
        var request = request
        for (index, event) in former {
            guard let known = try await store.event(event.id), known.data.isSameFact(as: event) else { continue }
            request.entries[index].event = event
        }
        return request
    }

    /// Appends to a stream under the precondition in the request's header. If the stream changes between the check and
    /// the append, it is checked again, a few times.
    private func append(
        _ request: AppendRequest, to stream: StreamID, if precondition: StreamPrecondition, _ call: Call
    ) async throws -> Answer<API.Receipt> {
        var attempts = 0
        while true {
            attempts += 1
            var request = request
            var isMet = false
            if precondition.looksFirst {
                let actual: Revision = try await store.stream(stream)?.revision ?? Revision.none
                isMet = precondition.isMet(by: actual)
                if isMet { request.condition.revisions[stream] = actual }
            }
            // An unmet precondition still goes to the store, because the request may repeat an append that succeeded.
            if !isMet { request.condition.revisions[stream] = precondition.expected }
            do {
                return try await answer(request, on: stream)
            } catch AppendError.conflict(let conflict) {
                guard conflict.streams[stream] != nil else { throw AppendError.conflict(conflict) }
                if isMet, attempts < 10 { continue }
                let mayRead = ServerOperation.showPayloads.allows(call.principal)
                let problem = Problem(.conflict(conflict), showsEvents: mayRead)
                throw Problem(412, .preconditionFailed, problem.detail, members: problem.members)
            }
        }
    }

    private func answer(_ request: AppendRequest, on stream: StreamID?) async throws -> Answer<API.Receipt> {
        let receipt = try await store.append(request)
        var headers: HTTPFields = [
            .sillokPosition: "\(receipt.position)", .sillokToken: "\(receipt.mark)", .sillokStore: storeID.description,
        ]
        if let stream, let revision = receipt.revisions[stream] { headers[.eTag] = "\"\(revision)\"" }
        return Answer(API.Receipt(receipt), headers: headers)
    }

    /// Returns the idempotency key, combined with the caller: the same key of another caller is a different key.
    private func idempotencyKey(_ call: Call) throws -> String? {
        guard let key = call.request.headers[.idempotencyKey] else { return nil }
        // Bytes that are not UTF-8 were replaced before this point, so two keys could have become equal.
        guard (1...255).contains(key.utf8.count), !key.unicodeScalars.contains("\u{FFFD}") else {
            throw Problem(400, .malformed, "\"Idempotency-Key\" must have 1 to 255 bytes of UTF-8")
        }
        return "\(call.principal.key ?? call.principal.name)\n\(key)"
    }

    /// Returns the id of an event at an index of an append with an idempotency key: a UUID of version 8.
    static func id(of key: String, _ index: Int) -> EventID {
        let digest = Array(SHA256.hash(data: Array("\(key)\n\(index)".utf8)))
        let halves = [digest[0..<8], digest[8..<16]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return EventID(
            high: halves[0] & ~0xF000 | 0x8000, low: halves[1] & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Returns whether a text is a `traceparent` of W3C Trace Context.
    static func isTrace(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.utf8.count) == [2, 32, 16, 2], parts[0] != "ff" else { return false }
        // The standard allows small digits only.
        return parts.map { String($0) }.allSatisfy { [UInt8](hexadecimal: $0)?.hexadecimal == $0 }
            && parts[1].contains { $0 != "0" } && parts[2].contains { $0 != "0" }
    }
}

/// The precondition of a request for the stream that it appends to.
enum StreamPrecondition: Equatable {
    /// `If-None-Match: *`.
    case isNew
    /// `If-Match: *`.
    case exists
    /// `If-Match` with entity tags. A weak tag never matches, as RFC 9110 requires.
    case revisions([Revision])

    /// Parses the precondition in a header; `nil` if there is none.
    init?(_ headers: HTTPFields) throws {
        let (match, none) = (headers[.ifMatch], headers[.ifNoneMatch])
        guard match == nil || none == nil else {
            throw Problem(400, .malformed, "\"If-Match\" and \"If-None-Match\" exclude each other here")
        }
        if let none {
            guard none[...].trimmed == "*" else {
                throw Problem(400, .malformed, "\"If-None-Match\" can only be \"*\" here")
            }
            self = .isNew
            return
        }
        guard let match else { return nil }
        if match[...].trimmed == "*" {
            self = .exists
            return
        }
        var revisions: [Revision] = []
        for part in match.split(separator: ",") {
            let tag = part.trimmed
            let text = (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...])
            guard text.utf8.count > 2, text.hasPrefix("\""), text.hasSuffix("\""), text.dropFirst().dropLast().isDigits,
                let revision = UInt64(text.dropFirst().dropLast()), revision < 1 << 63
            else {
                throw Problem(
                    400, .malformed, "\"If-Match\" must be the ETag of a stream, such as \"4\" with its quotes")
            }
            if !tag.hasPrefix("W/") { revisions.append(Revision(revision)) }
        }
        self = .revisions(revisions)
    }

    /// Whether the stream must be read first, because the store only accepts one exact revision.
    var looksFirst: Bool {
        switch self {
        case .isNew: false
        case .exists: true
        case .revisions(let revisions): revisions.count != 1
        }
    }

    /// The revision to expect if the precondition does not hold.
    var expected: Revision {
        switch self {
        case .isNew: .none
        case .exists: Revision(Self.never)
        case .revisions(let revisions): revisions.first ?? Revision(Self.never)
        }
    }

    /// A revision that no stream has.
    private static let never: UInt64 = (1 << 63) - 1

    func isMet(by actual: Revision) -> Bool {
        switch self {
        case .isNew: actual == .none
        case .exists: actual > .none
        case .revisions(let revisions): revisions.contains(actual)
        }
    }
}
