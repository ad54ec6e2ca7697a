import SillokCore
import Testing

@Suite struct EventQueryTests {
    private func matches(_ query: EventQuery, _ stream: StreamID?, _ type: EventType, _ tags: [EventTag] = [])
        -> Bool
    {
        query.matches(stream: stream, type: type, tags: tags)
    }

    @Test func `every part of an alternative must fit, and any alternative`() {
        #expect(matches(.all, nil, "t"))
        #expect(!matches(EventQuery([]), "a-1", "t", ["x"]))
        #expect(
            matches(.stream("a-1"), "a-1", "t") && !matches(.stream("a-1"), "a-2", "t")
                && !matches(.stream("a-1"), nil, "t"))
        #expect(matches(.category("a"), "a-1", "t") && matches(.category("a"), "a", "t"))
        #expect(!matches(.category("a"), "ab-1", "t") && !matches(.category("a"), nil, "t"))
        #expect(matches(.types("t", "u"), nil, "u") && !matches(.types("t"), nil, "u"))
        #expect(matches(.tags("x", "y"), nil, "t", ["y", "z", "x"]) && !matches(.tags("x", "y"), nil, "t", ["x"]))
        let either = EventQuery.tags("x").or(.stream("a-1"))
        #expect(matches(either, "a-1", "t") && matches(either, nil, "t", ["x"]) && !matches(either, "b-1", "t"))
        #expect(EventQuery.any(of: [.tags("x"), .stream("a-1")]) == either)
    }

    @Test func `types narrow a query`() {
        #expect(EventQuery.stream("a").of("t").items == [.init(stream: "a", types: ["t"])])
        #expect(EventQuery.types("t", "u").of("u", "v").items == [.init(types: ["u"])])
        #expect(EventQuery.types("t").of("u").items.isEmpty)
        #expect(EventQuery.Item().matchesAll && !EventQuery.Item(types: ["t"]).matchesAll)
    }

    @Test func `conditions join`() {
        let joined = AppendCondition.revision(1, of: "a").and(.revisions(["b": 2])).and(.absent(.all))
        #expect(joined.revisions == ["a": 1, "b": 2])
        #expect(joined.unchanged == [.init(.all, since: .start)])
        #expect(AppendCondition.revision(1, of: "a").and(.revision(3, of: "a")).revisions == ["a": 3])
        #expect(AppendCondition.always == AppendCondition())
    }
}

@Suite struct ReadRequestTests {
    private func batch(through: Position, isEnd: Bool, head: Position = 10) -> EventBatch {
        EventBatch(events: [], through: through, isEnd: isEnd, head: head)
    }

    private func mark(_ position: Position) -> ReadRequest.Bound { .mark(EventMark(position: position, id: nil)) }

    @Test func `the next page goes on after what was looked at, up to the first head`() {
        let request = ReadRequest(.all, limit: 3)
        let next = request.next(after: batch(through: 3, isEnd: false))
        #expect(next == ReadRequest(.all, after: mark(3), before: .position(11), limit: 3))
        let third = next?.next(after: batch(through: 6, isEnd: false, head: 50))
        #expect(third == ReadRequest(.all, after: mark(6), before: .position(11), limit: 3))
        #expect(third?.next(after: batch(through: 10, isEnd: true, head: 50)) == nil)
    }

    @Test func `the next page backwards goes on before it`() {
        let request = ReadRequest(.all, after: .position(2), direction: .backward, limit: 3)
        let next = request.next(after: batch(through: 7, isEnd: false))
        #expect(next == ReadRequest(.all, after: .position(2), before: mark(7), direction: .backward, limit: 3))
    }

    @Test func `a read with an upper bound never looks beyond it`() {
        let time = ReadRequest.Bound.time(Timestamp(microsecondsSince1970: 1))
        #expect(ReadRequest().throughAtEnd(last: 3, head: 10) == 10)
        #expect(ReadRequest(before: .position(6)).throughAtEnd(last: 3, head: 10) == 5)
        #expect(ReadRequest(before: .position(60)).throughAtEnd(last: nil, head: 10) == 10)
        #expect(ReadRequest(after: .position(2), before: time).throughAtEnd(last: 3, head: 10) == 3)
        #expect(ReadRequest(after: .position(2), before: time).throughAtEnd(last: nil, head: 10) == 2)
        #expect(ReadRequest(before: time).throughAtEnd(last: nil, head: 10) == .start)
        #expect(ReadRequest(direction: .backward).throughAtEnd(last: 3, head: 10) == .start)
    }
}

@Suite struct RepeatedAppendTests {
    private let entries = (1...2).map {
        AppendRequest.Entry(stream: "a", event: EventData(id: EventID(high: 0, low: $0), type: "t", payload: []))
    }

    private func recorded(_ index: Int, at position: Position) -> RecordedEvent {
        RecordedEvent(
            position: position, stream: entries[index].stream, revision: Revision(position.value),
            recordedAt: Timestamp(microsecondsSince1970: 7), data: entries[index].event)
    }

    @Test func `nothing known is a new append, all known the first receipt`() throws {
        let request = AppendRequest(entries)
        #expect(try request.firstReceipt(known: [nil, nil]) == nil)
        let receipt = try request.firstReceipt(known: [recorded(0, at: 4), recorded(1, at: 5)])
        #expect(
            receipt
                == Receipt(
                    firstPosition: 4, mark: EventMark(position: 5, id: entries[1].event.id), revisions: ["a": 5],
                    recordedAt: Timestamp(microsecondsSince1970: 7))
        )
    }

    @Test func `anything else is a conflict that says what differs`() {
        var request = AppendRequest(entries)
        let (one, two) = (entries[0].event.id, entries[1].event.id)
        #expect(throws: EventIDConflict(id: one, reason: .partlyKnown)) {
            try request.firstReceipt(known: [recorded(0, at: 4), nil])
        }
        #expect(throws: EventIDConflict(id: two, reason: .partlyKnown)) {
            try request.firstReceipt(known: [nil, recorded(1, at: 4)])
        }
        #expect(throws: EventIDConflict(id: two, reason: .otherAppend)) {
            try request.firstReceipt(known: [recorded(0, at: 4), recorded(1, at: 6)])
        }
        request.entries[1].event.payload = [1]
        #expect(throws: EventIDConflict(id: two, reason: .otherContents)) {
            try request.firstReceipt(known: [recorded(0, at: 4), recorded(1, at: 5)])
        }
    }

    @Test func `another trace is the same fact, another actor is not`() {
        let event = entries[0].event
        var traced = event, acted = event
        traced.metadata.traceparent = "t"
        acted.metadata.actor = "ada"
        #expect(event.isSameFact(as: traced) && !event.isSameFact(as: acted))
    }

    @Test func `C10: metadata in another order is the same fact, other metadata is not`() {
        func event(_ metadata: (key: String, value: String)...) -> EventData {
            var event = entries[0].event
            for (key, value) in metadata { event.metadata[key] = value }
            return event
        }
        let known = event(("a", "1"), ("b", "2"))
        #expect(known.isSameFact(as: event(("b", "2"), ("a", "1"))))
        for other in [event(("a", "2"), ("b", "1")), event(("a", "1")), event(("b", "2"), ("a", "1"), ("c", "3"))] {
            #expect(!known.isSameFact(as: other) && !other.isSameFact(as: known))
        }
    }
}

@Suite struct ErrorTextTests {
    @Test func `every error says what happened and what to do`() {
        let event = RecordedEvent(
            position: 8, stream: "a", revision: 4, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: "noted", payload: []))
        let conflict = AppendConflict(
            streams: ["a": .init(expected: 3, actual: 4)], events: .init(repeating: event, count: 4), head: 9)
        #expect(
            conflict.description
                == "The append was rejected: stream a is at revision 4, expected 3; recorded since then: "
                + "noted at position 8, noted at position 8, noted at position 8 and 1 more. "
                + "Nothing was stored. Load the events and decide again."
        )
        let tracking = TrackingConflict(given: Tracking(source: "feed", position: 2), recorded: 5)
        #expect(tracking.description.contains("tracked up to position 5, so position 2 is not new"))
        for reason in [EventIDConflict.Reason.otherContents, .partlyKnown, .otherAppend] {
            #expect(EventIDConflict(id: event.id, reason: reason).description.contains("Give new events new ids."))
        }
        let unknown = StoreError(.ioFailure, "the disk failed.", outcome: .unknown)
        #expect(unknown.description.hasPrefix("the disk failed. The outcome is unknown"))
        #expect(StoreError(.closed, "the store is closed.").description == "the store is closed.")
        #expect(StoreError.Code.storeChanged.description == "store-changed")
    }

    @Test(arguments: [
        InvalidRequest.Reason.emptyBatch, .emptyPage, .emptyName(.stream), .nameTooLong(.tag, bytes: 9, limit: 8),
        .controlCharacter(.type), .overLimit(.tags, count: 3, limit: 2), .repeatedID(EventID(high: 1, low: 2)),
        .revisionWithoutStream,
        .timeRunsBackwards(given: Timestamp(microsecondsSince1970: 0), last: Timestamp(microsecondsSince1970: 1)),
    ])
    func `every refusal is a sentence`(reason: InvalidRequest.Reason) {
        #expect(InvalidRequest(reason).description.count > 20)
        #expect(InvalidRequest(reason).at(3).description.hasPrefix("event 3 of the append: "))
    }
}
