import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let appendChecks = [
        Check("a new store is empty", newStoreIsEmpty),
        Check("positions and revisions rise without gaps", gapless),
        Check("an append to several streams takes consecutive positions", severalStreams),
        Check("a refused append stores nothing of its batch", allOrNothing),
        Check("the store keeps its identity and its log when it is opened again", reopened),
    ]

    private static func newStoreIsEmpty(_ trial: Trial, _ store: any EventStore) async throws {
        try trial.equal(try await store.head(), .start, "the head of a new store")
        let batch = try await store.read(.all)
        try trial.equal(batch, EventBatch(events: [], through: .start, isEnd: true, head: .start), "the first page")
        try trial.equal(try await store.event(.sample(1)), nil, "an event")
        try trial.equal(try await store.stream("a-1"), nil, "a stream")
        try trial.equal(try await store.streams(in: nil, after: nil, limit: 10), [], "the streams")
        try trial.equal(try await store.tracking(of: "elsewhere"), nil, "the tracking of a source")
        let other = try await trial.store()
        let (mine, theirs) = (try await store.storeID(), try await other.storeID())
        try trial.expect(mine != theirs, "two stores have the same identity \(mine)")
    }

    private static func gapless(_ trial: Trial, _ store: any EventStore) async throws {
        var number = 0
        for round in 0..<12 {
            let size = 1 + round % 4
            let stream: StreamID? = [nil, "a-1", "a-2", "a-1"][round % 4]
            let head = try await store.head()
            var revision = Revision.none
            if let stream, let facts = try await store.stream(stream) { revision = facts.revision }
            let receipt = try await store.append(.sample(number..<number + size, to: stream))
            number += size
            let expected = Receipt(
                firstPosition: head.next, mark: EventMark(position: Position(UInt64(number)), id: .sample(number - 1)),
                revisions: stream.map { [$0: Revision(revision.value + UInt64(size))] } ?? [:],
                recordedAt: trial.clock.now)
            try trial.equal(receipt, expected, "the receipt of append \(round)")
            try trial.equal(try await store.head(), receipt.position, "the head after append \(round)")
        }
        let events = try await trial.log(of: store)
        try trial.equal(events.map(\.id), (0..<number).map(EventID.sample), "the ids in the order of the log")
        try trial.expectGapless(events)
    }

    private static func severalStreams(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append([.sample(0)], to: "b-1")
        let streams: [StreamID?] = ["a-1", "b-1", nil, "a-1", "c", "b-1"]
        let entries = streams.enumerated().map {
            AppendRequest.Entry(stream: $0.element, event: .sample($0.offset + 1))
        }
        let receipt = try await store.append(AppendRequest(entries))
        let expected = Receipt(
            firstPosition: 2, mark: EventMark(position: 7, id: .sample(6)),
            revisions: ["a-1": 2, "b-1": 3, "c": 1], recordedAt: trial.clock.now)
        try trial.equal(receipt, expected, "the receipt of an append to three streams")
        let events = try await trial.log(of: store)
        try trial.equal(events.map(\.stream), ["b-1"] + streams, "the streams in the order of the log")
        try trial.expectGapless(events)
    }

    private static func allOrNothing(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append([.sample(0)], to: "a-1")
        let entries = (1...4).map { AppendRequest.Entry(stream: $0 < 3 ? "b-1" : "a-1", event: .sample($0)) }
        let request = AppendRequest(entries, if: .revision(0, of: "a-1"))
        _ = try await trial.refusal(AppendConflict.self, "an append on a stream that exists") {
            try await store.append(request)
        }
        try trial.equal(try await trial.log(of: store).count, 1, "the events after a refused batch")
        try trial.equal(try await store.stream("b-1"), nil, "a stream of a refused batch")
        for number in 1...4 {
            try trial.equal(try await store.event(.sample(number)), nil, "event \(number) of a refused batch")
        }
        let receipt = try await store.append(AppendRequest(entries, if: .revision(1, of: "a-1")))
        try trial.equal(receipt.firstPosition, 2, "the position after a refused append")
        try trial.equal(receipt.revisions, ["a-1": 3, "b-1": 2], "the revisions after a refused append")
    }

    private static func reopened(_ trial: Trial) async throws {
        let first = try await trial.open()
        let id = try await first.store.storeID()
        for round in 0..<5 {
            try await first.store.append(
                .sample(round * 3..<round * 3 + 3, to: round == 2 ? nil : StreamID("a", "\(round % 2)")))
        }
        let before = try await trial.log(of: first.store)
        let second = try await trial.reopen(first)
        try trial.equal(try await second.store.storeID(), id, "the identity of the store opened again")
        try trial.equal(try await second.store.head(), 15, "the head of the store opened again")
        try trial.equal(try await trial.log(of: second.store), before, "the log of the store opened again")
        let receipt = try await second.store.append(.sample(15..<16, to: "a-0"))
        try trial.equal(receipt.firstPosition, 16, "the first position after opening again")
        try trial.equal(receipt.revisions, ["a-0": 7], "the revision after opening again")
    }
}
