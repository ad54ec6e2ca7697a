import SillokCore
import SillokWire

/// The values whose messages are kept in `Fixtures/messages.txt`.
enum Samples {
    static let id = EventID(high: 0x0189_0A5D_AC96_774B, low: 0xBCCE_B302_099A_8057)
    static let mark = EventMark(position: 9, id: id)
    static let tracking = Tracking(source: "feed", position: .max, event: EventID(high: 9, low: 1))
    static let time = Timestamp(microsecondsSince1970: 1_764_000_000_123_456)

    static var event: EventData {
        var metadata = Metadata(actor: "Ada", traceparent: "00-1-2-3")
        metadata["키"] = String(repeating: "x", count: 300)
        return EventData(
            id: id, type: "e\u{301}", tags: ["a", "b", "a"], metadata: metadata, contentType: .bytes,
            payload: [0, 1, 255])
    }

    static var recorded: [RecordedEvent] {
        var given = Metadata(actor: "Eve")
        given["sillok.uuid"] = "00000000-0000-0000-0000-00000000000a"
        let plain = EventData(id: EventID(high: 0, low: 7), type: "t", payload: [])
        return [
            RecordedEvent(
                position: 1, stream: nil, revision: .none, recordedAt: Timestamp(microsecondsSince1970: -5),
                tracking: tracking, data: event),
            RecordedEvent(
                position: Position(.max), stream: "account-1", revision: 7,
                recordedAt: Timestamp(microsecondsSince1970: .max), data: plain),
            RecordedEvent(
                position: 3, stream: "account-2", revision: 1, recordedAt: time,
                data: EventData(
                    id: id, type: "given", metadata: given, payload: Array(repeating: 7, count: 300))),
        ]
    }

    static var append: AppendRequest {
        let query = EventQuery([.init(stream: "s", category: "", types: ["t", "u"], tags: ["a"]), .init()])
        let condition = AppendCondition.revisions(["account-1": 4]).and(.unchanged(query, since: 9))
            .and(.unchanged(.all, seen: mark))
        let entries = [
            AppendRequest.Entry(stream: "account-1", event: event),
            .init(stream: nil, event: event, recordedAt: Timestamp(microsecondsSince1970: -1)),
        ]
        return AppendRequest(entries, if: condition, tracking: tracking)
    }

    static let reads: [ReadRequest] = [
        ReadRequest(),
        ReadRequest(EventQuery([]), after: .position(0), before: .time(Timestamp(microsecondsSince1970: -7))),
        ReadRequest(.stream("s"), after: .revision(0), before: .revision(9), direction: .backward, limit: -3),
        ReadRequest(.tags("a", "b"), after: .mark(mark)),
        ReadRequest(.all, after: .mark(.start), before: .mark(EventMark(position: 7, id: nil))),
    ]

    static let waits: [EventQuery] = [.all, EventQuery([]), .stream("s-1")]

    static let lists = [
        Remote.StreamsRequest(in: nil, after: nil, limit: 0),
        Remote.StreamsRequest(in: "account", after: "account-1", limit: 10),
    ]

    static let receipt = Receipt(firstPosition: 8, mark: mark, revisions: ["account-1": 5], recordedAt: time)

    static let facts = StreamFacts(
        id: "account-1", revision: 0, lastPosition: 300, firstRecordedAt: Timestamp(microsecondsSince1970: -1),
        lastRecordedAt: time)

    static var limits: Limits {
        var limits = Limits()
        (limits.payloadBytes, limits.tags, limits.conflictEvents) = (1, 0, 12)
        return limits
    }

    static let reasons: [InvalidRequest] =
        [
            .emptyBatch, .emptyPage, .emptyName(.metadataKey), .nameTooLong(.tag, bytes: 300, limit: 256),
            .controlCharacter(.trackingSource), .overLimit(.batchBytes, count: 9, limit: 8), .repeatedID(id),
            .revisionWithoutStream, .dashInCategory("a-b"),
            .timeRunsBackwards(given: Timestamp(microsecondsSince1970: -1), last: time),
            .timeAhead(given: time, clock: Timestamp(microsecondsSince1970: 1)),
        ].map { InvalidRequest($0) } + [InvalidRequest(.emptyName(.tag), index: 3)]

    static var refusals: [AppendError] {
        [
            .conflict(
                AppendConflict(
                    streams: ["a": .init(expected: 1, actual: 0)], events: Array(recorded.prefix(2)), head: 3)),
            .knownID(EventIDConflict(id: id, reason: .otherContents)),
            .knownID(EventIDConflict(id: id, reason: .partlyKnown)),
            .knownID(EventIDConflict(id: id, reason: .otherAppend)),
            .tracking(TrackingConflict(given: tracking, recorded: 7)),
            .failed(StoreError(.full, "no room")),
            .failed(StoreError(.overloaded, "wait", outcome: .unknown, retryAfter: .milliseconds(1500))),
        ] + reasons.map { .invalid($0) }
    }
}
