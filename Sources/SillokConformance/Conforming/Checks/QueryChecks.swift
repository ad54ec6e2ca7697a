import SillokCore
import SillokTesting

extension EventStoreSuite {
    static let queryChecks = [
        Check("a query finds exactly the events that match", queriesMatch),
        Check("bounds by position, revision and time leave their own place out", bounds),
        Check("a bound by revision needs a query of one stream", revisionBoundsNeedAStream),
        Check("places far beyond the head read as empty", farBounds),
    ]

    private static let streams: [StreamID?] = ["a-1", "a-2", "a", "b-1", nil, "ab-1", "a-1-x", "-", "A-1"]
    private static let types: [EventType] = ["opened", "noted", "Noted"]
    private static let tags: [[EventTag]] = [
        [], ["red"], ["red", "blue"], ["blue", "red", "green"], ["Red"], ["red", "red"],
    ]

    /// 90 events whose streams, types and tags meet in many ways, one second apart in threes.
    private static func colourful(_ trial: Trial) async throws -> (store: any EventStore, log: [RecordedEvent]) {
        let store = try await trial.store()
        var generator = SeededGenerator(seed: trial.seed)
        for number in 0..<90 {
            if number.isMultiple(of: 3) { trial.clock.move(byMicroseconds: 1_000_000) }
            let event = EventData.sample(
                number, type: generator.pick(types, or: "noted"), tags: generator.pick(tags, or: []))
            try await store.append([event], to: generator.pick(streams, or: nil))
        }
        let log = try await trial.log(of: store)
        try trial.equal(log.count, 90, "the events of the whole log")
        return (store, log)
    }

    private static func queriesMatch(_ trial: Trial) async throws {
        let (store, log) = try await colourful(trial)
        let reference = ReferenceModel(events: log)
        let queries: [EventQuery] = [
            .all, EventQuery([]), .stream("a-1"), .stream("none"), .category("a"), .category("ab"), .category(""),
            .category("A"), .types("noted"), .types("noted", "opened"), .types("none"), .tags("red"),
            .tags("blue", "red"),
            .tags("red", "red"), .tags("red", "none"), .tags("red").of("noted"), .tags("red").or(.tags("green")),
            .tags("blue").or(.stream("a-1")), .category("a").of("opened").or(.tags("Red")), .all.or(.stream("a-1")),
            EventQuery([.init(stream: "a-1", category: "a", types: ["noted", "opened"], tags: ["red", "blue"])]),
            EventQuery([.init(stream: "a-1", category: "b")]), EventQuery([.init(category: "b", tags: ["red"])]),
            .any(of: [.stream("a-1"), .stream("a-2"), .stream("b-1")]), .tags("red").of("noted").of("opened"),
        ]
        for query in queries where query.items.allSatisfy({ $0.category?.text != "" }) {
            for direction in [ReadRequest.Direction.forward, .backward] {
                let request = ReadRequest(query, direction: direction, limit: store.limits.pageEvents)
                let batch = try await store.read(request)
                try trial.expectPage(batch, of: request, in: reference, limits: store.limits)
                try trial.equal(batch.isEnd, true, "whether one page holds the events of \(query)")
            }
        }
    }

    private static func bounds(_ trial: Trial) async throws {
        let (store, log) = try await colourful(trial)
        let reference = ReferenceModel(events: log)
        let places: [UInt64] = [0, 1, 2, 44, 45, 89, 90, 91]
        let times = Set(log.map(\.recordedAt)).flatMap { [$0, $0.advanced(byMicroseconds: -1)] }
        var requests: [ReadRequest] = []
        for query in [EventQuery.all, .stream("a-1"), .tags("red"), .category("a").or(.types("noted"))] {
            for place in places {
                requests.append(ReadRequest(query, after: .position(Position(place))))
                requests.append(ReadRequest(query, before: .position(Position(place))))
                requests.append(ReadRequest(query, after: .position(Position(place)), before: .position(60)))
            }
            for time in times.sorted().prefix(20) {
                requests.append(ReadRequest(query, after: .time(time)))
                requests.append(ReadRequest(query, before: .time(time)))
            }
        }
        for revision: UInt64 in [0, 1, 2, 5, 1000, .max] {
            requests.append(ReadRequest(.stream("a-1"), after: .revision(Revision(revision))))
            requests.append(ReadRequest(.stream("a-1"), before: .revision(Revision(revision))))
            requests.append(
                ReadRequest(.stream("a-1").of("noted"), after: .revision(Revision(revision)), before: .position(50)))
        }
        for request in requests {
            for direction in [ReadRequest.Direction.forward, .backward] {
                for limit in [1, 3, store.limits.pageEvents] {
                    var request = request
                    (request.direction, request.limit) = (direction, limit)
                    let batch = try await store.read(request)
                    try trial.expectPage(batch, of: request, in: reference, limits: store.limits)
                }
            }
        }
    }

    private static func revisionBoundsNeedAStream(_ trial: Trial, _ store: any EventStore) async throws {
        for query in [EventQuery.all, .category("a"), EventQuery([]), .stream("a-1").or(.stream("a-2"))] {
            for request in [ReadRequest(query, after: .revision(1)), ReadRequest(query, before: .revision(1))] {
                let found = try await trial.refusal(InvalidRequest.self, "a revision with \(query)") {
                    try await store.read(request)
                }
                try trial.equal(found, InvalidRequest(.revisionWithoutStream), "a revision with \(query)")
            }
        }
    }

    private static func farBounds(_ trial: Trial, _ store: any EventStore) async throws {
        try await store.append(.sample(0..<3))
        for place in [4, UInt64(Int64.max) - 1, UInt64(Int64.max), UInt64(Int64.max) + 1, .max] {
            for query in [EventQuery.all, .stream("a-1"), .tags("red")] {
                let batch = try await store.read(ReadRequest(query, after: .position(Position(place))))
                let empty = EventBatch(events: [], mark: EventMark(position: 3, id: .sample(2)), isEnd: true, head: 3)
                try trial.equal(batch, empty, "\(query) after position \(place)")
            }
            let before = try await store.read(ReadRequest(.stream("a-1"), before: .position(Position(place))))
            try trial.equal(before.events.positions, [1, 2, 3], "the events before position \(place)")
            let after = try await store.read(ReadRequest(.stream("a-1"), after: .revision(Revision(place))))
            try trial.equal(after.events, [], "the events after revision \(place)")
            let back = try await store.read(
                ReadRequest(.all, before: .position(Position(place)), direction: .backward, limit: 2))
            try trial.equal(back.events.positions, [3, 2], "the events before position \(place), backwards")
        }
        for time in [Int64.min, Int64.max] {
            let moment = Timestamp(microsecondsSince1970: time)
            let batch = try await store.read(ReadRequest(.all, after: .time(moment)))
            try trial.equal(batch.events.count, time < 0 ? 3 : 0, "the events after \(moment)")
        }
    }
}
