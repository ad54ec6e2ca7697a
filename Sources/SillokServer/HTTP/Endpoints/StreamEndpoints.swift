import HTTPTypes
import Hummingbird
import Sillok
import SillokAPI
import SillokCore

extension Endpoint {
    /// The endpoints for streams and categories.
    static let streams: [Endpoint] = [
        Endpoint(
            .get, "/v1/streams", .listStreams,
            "List streams in the order of their names; `search` looks for a part of the name.",
            parameters: [
                .query("category", "Only of this category.", Parameter.name),
                .query("after", "Only after this name.", Parameter.name),
                .query("search", "Only names that contain this text.", Parameter.name), .limit,
            ], problems: [422],
            .checked { interface, call in
                try await call.filter.map { try await interface.listStreams(call, within: $0) }
            }),
        Endpoint(
            .get, "/v1/categories", .listCategories,
            "List the categories of streams, each once, in the order of their first streams' names.",
            parameters: [.query("after", "Only after this category.", Parameter.name), .limit], problems: [422],
            .checked { interface, call in
                try await call.filter.map { try await interface.listCategories(call, within: $0) }
            }),
        Endpoint(
            .get, "/v1/streams/{stream}", .readStream,
            "The facts about a stream. The ETag is the revision of the stream.",
            parameters: [.stream] + Parameter.atLeast, problems: [404],
            .checked(answers: [200: [.json(API.Stream.self)], 304: []]) { interface, call in
                try await call.authorized(call.stream).map { try await interface.show($0, call) }
            }),
        Endpoint(
            .get, "/v1/streams/{stream}/events", .streamEvents, "Read the events of a stream between two revisions.",
            parameters: [
                .stream, .query("after", "Only after this revision.", Parameter.position),
                .query("before", "Only before this revision.", Parameter.position), .direction, .limit,
            ] + Parameter.atLeast, problems: [422],
            .checked(answers: [200: pageForms]) {
                try await $0.read(
                    $0.request($1, .stream($1.stream), byRevision: true), $1, isLimited: $1.number("limit") != nil)
            }),
        Endpoint(
            .get, "/v1/streams/{stream}/state", .streamState,
            "The state of a stream as of a revision or a time, if the application has registered a fold for its "
                + "category.",
            parameters: [
                .stream, .query("revision", "As of this revision.", Parameter.position),
                .query("time", "As of this time.", Parameter.time),
            ] + Parameter.atLeast, problems: [404, 422],
            .checked { interface, call in
                try await call.authorized(call.stream).map { try await interface.state(of: $0, call) }
            }),
    ]
}

extension WebInterface {
    /// The time limit of a search that no index supports.
    static var timeout: Duration { .milliseconds(150) }

    fileprivate func listStreams(_ call: Call, within grant: Grant) async throws -> Answer<API.Streams> {
        let category = try call.text("category").map { StreamCategory($0) }
        let search = try call.text("search")
        let limit = try call.limit(atMost: 1000, default: 100)
        try store.limits.checkStreams(in: category, after: nil, limit: limit)
        var found: [StreamFacts] = []
        var last = try call.text("after").map { StreamID($0) }
        var looked = 0
        var isEnd = false
        // A search ends at the deadline. The caller continues after the last name.
        let deadline = ContinuousClock.now + Self.timeout
        // A caller that may not read all streams continues after a stream that was shown. No other name is disclosed.
        let reachesAll = grant.reachesAll
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
                if search.map({ facts.id.text.contains($0) }) ?? true, grant.reaches(facts.id) {
                    found.append(facts)
                    if found.count == limit { break }
                }
            }
        }
        if found.count == limit, last != nil { isEnd = false }
        let through = reachesAll ? last : found.last?.id
        return Answer(API.Streams(found, through: through, isEnd: isEnd))
    }

    /// Skips from the first stream of each category to the first of the next.
    ///
    /// In byte order the streams of a category need not be adjacent: between `user` and `user-1` are `user 2-1` and
    /// `user+admin-1`. A category is listed at its first stream, which is its own name if that is a stream.
    fileprivate func listCategories(_ call: Call, within grant: Grant) async throws -> Answer<API.Categories> {
        let limit = try call.limit(atMost: 1000, default: 100)
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
            if !isListed, grant.resources.contains(where: { $0.covers(category) }) {
                found.append(category)
            }
            last = hasDash ? end(of: category) : next
        }
        return Answer(API.Categories(found, isEnd: isEnd))
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

    fileprivate func show(_ stream: StreamID, _ call: Call) async throws -> Response {
        guard let facts = try await store.stream(stream) else {
            throw Problem(404, .notFound, "there is no such stream")
        }
        let tag = "\"\(facts.revision)\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        if call.has(tag) {
            return Response(status: .notModified, headers: headers)
        }
        let hasState = served.folds.contains { $0.category == stream.category }
        return try Answer(API.Stream(facts, hasState: hasState), headers: headers).response()
    }

    fileprivate func state(of stream: StreamID, _ call: Call) async throws -> Answer<API.State> {
        guard let fold = served.folds.first(where: { $0.category == stream.category }) else {
            throw Problem(404, .notFound, "no fold is registered for streams of this category; see Served(folds:)")
        }
        var bound: ReadRequest.Bound?
        if let revision = try call.number("revision") { bound = .revision(Revision(revision).next) }
        if let text = try call.text("time") {
            guard let time = Timestamp(text), bound == nil else {
                throw Problem(
                    400, .malformed, "\"time\" must be a time in RFC 3339, and cannot be used with \"revision\"")
            }
            bound = .time(time.advanced(byMicroseconds: 1))
        }
        let (revision, state) = try await fold.state(store, stream, bound)
        guard revision > .none else {
            throw Problem(404, .notFound, "the stream had no events at that revision or time")
        }
        let isPast = try call.number("revision").map { $0 == revision.value } ?? false
        return Answer(
            API.State(of: stream, revision, state),
            headers: isPast ? [.cacheControl: "private, max-age=3600"] : [:])
    }
}
