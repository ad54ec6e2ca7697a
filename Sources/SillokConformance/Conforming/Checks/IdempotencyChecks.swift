import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let idempotencyChecks = [
        Check("the same append again answers the first receipt and stores nothing", sameAgain),
        Check("the same append again is recognised after the store was opened again", sameAgainReopened),
        Check("an append that was made is recognised before its condition is checked", recognisedBeforeCondition),
        Check("an id with other contents is a conflict", otherContents),
        Check("a batch with some known ids is a conflict", partlyKnown),
        Check("known events in another order or from two appends are a conflict", otherAppend),
        Check("an id twice in one append is invalid", repeatedID),
        Check("a refused append leaves its ids free", refusedIDsAreFree),
    ]

    private static func varied() -> [AppendRequest] {
        let tracked = AppendRequest.sample(8..<10, to: "c-1", tracking: Tracking(source: "feed", position: 7))
        let metadata = Metadata(actor: "ada", correlationID: "r1")
        let rich = EventData(
            id: .sample(10), type: "é", tags: ["b", "a", "b"], metadata: metadata, contentType: .bytes,
            payload: [0, 0xFF, 0xC3, 0x28])
        let streams: [StreamID?] = ["a-1", nil, "b-1", "a-1"]
        let mixed = streams.enumerated().map {
            AppendRequest.Entry(stream: $0.element, event: .sample(4 + $0.offset))
        }
        return [
            .sample(0..<1), .sample(1..<4, to: nil), AppendRequest(mixed, if: .revision(1, of: "a-1")), tracked,
            AppendRequest([.init(stream: "d-1", event: rich)], if: .absent(.stream("d-1"))),
        ]
    }

    private static func sameAgain(_ trial: Trial, _ store: any EventStore) async throws {
        var receipts: [Receipt] = []
        for request in varied() {
            trial.clock.move(byMicroseconds: 1000)
            receipts.append(try await store.append(request))
        }
        trial.clock.move(byMicroseconds: 1_000_000)
        try await expectKnown(varied(), receipts, in: store, trial)
    }

    private static func expectKnown(
        _ requests: [AppendRequest], _ receipts: [Receipt], in store: any EventStore, _ trial: Trial
    ) async throws {
        let before = try await trial.log(of: store)
        for (index, request) in requests.enumerated() {
            let again = try await store.append(request)
            try trial.equal(again, receipts[index], "the receipt of append \(index), made again")
        }
        try trial.equal(try await trial.log(of: store), before, "the log after all appends were made again")
    }

    private static func sameAgainReopened(_ trial: Trial) async throws {
        let subject = try await trial.open()
        var receipts: [Receipt] = []
        for request in varied() { receipts.append(try await subject.store.append(request)) }
        let reopened = try await trial.reopen(subject)
        try await expectKnown(varied(), receipts, in: reopened.store, trial)
        _ = try await trial.refusal(EventIDConflict.self, "other contents after opening again") {
            try await reopened.store.append([.sample(0, type: "other")], to: "a-1")
        }
    }

    private static func recognisedBeforeCondition(_ trial: Trial, _ store: any EventStore) async throws {
        let request = AppendRequest.sample(
            0..<2, if: .revision(0, of: "a-1").and(.absent(.stream("a-1"))),
            tracking: Tracking(source: "feed", position: 3))
        let receipt = try await store.append(request)
        try await store.append(.sample(2..<4, to: "a-1", tracking: Tracking(source: "feed", position: 9)))
        try trial.equal(try await store.append(request), receipt, "an append whose condition holds no more, again")
        try trial.equal(try await store.tracking(of: "feed")?.position, 9, "the tracking after it")
        var bare = request
        bare.condition = .revision(77, of: "b-1")
        try trial.equal(try await store.append(bare), receipt, "the same events under another condition")
    }

    private static func otherContents(_ trial: Trial) async throws {
        let store = try await trial.store()
        let metadata = Metadata(actor: "ada")
        let event = EventData.sample(1, tags: ["a", "b"], metadata: metadata, text: "{}")
        let original = AppendRequest([.init(stream: "a-1", event: event)])
        let receipt = try await store.append(original)
        let changes: [(String, (inout AppendRequest) -> Void)] = [
            ("another stream", { $0.entries[0].stream = "a-2" }),
            ("no stream", { $0.entries[0].stream = nil }),
            ("another type", { $0.entries[0].event.type = "Noted" }),
            ("tags in another order", { $0.entries[0].event.tags = ["b", "a"] }),
            ("one tag twice", { $0.entries[0].event.tags = ["a", "b", "b"] }),
            ("fewer tags", { $0.entries[0].event.tags = ["a"] }),
            ("another actor", { $0.entries[0].event.metadata.actor = "bob" }),
            ("another key", { $0.entries[0].event.metadata["more"] = "" }),
            ("no metadata", { $0.entries[0].event.metadata = Metadata() }),
            ("another content type", { $0.entries[0].event.contentType = .bytes }),
            ("another payload", { $0.entries[0].event.payload = Array("{ }".utf8) }),
            ("no payload", { $0.entries[0].event.payload = [] }),
            ("a tracking", { $0.tracking = Tracking(source: "feed", position: 1) }),
        ]
        for (name, change) in changes {
            var request = original
            change(&request)
            try await trial.refused(
                request, with: EventIDConflict(id: .sample(1), reason: .otherContents), by: store, "\(name), same id")
        }
        try trial.equal(try await store.tracking(of: "feed"), nil, "the tracking of a refused append")
        var traced = original
        traced.entries[0].event.metadata.traceparent = "00-01-02-00"
        try trial.equal(try await store.append(traced), receipt, "another trace is the same fact")
    }

    private static func partlyKnown(_ trial: Trial) async throws {
        let store = try await trial.store()
        try await store.append(.sample(0..<3))
        for numbers in [[2, 3], [3, 2], [0, 1, 2, 3], [5, 0, 6]] {
            let known = numbers.filter { $0 < 3 }
            let found = try await trial.refusal(EventIDConflict.self, "ids \(numbers), of which \(known) are known") {
                try await store.append(.sample(numbers))
            }
            try trial.equal(found.reason, .partlyKnown, "ids \(numbers), of which \(known) are known")
            try trial.expect(
                known.map(EventID.sample).contains(found.id), "the conflict names \(found.id), not a known id")
        }
        try trial.equal(try await store.head(), 3, "the head after refused appends")
        for number in [3, 5, 6] {
            try trial.equal(try await store.event(.sample(number)), nil, "a new event of a refused append")
        }
    }

    private static func otherAppend(_ trial: Trial) async throws {
        let store = try await trial.store()
        try await store.append(.sample(0..<2))
        try await store.append(.sample(2..<3, to: "b-1"))
        try await store.append(.sample(3..<5))
        for numbers in [[1, 0], [1, 3], [0, 3], [4, 3]] {
            let found = try await trial.refusal(EventIDConflict.self, "the known ids \(numbers)") {
                try await store.append(.sample(numbers))
            }
            try trial.equal(found.reason, .otherAppend, "the known ids \(numbers)")
        }
        try trial.equal(try await store.head(), 5, "the head after refused appends")
    }

    private static func repeatedID(_ trial: Trial) async throws {
        let store = try await trial.store()
        try await trial.refused(
            .sample([1, 2, 1]), with: InvalidRequest(.repeatedID(.sample(1)), index: 2), by: store, "an id twice")
    }

    private static func refusedIDsAreFree(_ trial: Trial, _ store: any EventStore) async throws {
        let request = AppendRequest.sample(0..<2, if: .revision(5, of: "a-1"))
        _ = try await trial.refusal(AppendConflict.self, "a condition that does not hold") {
            try await store.append(request)
        }
        let receipt = try await store.append([.sample(0, type: "other")], to: "b-1")
        try trial.equal(receipt.position, 1, "the id of a refused append, used for another event")
    }
}
