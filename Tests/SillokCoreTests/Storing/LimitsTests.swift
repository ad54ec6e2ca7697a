import SillokCore
import Testing

@Suite struct LimitsTests {
    private static var small: Limits {
        var limits = Limits()
        limits.payloadBytes = 10
        limits.batchBytes = 200
        limits.batchEvents = 3
        limits.metadataBytes = 12
        limits.tags = 2
        limits.tagBytes = 6
        limits.streamBytes = 8
        limits.typeBytes = 7
        limits.queryItems = 2
        limits.pageEvents = 5
        limits.conflictEvents = 2
        return limits
    }

    private func request(_ change: (inout EventData) -> Void, to stream: StreamID? = "s") -> AppendRequest {
        var event = EventData(type: "t", contentType: "c", payload: [])
        change(&event)
        return AppendRequest([.init(stream: stream, event: event)])
    }

    private func reason(_ request: AppendRequest, _ limits: Limits = small) -> InvalidRequest.Reason? {
        do throws(InvalidRequest) {
            try limits.check(request)
            return nil
        } catch {
            return error.reason
        }
    }

    private func name(_ count: Int) -> String { String(repeating: "n", count: count) }

    @Test func `each measure of an event is taken at its limit and refused beyond it`() {
        let payload: (Int) -> AppendRequest = { count in request { $0.payload = [UInt8](repeating: 0, count: count) } }
        #expect(reason(payload(10)) == nil)
        #expect(reason(payload(11)) == .overLimit(.payloadBytes, count: 11, limit: 10))
        let tags: (Int) -> AppendRequest = { count in request { $0.tags = .init(repeating: "x", count: count) } }
        #expect(reason(tags(2)) == nil)
        #expect(reason(tags(3)) == .overLimit(.tags, count: 3, limit: 2))
        let metadata: (Int) -> AppendRequest = { count in request { $0.metadata["k"] = name(count - 3) } }
        #expect(reason(metadata(12)) == nil)
        #expect(reason(metadata(13)) == .overLimit(.metadataBytes, count: 13, limit: 12))
    }

    @Test func `each name is taken at its limit and refused beyond it`() {
        let cases: [(InvalidRequest.Subject, Int, (String) -> AppendRequest)] = [
            (.stream, 8, { request({ _ in }, to: StreamID($0)) }),
            (.type, 7, { name in request { $0.type = EventType(name) } }),
            (.contentType, 7, { name in request { $0.contentType = ContentType(name) } }),
            (.tag, 6, { name in request { $0.tags = [.init(name)] } }),
            (
                .trackingSource, 7,
                {
                    AppendRequest(
                        request({ _ in }).entries, tracking: Tracking(source: TrackingSource($0), position: 1))
                }
            ),
            (.stream, 8, { AppendRequest(request({ _ in }).entries, if: .revision(0, of: StreamID($0))) }),
            (.category, 8, { AppendRequest(request({ _ in }).entries, if: .absent(.category(StreamCategory($0)))) }),
        ]
        for (subject, limit, make) in cases {
            #expect(reason(make(name(limit))) == nil)
            #expect(reason(make(name(limit + 1))) == .nameTooLong(subject, bytes: limit + 1, limit: limit))
            #expect(reason(make("")) == .emptyName(subject))
            for character in ["\0", "\u{1F}", "\u{7F}", "\u{80}", "\u{9F}"] {
                #expect(reason(make("a" + character)) == .controlCharacter(subject))
            }
            #expect(reason(make("\u{A0}é")) == nil)
        }
        #expect(reason(request { $0.metadata[""] = "v" }) == .emptyName(.metadataKey))
        var none = Limits()
        none.typeBytes = -1
        #expect(reason(request { $0.type = "t" }, none) == .nameTooLong(.type, bytes: 1, limit: -1))
    }

    @Test func `a batch is taken at its limits and refused beyond them`() {
        let entry = { AppendRequest.Entry(stream: "s", event: EventData(type: "t", contentType: "c", payload: [])) }
        #expect(reason(AppendRequest([])) == .emptyBatch)
        #expect(reason(AppendRequest((0..<3).map { _ in entry() })) == nil)
        #expect(reason(AppendRequest((0..<4).map { _ in entry() })) == .overLimit(.batchEvents, count: 4, limit: 3))
        let twice = entry()
        #expect(reason(AppendRequest([twice, twice])) == .repeatedID(twice.event.id))
        var limits = Self.small
        limits.batchBytes = 3 * 19
        #expect(reason(AppendRequest((0..<3).map { _ in entry() }), limits) == nil)
        limits.batchBytes -= 1
        #expect(
            reason(AppendRequest((0..<3).map { _ in entry() }), limits) == .overLimit(.batchBytes, count: 57, limit: 56)
        )
    }

    @Test func `the refusal names the event`() {
        let fine = request { _ in }.entries[0], bad = request { $0.type = "" }.entries[0]
        #expect(throws: InvalidRequest(.emptyName(.type), index: 1)) {
            try Self.small.check(AppendRequest([fine, bad]))
        }
        #expect(
            InvalidRequest(.emptyName(.type), index: 1).description
                == "event 1 of the append: the name of the event type is empty")
    }

    @Test func `reads are taken at their limits and refused beyond them`() {
        let limits = Self.small
        let cases: [(ReadRequest, InvalidRequest.Reason?)] = [
            (ReadRequest(limit: 5), nil), (ReadRequest(limit: 6), .overLimit(.pageEvents, count: 6, limit: 5)),
            (ReadRequest(limit: 0), .emptyPage), (ReadRequest(limit: .min), .emptyPage),
            (ReadRequest(.all.or(.all), limit: 1), nil),
            (ReadRequest(.all.or(.all).or(.all), limit: 1), .overLimit(.queryItems, count: 3, limit: 2)),
            (ReadRequest(.types("a", "b", "c"), limit: 1), .overLimit(.queryItems, count: 3, limit: 2)),
            (ReadRequest(.tags("a", "b", "c"), limit: 1), .overLimit(.tags, count: 3, limit: 2)),
            (ReadRequest(.types(""), limit: 1), .emptyName(.type)),
            (ReadRequest(.tags(""), limit: 1), .emptyName(.tag)),
            (ReadRequest(.stream("s"), after: .revision(1), limit: 1), nil),
            (ReadRequest(.stream("s").of("t"), before: .revision(1), limit: 1), nil),
            (ReadRequest(.all, after: .revision(1), limit: 1), .revisionWithoutStream),
            (ReadRequest(.stream("s").or(.stream("t")), before: .revision(1), limit: 1), .revisionWithoutStream),
        ]
        for (request, expected) in cases {
            var found: InvalidRequest.Reason?
            do throws(InvalidRequest) { try limits.check(request) } catch { found = error.reason }
            #expect(found == expected, "\(request)")
        }
    }

    @Test func `listings are held to the limits of pages and names`() throws {
        try Self.small.checkStreams(in: "a", after: "b", limit: 5)
        try Self.small.checkStreams(in: nil, after: nil, limit: 1)
        #expect(throws: InvalidRequest(.emptyPage)) { try Self.small.checkStreams(in: nil, after: nil, limit: 0) }
        #expect(throws: InvalidRequest.self) { try Self.small.checkStreams(in: nil, after: nil, limit: 6) }
        #expect(throws: InvalidRequest(.emptyName(.category))) {
            try Self.small.checkStreams(in: "", after: nil, limit: 1)
        }
        #expect(throws: InvalidRequest(.emptyName(.stream))) {
            try Self.small.checkStreams(in: nil, after: "", limit: 1)
        }
    }

    @Test func `a conflict shows as many events as the limits allow`() {
        let events = (1...5).map {
            RecordedEvent(
                position: Position($0), stream: nil, revision: .none, recordedAt: Timestamp(microsecondsSince1970: 0),
                data: EventData(type: "t", payload: []))
        }
        #expect(Self.small.shownInConflict(events).map(\.position) == [1, 2])
        var limits = Self.small
        limits.pageBytes = 1
        #expect(limits.shownInConflict(events).map(\.position) == [1])
        #expect(limits.shownInConflict([]).isEmpty)
    }
}
