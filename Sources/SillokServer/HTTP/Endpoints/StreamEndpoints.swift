import HTTPTypes
import Hummingbird
import Sillok
import SillokCore
import SillokWire

extension Endpoint {
    /// The endpoints for streams and categories.
    static let streams = [
        Endpoint(
            method: .get, route: "/v1/streams", operation: .listStreams,
            summary: "List streams in the order of their names; `search` looks for a part of the name.",
            parameters: [
                .query("category", "Only of this category.", Parameter.name),
                .query("after", "Only after this name.", Parameter.name),
                .query("search", "Only names that have this in them.", Parameter.name), .limit,
            ], answers: [200: [.json("Streams")]], problems: [422], handle: { try await $0.listStreams($1) }),
        Endpoint(
            method: .get, route: "/v1/categories", operation: .listCategories,
            summary: "List the categories of streams, each once, in the order of their first streams' names.",
            parameters: [.query("after", "Only after this category.", Parameter.name), .limit],
            answers: [200: [.json("Categories")]], problems: [422], handle: { try await $0.listCategories($1) }),
        Endpoint(
            method: .get, route: "/v1/streams/{stream}", operation: .readStream,
            summary: "What is known of a stream; its ETag is its revision.", parameters: [.stream] + Parameter.atLeast,
            answers: [200: [.json("Stream")], 304: []], problems: [404], handle: { try await $0.readStream($1) }),
        Endpoint(
            method: .get, route: "/v1/streams/{stream}/events", operation: .streamEvents,
            summary: "Read the events of a stream between two revisions.",
            parameters: [
                .stream, .query("after", "Only after this revision.", Parameter.position),
                .query("before", "Only before this revision.", Parameter.position), .direction, .limit,
            ] + Parameter.atLeast,
            answers: [200: [.json("Page"), Content(mediaType: "application/x-ndjson", schema: "Event")]],
            problems: [422],
            handle: { interface, call in
                try await interface.read(try interface.request(call, .stream(call.stream), byRevision: true), call)
            }),
        Endpoint(
            method: .get, route: "/v1/streams/{stream}/state", operation: .streamState,
            summary:
                "The state of a stream as of a revision or a time, where the application has registered how it is made.",
            parameters: [
                .stream, .query("revision", "As of this revision.", Parameter.position),
                .query("time", "As of this time.", #"{"type":"string","format":"date-time"}"#),
            ] + Parameter.atLeast,
            answers: [200: [.json("State")]], problems: [404, 422], handle: { try await $0.streamState($1) }),
    ]
}

extension WebInterface {
    /// The time limit of a search that no index supports.
    static var timeout: Duration { .milliseconds(150) }

    fileprivate func listStreams(_ call: Call) async throws -> Response {
        let category = try call.text("category").map { StreamCategory($0) }
        let search = try call.text("search")
        let limit = try call.limit(atMost: 1000, default: 100)
        try store.limits.checkStreams(in: category, after: nil, limit: limit)
        call.showsOnlyWhatIsReached()
        var found: [StreamFacts] = []
        var last = try call.text("after").map { StreamID($0) }
        var looked = 0
        var isEnd = false
        // A search ends at the deadline. The caller continues after the last name.
        let deadline = ContinuousClock.now + Self.timeout
        // A caller that may not read all streams continues after a stream that was shown. No other name is disclosed.
        let reachesAll = call.principal.grant.reachesAll
        func mayLookOn() -> Bool {
            ContinuousClock.now < deadline || (reachesAll ? looked == 0 : found.isEmpty)
        }
        while found.count < limit, mayLookOn(), !isEnd {
            let size = search == nil ? limit - found.count : 1000
            let page = try await store.streams(in: category, after: last, limit: size)
            isEnd = page.count < size
            for facts in page {
                last = facts.id
                looked += 1
                if search.map({ facts.id.text.contains($0) }) ?? true, call.principal.grant.reaches(facts.id) {
                    found.append(facts)
                    if found.count == limit { break }
                }
            }
        }
        if found.count == limit, last != nil { isEnd = false }
        var json = JSONWriter()
        json.beginObject()
        json.key("streams")
        json.beginArray()
        for facts in found { json.write(facts) }
        json.endArray()
        if let through = reachesAll ? last : found.last?.id { json.field("through", through.text) }
        json.field("isEnd", isEnd)
        json.endObject()
        return .json(json)
    }

    /// Skips from the first stream of each category to the first of the next.
    ///
    /// In byte order the streams of a category need not be adjacent: between `user` and `user-1` are `user 2-1` and
    /// `user+admin-1`. A category is listed at its first stream, which is its own name if that is a stream.
    fileprivate func listCategories(_ call: Call) async throws -> Response {
        let limit = try call.limit(atMost: 1000, default: 100)
        call.showsOnlyWhatIsReached()
        var found: [StreamCategory] = []
        var last: StreamID?
        if let after = try call.text("after").map({ StreamCategory($0) }) {
            try store.limits.check(after)
            last = try await isStream(after) ? StreamID(after.text) : end(of: after)
        }
        var isEnd = false
        let deadline = ContinuousClock.now + Self.timeout
        while found.count < limit, ContinuousClock.now < deadline {
            guard let next = try await store.streams(in: nil, after: last, limit: 1).first?.id else {
                isEnd = true
                break
            }
            let category = next.category
            let hasDash = next.text.utf8.contains(UInt8(ascii: "-"))
            let isListed = try await hasDash ? isStream(category) : false
            if !isListed, call.principal.grant.resources.contains(where: { $0.covers(category) }) {
                found.append(category)
            }
            last = hasDash ? end(of: category) : next
        }
        var json = JSONWriter()
        json.beginObject()
        json.key("categories")
        json.beginArray()
        for category in found { json.string(category.text) }
        json.endArray()
        json.field("isEnd", isEnd)
        json.endObject()
        return .json(json)
    }

    /// Returns whether there is a stream whose whole name is a category.
    private func isStream(_ category: StreamCategory) async throws -> Bool {
        try await store.stream(StreamID(category.text)) != nil
    }

    /// Returns the last possible stream name of a category with a dash, filled with the greatest characters that fit.
    private func end(of category: StreamCategory) -> StreamID {
        var name = category.text + "-"
        guard name.utf8.count <= store.limits.streamBytes else { return StreamID(category.text) }
        for (character, bytes) in [("\u{10FFFF}", 4), ("\u{FFFF}", 3), ("\u{7FF}", 2), ("~", 1)] {
            let room = store.limits.streamBytes - name.utf8.count
            if room >= bytes { name += String(repeating: character, count: room / bytes) }
        }
        return StreamID(name)
    }

    fileprivate func readStream(_ call: Call) async throws -> Response {
        let stream = call.stream
        try call.require(stream)
        guard let facts = try await store.stream(stream) else {
            throw Problem(404, .notFound, "there is no such stream")
        }
        let tag = "\"\(facts.revision)\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        if call.has(tag) {
            return Response(status: .notModified, headers: headers)
        }
        var json = JSONWriter()
        json.beginObject()
        json.writeFields(of: facts)
        json.field("hasState", served.folds.contains { $0.category == stream.category })
        json.endObject()
        return .json(json, headers: headers)
    }

    fileprivate func streamState(_ call: Call) async throws -> Response {
        let stream = call.stream
        try call.require(stream)
        guard let fold = served.folds.first(where: { $0.category == stream.category }) else {
            throw Problem(404, .notFound, "no fold is registered for streams of this category; see Served(folds:)")
        }
        var bound: ReadRequest.Bound?
        if let revision = try call.number("revision") { bound = .revision(Revision(revision).next) }
        if let text = try call.text("time") {
            guard let time = Timestamp(text), bound == nil else {
                throw Problem(400, .malformed, "\"time\" is a time of RFC 3339, and stands without \"revision\"")
            }
            bound = .time(time.advanced(byMicroseconds: 1))
        }
        let (revision, state) = try await fold.state(store, stream, bound)
        guard revision > .none else { throw Problem(404, .notFound, "the stream has no events until then") }
        var json = JSONWriter()
        json.beginObject()
        json.field("stream", stream.text)
        json.field("revision", revision.value)
        json.key("state")
        json.raw(state)
        json.endObject()
        let isPast = try call.number("revision").map { $0 == revision.value } ?? false
        return .json(json, headers: isPast ? [.cacheControl: "private, max-age=3600"] : [:])
    }
}
