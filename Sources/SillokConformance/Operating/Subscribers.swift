import SillokCore
import SillokTesting

extension OperationalChecks {
    /// The query of one subscriber and the events that it received.
    private struct Delivery: Sendable {
        let query: EventQuery
        let after: Position
        let events: [RecordedEvent]
    }

    /// Runs SUB-1: subscribers start at random positions with random filters, while writers append.
    ///
    /// Some of them stop and resume from the last `EventBatch.through`. Broken promises: an event that was missed,
    /// that came twice, or out of order.
    public func subscribe(
        subscribers: Int = 200, writers: Int = 8, appendsPerWriter: Int = 50
    ) async throws -> OperationalReport {
        try await report("SUB-1 \(subscribers) subscribers during the appends of \(writers) writers") {
            let run = fresh("sub")
            let start = try await store.head()
            let end = Position(start.value + UInt64(writers * appendsPerWriter * 2))
            async let written: [Void] = together(writers) { writer in
                try await write(writer, appends: appendsPerWriter, run: run)
            }
            let deliveries = try await together(subscribers) { number in
                try await follow(number, to: end, after: start, run: run)
            }
            _ = try await written
            var log: [RecordedEvent] = []
            for try await batch in store.pages(.all) { log += batch.events }
            return verdict(deliveries, log, end: end)
        }
    }

    private func verdict(
        _ deliveries: [Delivery], _ log: [RecordedEvent], end: Position
    ) -> (counts: [(name: String, value: Int)], violations: [String]) {
        let reference = ReferenceModel(events: log)
        var (missed, twice, disorder, delivered) = (0, 0, 0, 0)
        var violations: [String] = []
        for delivery in deliveries {
            let expected = log.filter {
                $0.position > delivery.after && $0.position <= end && reference.matches($0, delivery.query)
            }
            let found = delivery.events.filter { $0.position <= end }
            delivered += found.count
            if found == expected { continue }
            let positions = found.map(\.position)
            let distinct = Set(positions)
            missed += Set(expected.map(\.position)).subtracting(distinct).count
            twice += positions.count - distinct.count
            if positions != positions.sorted() { disorder += 1 }
            violations.append(
                "\(delivery.query) after \(delivery.after): expected \(expected.count) events, found \(found.count)")
        }
        return (
            [
                ("subscribers", deliveries.count), ("delivered", delivered), ("missed", missed), ("twice", twice),
                ("out of order", disorder),
            ], violations
        )
    }

    private func write(_ writer: Int, appends: Int, run: String) async throws {
        for step in 0..<appends {
            let events = (0..<2).map { number in
                EventData(
                    type: number == 0 ? "first" : "second", tags: [EventTag(run, "\((step + number) % 5)")], text: "{}")
            }
            try await store.append(events, to: StreamID(StreamCategory(run), "\(writer)"))
        }
    }

    private func follow(_ number: Int, to end: Position, after start: Position, run: String) async throws -> Delivery {
        var random = random(number)
        let queries: [EventQuery] = [
            .all, .category(StreamCategory(run)), .stream(StreamID(StreamCategory(run), "0")),
            .tags(EventTag(run, "1")),
            .types("second"),
            .tags(EventTag(run, "2")).of("first").or(.stream(StreamID(StreamCategory(run), "1"))),
            .tags(EventTag(run, "none")),
        ]
        let query = random.pick(queries, or: .all)
        let threshold = UInt64.random(in: start.value...end.value - 1, using: &random)
        if random.once(in: 2) { try await wait(for: Position(threshold)) }
        let after = Position(UInt64.random(in: start.value...(try await store.head()).value, using: &random))
        var (through, events): (Position, [RecordedEvent]) = (after, [])
        while through < end {
            var batches = store.subscribe(to: query, after: through, pollInterval: .milliseconds(100))
                .makeAsyncIterator()
            let stopEarly = random.once(in: 3) ? Int.random(in: 1...5, using: &random) : Int.max
            var taken = 0
            while through < end, taken < stopEarly, let batch = try await batches.next() {
                events += batch.events
                through = batch.through
                taken += 1
            }
        }
        return Delivery(query: query, after: after, events: events)
    }

    /// Returns when the head has reached a position.
    private func wait(for position: Position) async throws {
        while try await store.head() < position { try await store.reach(position) }
    }
}
