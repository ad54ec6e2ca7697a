import SillokCore

extension EventStoreSuite {
    static let conditionChecks = [
        Check("an expected revision must be the stream's revision exactly", expectedRevision),
        Check("an expected revision of a stream that is only looked at counts too", foreignRevision),
        Check("a query must match nothing after the position that was seen", unchangedQuery),
        Check("both kinds of condition count together", bothConditions),
        Check("a conflict shows the events that broke the condition, up to its limit", longConflict),
        Check("a position beyond the head as the one that was seen is refused", sinceBeyondHead),
    ]

    /// A log of six events: a-1 has three, b-1 has two, one is without a stream.
    private static func small(_ trial: Trial) async throws -> any EventStore {
        let store = try await trial.store()
        let plan: [(StreamID?, EventType, [EventTag])] = [
            ("a-1", "opened", ["red"]), ("b-1", "opened", ["blue"]), ("a-1", "noted", ["red", "blue"]),
            (nil, "noted", ["green"]), ("a-1", "closed", []), ("b-1", "noted", ["red"]),
        ]
        for (index, part) in plan.enumerated() {
            try await store.append([.sample(index, type: part.1, tags: part.2)], to: part.0)
        }
        return store
    }

    private static func conflict(
        _ trial: Trial, _ condition: AppendCondition, in store: any EventStore, _ what: String
    ) async throws -> AppendConflict {
        let head = try await store.head()
        let conflict = try await trial.refusal(AppendConflict.self, what) {
            try await store.append(.sample(900..<902, to: "z-1", if: condition))
        }
        try trial.equal(conflict.head, head, "\(what): the head in the conflict")
        try trial.equal(try await store.head(), head, "\(what): the head after the conflict")
        return conflict
    }

    private static func expectedRevision(_ trial: Trial) async throws {
        let store = try await small(trial)
        for (expected, positions) in [(0, [1, 3, 5]), (1, [3, 5]), (2, [5]), (4, []), (UInt64.max, [])]
            as [(UInt64, [UInt64])]
        {
            let what = "a-1 expected at revision \(expected)"
            let found = try await conflict(trial, .revision(Revision(expected), of: "a-1"), in: store, what)
            try trial.equal(
                found.streams, ["a-1": .init(expected: Revision(expected), actual: 3)], "\(what): the revisions")
            try trial.equal(found.events.positions, positions, "\(what): the events that came since")
        }
        let missing = try await conflict(trial, .revision(1, of: "none-1"), in: store, "a stream that is not there")
        try trial.equal(missing.streams, ["none-1": .init(expected: 1, actual: 0)], "a missing stream's revision")
        try await store.append([.sample(10)], to: "a-1", if: .revision(3, of: "a-1"))
        try await store.append([.sample(11)], to: "c-1", if: .revision(0, of: "c-1"))
        try trial.equal(try await store.head(), 8, "the head after two appends whose condition held")
    }

    private static func foreignRevision(_ trial: Trial) async throws {
        let store = try await small(trial)
        let condition = AppendCondition.revisions(["a-1": 2, "b-1": 2, "none-1": 0])
        let found = try await conflict(trial, condition, in: store, "three streams, one of them changed")
        try trial.equal(found.streams, ["a-1": .init(expected: 2, actual: 3)], "the one that changed")
        let both = try await conflict(trial, .revisions(["a-1": 2, "b-1": 1]), in: store, "two streams changed")
        try trial.equal(both.events.positions, [5, 6], "the events of both, in the order of the log")
        try await store.append([.sample(10)], to: "z-1", if: .revisions(["a-1": 3, "b-1": 2, "none-1": 0]))
        try trial.equal(try await store.head(), 7, "the head after an append on three streams that are as expected")
    }

    private static func unchangedQuery(_ trial: Trial) async throws {
        let store = try await small(trial)
        let cases: [(EventQuery, Position, [UInt64])] = [
            (.tags("red"), 0, [1, 3, 6]), (.tags("red"), 1, [3, 6]), (.tags("red"), 5, [6]), (.tags("red"), 2, [3, 6]),
            (.tags("red", "blue"), 0, [3]), (.tags("red", "blue"), 2, [3]), (.types("noted"), 3, [4, 6]),
            (.tags("red").of("noted"), 0, [3, 6]), (.stream("b-1"), 2, [6]), (.category("a"), 1, [3, 5]),
            (.tags("green").or(.stream("b-1").of("opened")), 0, [2, 4]), (.all, 3, [4, 5, 6]),
        ]
        for (query, since, positions) in cases {
            let what = "\(query) as seen up to \(since)"
            let found = try await conflict(trial, .unchanged(query, since: since), in: store, what)
            try trial.equal(found.streams, [:], "\(what): the revisions")
            try trial.equal(found.events.positions, positions, "\(what): the events that broke it")
        }
        let held: [AppendCondition] = [
            .unchanged(.tags("red"), since: 6), .unchanged(.tags("red", "blue"), since: 3), .absent(.tags("black")),
            .unchanged(.types("closed"), since: 5), .unchanged(EventQuery([]), since: 0),
            .absent(.tags("red", "green")),
        ]
        for (index, condition) in held.enumerated() {
            let receipt = try await store.append(.sample(100 + index..<101 + index, to: "z-1", if: condition))
            try trial.equal(receipt.position, Position(UInt64(7 + index)), "\(condition) holds")
        }
    }

    private static func bothConditions(_ trial: Trial) async throws {
        let store = try await small(trial)
        let stale = AppendCondition.revision(1, of: "a-1"), fresh = AppendCondition.revision(3, of: "a-1")
        let red = AppendCondition.unchanged(.tags("red"), since: 3),
            green = AppendCondition.unchanged(.tags("green"), since: 4)
        let both = try await conflict(trial, stale.and(red), in: store, "both broken")
        try trial.equal(both.streams, ["a-1": .init(expected: 1, actual: 3)], "both broken: the revisions")
        try trial.equal(both.events.positions, [3, 5, 6], "both broken: the events, each once and in order")
        let first = try await conflict(trial, stale.and(green), in: store, "the revision broken")
        try trial.equal(first.events.positions, [3, 5], "the revision broken: the events")
        let second = try await conflict(trial, fresh.and(red), in: store, "the query broken")
        try trial.equal(second.streams, [:], "the query broken: the revisions")
        try trial.equal(second.events.positions, [6], "the query broken: the events")
        let two = try await conflict(trial, red.and(.absent(.tags("green"))), in: store, "two queries, both broken")
        try trial.equal(two.events.positions, [4, 6], "two queries, both broken: the events")
        try await store.append([.sample(10)], to: "a-1", if: fresh.and(green))
        try trial.equal(try await store.head(), 7, "the head after an append under both conditions")
    }

    private static func longConflict(_ trial: Trial) async throws {
        var limits = Limits()
        limits.conflictEvents = 5
        let store = try await trial.store(limits: limits)
        let shown = store.limits.conflictEvents
        let count = min(shown + 3, store.limits.batchEvents)
        try await store.append(.sample(0..<count))
        let found = try await conflict(trial, .absent(.stream("a-1")), in: store, "a query that \(count) events break")
        try trial.equal(found.events.positions, (1...min(shown, count)).map(UInt64.init), "the first of them")
    }

    private static func sinceBeyondHead(_ trial: Trial) async throws {
        let store = try await small(trial)
        for since in [7, UInt64(Int64.max), UInt64(Int64.max) + 1, .max] {
            let found = try await trial.refusal(StoreError.self, "an append on what was seen up to \(since)") {
                try await store.append(
                    .sample(100..<101, to: "z-1", if: .unchanged(.tags("none"), since: Position(since))))
            }
            try trial.equal(found.code, .storeChanged, "the code of a refusal for a position beyond the head")
            try trial.equal(try await store.head(), 6, "the head after a refused append")
        }
    }
}
