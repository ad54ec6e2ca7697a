import NIOCore
import SillokCore
import SillokGRPC
import SillokWire
import Testing

@Suite struct RemoteMessageTests {
    private let tracking = Tracking(source: "feed", position: .max, event: EventID(high: 9, low: 1))
    private var event: EventData {
        var metadata = Metadata(actor: "Ada", traceparent: "00-1-2-3")
        metadata["키"] = String(repeating: "x", count: 300)
        return EventData(
            type: "e\u{301}", tags: ["a", "b", "a"], metadata: metadata, contentType: .bytes, payload: [0, 1, 255])
    }
    private var recorded: [RecordedEvent] {
        [
            RecordedEvent(
                position: 1, stream: nil, revision: .none, recordedAt: Timestamp(microsecondsSince1970: -5),
                tracking: tracking, data: event),
            RecordedEvent(
                position: Position(.max), stream: "account-1", revision: 7,
                recordedAt: Timestamp(microsecondsSince1970: .max), data: EventData(type: "t", payload: [])),
        ]
    }

    /// A message without its frame, whose length the frame says.
    private func unframed(_ message: ByteBuffer) throws -> ByteBuffer {
        var assembly = MessageAssembly(limit: .max)
        assembly.append(message)
        let whole = try #require(try assembly.next())
        #expect(assembly.isEmpty)
        return whole
    }

    @Test func `an append reads back with all of its parts`() throws {
        let condition = AppendCondition.revisions(["account-1": 4, "account-2": .none])
            .and(
                .unchanged(
                    EventQuery([.init(stream: "s", category: "", types: ["t"], tags: ["a"]), .init()]), since: 9)
            ).and(.unchanged(.all, seen: EventMark(position: 9, id: EventID(high: 1, low: 2))))
        let entries = [
            AppendRequest.Entry(stream: "account-1", event: event),
            .init(stream: nil, event: event, recordedAt: Timestamp(microsecondsSince1970: -1)),
        ]
        let request = AppendRequest(entries, if: condition, tracking: tracking)
        #expect(try Remote.Append(reading: unframed(Remote.message(request))).request() == request)
    }

    @Test(arguments: [
        ReadRequest(),
        ReadRequest(EventQuery([]), after: .position(0), before: .time(.init(microsecondsSince1970: -7))),
        ReadRequest(.stream("s"), after: .revision(0), before: .revision(9), direction: .backward, limit: -3),
        ReadRequest(.all, after: .mark(EventMark(position: 7, id: EventID(high: 1, low: 2)))),
        ReadRequest(.all, after: .mark(.start), before: .mark(EventMark(position: 7, id: nil))),
    ])
    func `a read reads back`(_ request: ReadRequest) throws {
        #expect(try Remote.Read(reading: unframed(Remote.message(request))).request() == request)
    }

    @Test("W4: a wait for events of a query reads back, and one for any event names no query")
    func waits() throws {
        let queries: [EventQuery] = [
            .all, EventQuery([]), .stream("s-1"), EventQuery([.init(category: "s", types: ["t"], tags: ["a", "b"])]),
        ]
        for query in queries {
            let found = try Remote.Reach(reading: unframed(Remote.message(7, for: query)))
            #expect(found.position == 7 && found.query == (query == .all ? nil : query))
        }
        for isWaiting in [true, false] {
            let answer = Remote.answer(head: 9, isWaiting: isWaiting)
            #expect(try Remote.Reached(reading: unframed(answer)).value() == (9, isWaiting))
            // A client of an older version reads the head.
            #expect(try Remote.Number(reading: unframed(answer)).value() == 9)
        }
    }

    @Test func `answers read back`() throws {
        let receipt = Receipt(
            firstPosition: 1, mark: EventMark(position: 3, id: EventID(high: 1, low: 3)), revisions: ["a": 1, "b": 2],
            recordedAt: Timestamp(microsecondsSince1970: 5))
        #expect(try Remote.Appended(reading: unframed(Remote.answer(receipt))).value() == receipt)
        let recorded = recorded
        for id in [nil, EventID(high: 5, low: 6)] {
            let mark = EventMark(position: 8, id: id)
            let batch = EventBatch(events: recorded, mark: mark, isEnd: true, head: 9)
            #expect(try Remote.Page(reading: unframed(Remote.answer(batch))).value() == batch)
        }
        let found = try Remote.FoundTracking(reading: unframed(Remote.answer(tracking))).value()
        #expect(found?.position == tracking.position && found?.event == tracking.event)
        #expect(try Remote.FoundTracking(reading: unframed(Remote.answer(Tracking?.none))).value() == nil)
        #expect(try Remote.FoundEvent(reading: unframed(Remote.answer(recorded[0]))).value() == recorded[0])
        #expect(try Remote.FoundEvent(reading: unframed(Remote.answer(RecordedEvent?.none))).value() == nil)
        #expect(try Remote.Number(reading: unframed(Remote.answer(number: 0))).value() == 0)
        #expect(try Remote.Number(reading: unframed(Remote.answer(number: nil))).value() == nil)
        let facts = StreamFacts(
            id: "s", revision: 1, lastPosition: 2, firstRecordedAt: .init(microsecondsSince1970: 3),
            lastRecordedAt: .init(microsecondsSince1970: 4))
        #expect(try Remote.FoundStreams(reading: unframed(Remote.answer([facts]))).value() == [facts])
        var limits = Limits()
        (limits.payloadBytes, limits.conflictEvents) = (1, 12)
        let id = StoreID()
        let described = try Remote.Description(reading: unframed(Remote.answer(id, limits))).value()
        #expect(described.store == id)
        #expect(described.limits == limits)
    }

    @Test func `refusals and failures of a store read back`() throws {
        let mismatch = AppendConflict.RevisionMismatch(expected: 1, actual: 2)
        try readsBack(AppendError.conflict, AppendConflict(streams: ["a": mismatch], events: recorded, head: 3))
        for reason in [EventIDConflict.Reason.otherAppend, .otherContents, .partlyKnown] {
            try readsBack(AppendError.knownID, EventIDConflict(id: EventID(), reason: reason))
        }
        try readsBack(AppendError.tracking, TrackingConflict(given: tracking, recorded: 7))
        let reasons: [InvalidRequest.Reason] = [
            .emptyBatch, .emptyPage, .emptyName(.metadataKey), .nameTooLong(.tag, bytes: 300, limit: 256),
            .controlCharacter(.trackingSource), .overLimit(.batchBytes, count: 9, limit: 8), .repeatedID(EventID()),
            .revisionWithoutStream,
            .timeRunsBackwards(given: .init(microsecondsSince1970: -1), last: .init(microsecondsSince1970: 1)),
            .timeAhead(given: .init(microsecondsSince1970: .max), clock: .init(microsecondsSince1970: 1)),
        ]
        for reason in reasons {
            try readsBack(AppendError.invalid, InvalidRequest(reason))
            try readsBack(AppendError.invalid, InvalidRequest(reason, index: 0))
        }
    }

    @Test(arguments: [StoreError.Outcome.definite, .unknown])
    func `a store's failure keeps its code and its outcome`(_ outcome: StoreError.Outcome) throws {
        let found = try #require(
            try error(after: .failed(StoreError(.full, "no room", outcome: outcome)))?.failure)
        #expect(found.code == .full)
        #expect(found.message == "no room")
        #expect(found.outcome == outcome)
    }

    @Test func `a code of a newer server is a failure that names it`() throws {
        var writer = ProtobufWriter(framed: false)
        let (whole, mark) = (writer.begin(15), writer.begin(5))
        writer.text(1, "on-fire")
        writer.text(2, "smoke.")
        writer.number(3, 1)
        writer.end(mark)
        writer.end(whole)
        let failure = try Remote.Appended(reading: writer.finished()).failure?.error().failure
        #expect(failure?.code == .ioFailure && failure?.outcome == .unknown)
        #expect(failure?.message == "the server's store failed (on-fire): smoke.")
    }

    @Test func `a metadata key that comes twice is refused`() {
        let entry = MetadataEntry()
        for count in [2, 20] { #expect(Metadata(Array(repeating: entry, count: count)) == nil) }
    }

    private func readsBack<Failure: Error & Equatable>(
        _ refused: (Failure) -> AppendError, _ failure: Failure
    ) throws {
        #expect(try error(after: refused(failure))?.underlyingError as? Failure == failure)
    }

    private func error(after failure: AppendError) throws -> AppendError? {
        try Remote.Appended(reading: unframed(Remote.answer(failure: failure))).failure?.error()
    }
}
