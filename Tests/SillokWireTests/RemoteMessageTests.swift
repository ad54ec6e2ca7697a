import NIOCore
import SillokCore
import SillokWire
import Testing

@Suite struct RemoteMessageTests {
    /// Reads what was written.
    private func again<Message: ProtobufMessage>(_ message: Message) throws -> Message {
        try Message(reading: ByteBuffer(bytes: message.unframed()))
    }

    @Test func `an append of several streams reads back`() throws {
        var request = Samples.append
        request.condition.revisions["account-2"] = Revision.none
        #expect(try again(request) == request)
    }

    @Test("W4: a wait for events of a query reads back, and one for any event names no query")
    func waits() throws {
        for query in Samples.waits {
            let found = try again(Remote.ReachRequest(7, for: query))
            #expect(found.position == 7 && found.query == (query == .all ? nil : query))
        }
        // A client of an older version reads the head.
        let answer = Remote.Answer<Remote.ReachResponse>((9, true)).framed()
        let bytes = ByteBuffer(bytes: answer.readableBytesView.dropFirst(ProtobufWriter.frameBytes))
        #expect(try Remote.Answer<Remote.HeadResponse>(reading: bytes).value() == 9)
    }

    @Test func `a page whose mark names another event than its last one reads back`() throws {
        for id in [nil, EventID(high: 5, low: 6)] {
            let mark = EventMark(position: 8, id: id)
            let batch = EventBatch(events: Samples.recorded, mark: mark, isEnd: true, head: 9)
            #expect(try again(Remote.Answer<Remote.ReadResponse>(batch)).value() == batch)
        }
    }

    @Test func `refusals with random ids and several streams read back`() throws {
        let mismatch = AppendConflict.RevisionMismatch(expected: 1, actual: 2)
        let conflict = AppendConflict(streams: ["a": mismatch, "b": mismatch], events: Samples.recorded, head: 3)
        let found = try again(Remote.answer(failure: .conflict(conflict))).failure?.error()
        #expect(found?.underlyingError as? AppendConflict == conflict)
        for reason in Samples.reasons {
            let located = InvalidRequest(reason.reason, index: 0)
            let found = try again(Remote.answer(failure: .invalid(located))).failure?.error()
            #expect(found?.underlyingError as? InvalidRequest == located)
        }
    }

    @Test func `a code of a newer server is a failure that names it`() throws {
        var writer = ProtobufWriter(framed: false)
        let (whole, store) = (writer.begin(15), writer.begin(5))
        writer.text(1, "on-fire")
        writer.text(2, "smoke.")
        writer.number(3, 1)
        writer.end(store)
        writer.end(whole)
        let answer = try Remote.Answer<Remote.AppendResponse>(reading: writer.finished())
        let failure = try answer.failure?.error().failure
        #expect(failure?.code == .ioFailure && failure?.outcome == .unknown)
        #expect(failure?.message == "the server's store failed (on-fire): smoke.")
    }

    @Test func `a metadata key that comes twice is refused`() {
        for count in [2, 20] {
            var writer = ProtobufWriter(framed: false)
            writer.id(1, EventID())
            for number in 0..<count { MetadataEntry.write(4, &writer, number == count - 1 ? "0" : "\(number)", "v") }
            let bytes = writer.finished()
            #expect(throws: ProtobufError.repeatedKey) { try EventData(reading: bytes) }
        }
    }
}
