import SillokCore

extension EventStoreSuite {
    static let pageChecks = [
        Check("pages of any size join to the whole, in both directions", pagesJoin),
        Check("a page that holds the last event says that it is the end", pageEnds),
        Check("through rises over events that do not match", throughRises),
        Check("a page ends at its bytes", pageBytes),
        Check("pages end at the head that the first one saw", pagesEndAtFirstHead),
        Check("a page is a consistent snapshot while others append", consistentPages),
    ]

    private static func mixed(_ trial: Trial, count: Int) async throws -> any EventStore {
        let store = try await trial.store()
        for number in 0..<count {
            try await store.append(
                [.sample(number, tags: number.isMultiple(of: 3) ? ["third"] : [])], to: number % 4 == 0 ? "a-1" : "b-1")
        }
        return store
    }

    private static func pagesJoin(_ trial: Trial) async throws {
        let count = 13
        let store = try await mixed(trial, count: count)
        let reference = ReferenceModel(events: try await trial.log(of: store))
        for query in [EventQuery.all, .stream("a-1"), .tags("third"), .category("b").or(.tags("third"))] {
            for direction in [ReadRequest.Direction.forward, .backward] {
                for limit in 1...count + 1 {
                    let request = ReadRequest(query, direction: direction, limit: limit)
                    var found: [RecordedEvent] = []
                    var next: ReadRequest? = request
                    while let current = next {
                        let batch = try await store.read(current)
                        try trial.expectPage(batch, of: current, in: reference, limits: store.limits)
                        found += batch.events
                        next = current.next(after: batch)
                        try trial.expect(found.count <= count, "pages of \(limit) of \(query) \(direction) do not end")
                    }
                    let expected = reference.matching(request)
                    try trial.equal(
                        found.positions, expected.positions, "pages of \(limit) of \(query) \(direction), joined")
                }
            }
        }
    }

    private static func pageEnds(_ trial: Trial) async throws {
        let store = try await mixed(trial, count: 9)
        for direction in [ReadRequest.Direction.forward, .backward] {
            for limit in 1...10 {
                let batch = try await store.read(ReadRequest(.all, direction: direction, limit: limit))
                try trial.equal(batch.events.count, min(limit, 9), "the events of a page of \(limit) of 9")
                try trial.equal(batch.isEnd, limit >= 9, "whether a page of \(limit) of 9 is the end")
                try trial.equal(batch.head, 9, "the head in a page")
            }
        }
    }

    private static func throughRises(_ trial: Trial) async throws {
        let store = try await mixed(trial, count: 10)
        let none = try await store.read(.tags("none"))
        let empty = EventBatch(events: [], mark: EventMark(position: 10, id: .sample(9)), isEnd: true, head: 10)
        try trial.equal(none, empty, "a page without a match")
        let third = try await store.read(.tags("third"), limit: 1)
        try trial.equal(third.events.positions, [1], "the first match")
        try trial.expect((1...3).contains(third.through.value), "through is \(third.through), not in 1…3")
        let last = try await store.read(.stream("a-1"), after: 9)
        try trial.equal(last, empty, "a page after the last match")
        let bounded = try await store.read(ReadRequest(.tags("third"), before: .position(6)))
        try trial.equal(bounded.events.positions, [1, 4], "the matches before position 6")
        try trial.expect(
            (4...6).contains(bounded.through.value),
            "through is \(bounded.through) in a read before position 6: a reader that resumes there misses position 7")
    }

    private static func pageBytes(_ trial: Trial) async throws {
        var limits = Limits()
        limits.pageBytes = 4096
        let store = try await trial.store(limits: limits)
        let size = min(store.limits.payloadBytes, max(1, store.limits.pageBytes / 4 + 1))
        let text = String(repeating: "x", count: size)
        for number in 0..<10 { try await store.append([.sample(number, text: text)], to: "a-1") }
        let reference = ReferenceModel(events: try await trial.log(of: store))
        for direction in [ReadRequest.Direction.forward, .backward] {
            let request = ReadRequest(.all, direction: direction, limit: 10)
            let batch = try await store.read(request)
            try trial.expect(batch.events.count < 10, "a page holds \(batch.events.count) events of \(size) bytes")
            try trial.expectPage(batch, of: request, in: reference, limits: store.limits)
        }
        limits.pageBytes = 1
        let narrow = try await trial.store(limits: limits)
        for number in 0..<3 { try await narrow.append([.sample(number)], to: "a-1") }
        var positions: [[UInt64]] = []
        for try await batch in narrow.pages(.all) { positions.append(batch.events.positions) }
        guard narrow.limits.pageBytes == 1 else { return }
        try trial.equal(positions, [[1], [2], [3]], "pages of one byte, which hold one event each")
    }

    private static func pagesEndAtFirstHead(_ trial: Trial) async throws {
        let store = try await mixed(trial, count: 6)
        var found: [RecordedEvent] = []
        var through = Position.start
        for try await batch in store.pages(ReadRequest(.all, limit: 2)) {
            found += batch.events
            through = batch.through
            try await store.append(.sample(100 + Int(through.value)..<101 + Int(through.value)))
            try trial.expect(found.count <= 6, "pages do not end while others append")
        }
        try trial.equal(found.positions, [1, 2, 3, 4, 5, 6], "the events up to the head that the first page saw")
        try trial.equal(through, 6, "through of the last page, from which a subscriber continues")
    }

    private static func consistentPages(_ trial: Trial, _ store: any EventStore) async throws {
        let (writers, each) = (4, 40)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for step in 0..<each {
                        try await store.append(
                            [.sample(writer * 1000 + step, tags: step % 2 == 0 ? ["even"] : [])],
                            to: StreamID("w", "\(writer)"))
                    }
                }
            }
            for query in [EventQuery.all, .tags("even"), .stream("w-1"), .category("w").of("noted")] {
                group.addTask {
                    var pages: [(after: Position, batch: EventBatch)] = []
                    var after = Position.start
                    while after < Position(UInt64(writers * each)) {
                        let batch = try await store.read(query, after: after, limit: 7)
                        try trial.expect(batch.through >= after, "through falls from \(after) to \(batch.through)")
                        try trial.expect(
                            batch.through <= batch.head, "through \(batch.through) is beyond \(batch.head)")
                        if batch.through > after { pages.append((after, batch)) }
                        after = batch.through
                        await Task.yield()
                    }
                    let positions = pages.flatMap(\.batch.events.positions)
                    let now = try await trial.log(of: store, query).positions
                    try trial.equal(
                        positions, now,
                        "the events that a reader of \(query) saw, compared with the events that are there now")
                }
            }
            try await group.waitForAll()
        }
        try trial.expectGapless(try await trial.log(of: store))
    }
}
