import SillokCore

extension EventStoreSuite {
    static let historyChecks = [
        Check("every page has the mark of the place up to which it looked", pagesHaveMarks),
        Check("a read after a mark that the log does not have is refused", readsCompareMarks),
        Check("a subscription after a mark that the log does not have ends at once", subscriptionsCompareMarks),
        Check("a condition on a mark that the log does not have is refused", conditionsCompareMarks),
        Check("an append that was made before has its receipt, for every mark of its condition", repeatsAreFound),
        Check("a refused mark concerns no other append of the group", marksConcernOneAppend),
    ]

    /// Nine events, of which every third has a tag.
    private static func nine(_ trial: Trial) async throws -> any EventStore {
        let store = try await trial.store()
        for number in 0..<9 {
            try await store.append(
                [.sample(number, tags: number.isMultiple(of: 3) ? ["third"] : [])], to: number % 4 == 0 ? "a-1" : "b-1")
        }
        return store
    }

    /// Marks that a log of nine events does not have.
    private static let foreign = [
        EventMark(position: 10, id: nil), EventMark(position: 10, id: .sample(9)),
        EventMark(position: Position(.max), id: nil), EventMark(position: 4, id: .sample(4)),
        EventMark(position: 9, id: .sample(900)), EventMark(position: 1, id: .sample(0x1_0000)),
    ]

    private static let queries: [EventQuery] = [
        .all, .stream("a-1"), .tags("third"), .category("b").or(.tags("third")), .types("none"), EventQuery([]),
    ]

    private static func pagesHaveMarks(_ trial: Trial) async throws {
        let store = try await nine(trial)
        let ids = Dictionary(
            uniqueKeysWithValues: try await trial.log(of: store).map { ($0.position, $0.id) })
        for query in queries {
            for before in [nil, 4, 9, 12] as [UInt64?] {
                for direction in [ReadRequest.Direction.forward, .backward] {
                    let bound = before.map { ReadRequest.Bound.position(Position($0)) }
                    var next: ReadRequest? = ReadRequest(query, before: bound, direction: direction, limit: 2)
                    while let request = next {
                        let batch = try await store.read(request)
                        let expected = EventMark(position: batch.through, id: ids[batch.through])
                        try trial.equal(batch.mark, expected, "the mark of a page of \(request)")
                        next = request.next(after: batch)
                    }
                }
            }
        }
        let empty = try await trial.store()
        try trial.equal(try await empty.read(.all).mark, .start, "the mark of a page of an empty store")
    }

    private static func readsCompareMarks(_ trial: Trial) async throws {
        let store = try await nine(trial)
        for query in queries {
            for mark in foreign {
                let requests = [
                    ReadRequest(query, after: .mark(mark), limit: 5),
                    ReadRequest(query, before: .mark(mark), direction: .backward, limit: 5),
                ]
                for request in requests {
                    let found = try await trial.refusal(StoreError.self, "\(request)") { try await store.read(request) }
                    try trial.equal(found.code, .storeChanged, "the code of the refusal of \(request)")
                    try trial.equal(found.outcome, .definite, "the outcome of the refusal of \(request)")
                }
            }
            for number in 0...9 {
                let plain = try await store.read(query, after: Position(UInt64(number)))
                let id: EventID? = number == 0 ? nil : .sample(number - 1)
                for mark in [id, nil].map({ EventMark(position: Position(UInt64(number)), id: $0) }) {
                    let page = try await store.read(query, resumingAfter: mark)
                    try trial.equal(page, plain, "a page of \(query) after the mark \(mark)")
                }
            }
        }
        let head = try await store.head(resumingAfter: EventMark(position: 3, id: .sample(2)))
        try trial.equal(head, EventMark(position: 9, id: .sample(8)), "the head after a mark")
    }

    private static func subscriptionsCompareMarks(_ trial: Trial) async throws {
        let store = try await nine(trial)
        for mark in foreign {
            let what = "a subscription after \(mark)"
            let found = try await trial.refusal(StoreError.self, what) {
                var batches = store.subscribe(resumingAfter: mark).makeAsyncIterator()
                return try await batches.next()
            }
            try trial.equal(found.code, .storeChanged, "the code of the end of \(what)")
        }
        var batches = store.subscribe(resumingAfter: EventMark(position: 7, id: .sample(6))).makeAsyncIterator()
        try trial.equal(try await batches.next()?.events.positions, [8, 9], "the events after a mark")
    }

    private static func conditionsCompareMarks(_ trial: Trial) async throws {
        let store = try await nine(trial)
        let third = AppendCondition.unchanged(.tags("third"), seen: EventMark(position: 4, id: .sample(3)))
        for query in queries {
            for mark in foreign {
                let what = "an append on \(query) as seen up to \(mark)"
                let condition = AppendCondition.unchanged(query, seen: mark)
                for condition in [condition, condition.and(.revision(77, of: "a-1")), third.and(condition)] {
                    let found = try await trial.refusal(StoreError.self, what) {
                        try await store.append(.sample(100..<102, to: "z-1", if: condition))
                    }
                    try trial.equal(found.code, .storeChanged, "the code of the refusal of \(what)")
                    try trial.equal(found.outcome, .definite, "the outcome of the refusal of \(what)")
                }
            }
        }
        try trial.equal(try await store.head(), 9, "the head after refused appends")
        let conflict = try await trial.refusal(AppendConflict.self, "a mark that is right, and a new event") {
            try await store.append(.sample(100..<101, to: "z-1", if: third))
        }
        try trial.equal(conflict.events.positions, [7], "the event after the mark that broke the condition")
        let right = AppendCondition.unchanged(.tags("third"), seen: EventMark(position: 7, id: .sample(6)))
        let receipt = try await store.append(.sample(100..<102, to: "z-1", if: right))
        let next = AppendCondition.unchanged(.all, seen: receipt.mark)
        try await store.append(.sample(102..<103, to: "z-1", if: next))
        try trial.equal(try await store.head(), 12, "the head after appends on marks that the log has")
    }

    private static func repeatsAreFound(_ trial: Trial) async throws {
        let store = try await nine(trial)
        let receipt = try await store.append(.sample(100..<102, to: "z-1"))
        for mark in foreign where mark.position < 10 || mark.position > 11 {
            let again = try await store.append(.sample(100..<102, to: "z-1", if: .unchanged(.all, seen: mark)))
            try trial.equal(again, receipt, "the receipt of a repeat on \(mark)")
        }
    }

    private static func marksConcernOneAppend(_ trial: Trial) async throws {
        let store = try await nine(trial)
        let wrong = AppendCondition.unchanged(.tags("none"), seen: EventMark(position: 4, id: .sample(4)))
        let right = AppendCondition.unchanged(.tags("none"), seen: EventMark(position: 4, id: .sample(3)))
        let stored = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let condition = number % 3 == 0 ? wrong : right
                    do {
                        try await store.append(.sample(200 + number..<201 + number, to: "z-1", if: condition))
                        return 1
                    } catch {
                        guard AppendError(error).failure?.code == .storeChanged, number % 3 == 0 else { throw error }
                        return 0
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        try trial.equal(stored, 40, "the number of appends that were stored in groups with rejected ones")
        try trial.equal(try await store.head(), 49, "the head after them")
    }
}
