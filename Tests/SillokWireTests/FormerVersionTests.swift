import Foundation
import NIOCore
import SillokCore
import SillokWire
import Testing

/// `Fixtures/messages.txt` has messages that version 8f59164 wrote, whose readers and writers were written by hand. A
/// client or a server of that version must keep working.
@Suite struct FormerVersionTests {
    private static let kept: [String: ByteBuffer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/messages.txt")
        var kept: [String: ByteBuffer] = [:]
        for line in (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n") ?? [] {
            let parts = line.split(separator: " ")
            if parts.count == 2, let data = Data(base64Encoded: String(parts[1])) {
                kept[String(parts[0])] = ByteBuffer(bytes: data)
            }
        }
        return kept
    }()

    /// Reads a kept message, and expects that the same bytes are written today.
    private func expect<Message: ProtobufMessage>(
        _ name: String, _ message: Message, isSame: (Message) throws -> Bool
    ) throws {
        let kept = try #require(Self.kept[name])
        #expect(message.framed() == kept, "\(name)")
        let found = try Message(reading: ByteBuffer(bytes: kept.readableBytesView.dropFirst(ProtobufWriter.frameBytes)))
        #expect(try isSame(found), "\(name)")
    }

    private func expect<Body: Remote.AnswerBody>(_ name: String, _ value: Body.Value, of body: Body.Type) throws
    where Body.Value: Equatable {
        try expect(name, Remote.Answer<Body>(value)) { try $0.value() == value && $0.failure == nil }
    }

    @Test func `the requests of sillok.v1`() throws {
        try expect("append", Samples.append) { $0 == Samples.append }
        for (index, request) in Samples.reads.enumerated() { try expect("read-\(index)", request) { $0 == request } }
        for (index, query) in Samples.waits.enumerated() {
            let request = Remote.ReachRequest(7, for: query)
            try expect("reach-\(index)", request) { $0.position == 7 && $0.query == request.query }
        }
        try expect("event", Remote.EventRequest(Samples.id)) { $0.id == Samples.id }
        try expect("stream", Remote.StreamRequest("account-1")) { $0.stream == "account-1" }
        try expect("tracking", Remote.TrackingRequest("feed")) { $0.source == "feed" }
        for (index, request) in Samples.lists.enumerated() {
            try expect("streams-\(index)", request) { found in
                let isSame = found.category == request.category && found.after == request.after
                return isSame && found.limit == request.limit
            }
        }
    }

    @Test func `the answers of sillok.v1`() throws {
        let (store, limits) = (StoreID(high: 1, low: 2), Samples.limits)
        try expect("described", Remote.Answer<Remote.DescribeResponse>((store, limits))) {
            try $0.value() == (store, limits)
        }
        try expect("appended", Samples.receipt, of: Remote.AppendResponse.self)
        let page = EventBatch(events: Samples.recorded, mark: Samples.mark, isEnd: true, head: 9)
        try expect("page-0", page, of: Remote.ReadResponse.self)
        try expect(
            "page-1", EventBatch(events: [], mark: EventMark(position: 0, id: nil), isEnd: false, head: 0),
            of: Remote.ReadResponse.self)
        try expect("head", .start, of: Remote.HeadResponse.self)
        for (index, value) in [(Position(0), false), (9, true)].enumerated() {
            try expect("reached-\(index)", Remote.Answer<Remote.ReachResponse>(value)) { try $0.value() == value }
        }
        let tracked = (position: Samples.tracking.position, event: Samples.tracking.event)
        try expect("tracked-0", Remote.Answer<Remote.TrackingResponse>(tracked)) {
            let found = try $0.value()
            return found?.position == tracked.position && found?.event == tracked.event
        }
        try expect("tracked-1", Remote.Answer<Remote.TrackingResponse>(nil)) { try $0.value() == nil }
        try expect("found-0", Samples.recorded[0], of: Remote.EventResponse.self)
        try expect("found-1", nil, of: Remote.EventResponse.self)
        try expect("facts", [Samples.facts], of: Remote.StreamsResponse.self)
    }

    @Test func `the failures of sillok.v1`() throws {
        for (index, refusal) in Samples.refusals.enumerated() {
            let kept = try #require(Self.kept["failure-\(index)"])
            let answer = Remote.answer(failure: refusal)
            if case .invalid(let request) = refusal, request.index != nil {
                // The index is no longer the last field.
                #expect(answer.framed().readableBytes == kept.readableBytes)
            } else {
                #expect(answer.framed() == kept, "\(refusal)")
            }
            let found = try Remote.Answer<Remote.AppendResponse>(
                reading: ByteBuffer(bytes: kept.readableBytesView.dropFirst(ProtobufWriter.frameBytes)))
            let error = try #require(try found.failure?.error())
            #expect("\(error)" == "\(refusal)")
            #expect(error.failure?.code == refusal.failure?.code)
            #expect(error.failure?.retryAfter == refusal.failure?.retryAfter)
            #expect(error.failure?.outcome == refusal.failure?.outcome)
        }
        let refused = Remote.answer(failure: .failed(StoreError(.refused, "people v1 refuses")))
        #expect(refused.framed() == Self.kept["refused"])
        let overloaded = StoreError(.overloaded, "wait", retryAfter: .seconds(1))
        #expect(ByteBuffer(bytes: Remote.answer(failure: .failed(overloaded)).unframed()) == Self.kept["details"])
    }

    @Test func `the requests of UmaDB's protocol`() throws {
        var (item, other) = (UmaDB.QueryItem.unread, UmaDB.QueryItem.unread)
        (item.item.types, other.item.tags) = (["t"], ["a"])
        var query = UmaDB.Query.unread
        query.items = [item, other]
        var read = UmaDB.ReadRequest.unread
        (read.query, read.start, read.backwards, read.limit, read.subscribe, read.batchSize) = (
            query, 8, true, 10, true, 20
        )
        try expect("uma-read", read) { found in
            let isSame = found.query?.query == query.query && found.start == 8 && found.limit == 10
            return isSame && found.isBackwards && found.isSubscription && found.batchSize == 20
        }
        query.items = [item]
        var subscribe = UmaDB.SubscribeRequest.unread
        (subscribe.query, subscribe.after, subscribe.batchSize) = (query, 8, 20)
        try expect("uma-subscribe", subscribe) { found in
            found.query?.query == .types("t") && found.after == 8 && found.batchSize == 20
        }
        var tracking = UmaDB.TrackingRequest.unread
        tracking.source = "feed"
        try expect("uma-tracking", tracking) { $0.source == "feed" }

        var metadata = Metadata()
        metadata["k"] = "v"
        let kept = try #require(Self.kept["uma-append"]).readableBytesView.dropFirst(ProtobufWriter.frameBytes)
        let append = try UmaDB.AppendRequest(reading: ByteBuffer(bytes: kept))
        let event = try #require(append.events.first)
        #expect(event.type == "t" && event.tags == ["tag:1", "tag:2"] && event.data == [1, 2, 3])
        #expect(event.uuid == .id(Samples.id) && event.metadata == metadata)
        #expect(append.events.map(\.type) == ["t", "u"])
        let unchanged = EventQuery([.init(types: ["t"], tags: ["tag:1"])])
        #expect(append.condition?.unchanged == .init(unchanged, since: 9))
        #expect(append.tracking?.tracking == Tracking(source: "feed", position: 5))
    }

    @Test func `the answers of UmaDB's protocol`() {
        var batch = UmaDB.BatchWriter()
        // The former version also sent the id of the foreign event, which the protocol does not have.
        for event in Samples.recorded {
            batch.append(
                RecordedEvent(
                    position: event.position, stream: event.stream, revision: event.revision,
                    recordedAt: event.recordedAt, tracking: event.tracking?.withoutEvent, data: event.data))
        }
        #expect(batch.finish(head: 9) == Self.kept["uma-page-0"])
        batch.append(Samples.recorded[1])
        #expect(batch.finish() == Self.kept["uma-page-1"])
        #expect(UmaDB.PositionResponse(.start).framed() == Self.kept["uma-appended-0"])
        #expect(UmaDB.PositionResponse(300).framed() == Self.kept["uma-appended-1"])
        #expect(UmaDB.PositionResponse(of: nil).framed() == Self.kept["uma-position-0"])
        #expect(UmaDB.PositionResponse(of: Tracking(source: "s", position: 0)).framed() == Self.kept["uma-position-1"])
        let errors: [(String, UmaDB.ErrorType)] = [
            ("io error", .io), ("integrity error", .integrity), ("corruption", .corruption),
            ("authentication error", .authentication),
        ]
        for (index, (prefix, type)) in errors.enumerated() {
            let details = UmaDB.ErrorResponse("\(prefix): what happened", type).unframed()
            #expect(ByteBuffer(bytes: details) == Self.kept["uma-error-\(index)"])
        }
    }
}
