public import SillokCore
import SillokTesting

extension OperationalChecks {
    /// Runs SUB-7: subscribers of other streams and of another category are idle while one stream is written and
    /// followed.
    ///
    /// Broken promises: an idle subscriber reads because others append, or misses the event that it waits for.
    /// - Parameters:
    ///   - subscribers: the number of subscribers.
    ///   - appends: the number of appends.
    ///   - writer: the store that appends the events; with `nil` the checked store. It must append to the same log.
    ///   - timeout: the longest time to wait for the subscribers.
    public func idle(
        subscribers: Int = 50, appends: Int = 100, writer: (any EventStore)? = nil, timeout: Duration = .seconds(180)
    ) async throws -> OperationalReport {
        try await report("SUB-7 \(subscribers) idle subscribers during \(appends) appends") {
            let begin = ContinuousClock.now
            let elapsed = { begin.duration(to: .now) }
            let (run, counted, writer) = (fresh("idle"), CountingStore(store), writer ?? store)
            let busy = StreamID(StreamCategory(run), "busy")
            let streams = (0..<subscribers).map { StreamID(StreamCategory("\(run)\($0)"), "1") }
            let queries = streams.enumerated().map { number, stream in
                number == 0 ? EventQuery.category(stream.category) : .stream(stream)
            }
            let isIdle: @Sendable (EventQuery) -> Bool = { queries.contains($0) }
            let after = try await writer.append([EventData(type: "first", text: "{}")], to: busy).position
            let waiting = queries.map { query in Task { try await first(of: query, after: after, in: counted) } }
            defer { for task in waiting { task.cancel() } }
            try await within(timeout) {
                while counted.waits(where: isIdle) < subscribers { try await Task.sleep(for: .milliseconds(1)) }
            }
            try await write(appends, to: busy, after: after, writer, followedBy: counted, timeout)
            let reads = counted.reads(where: isIdle)
            let entries = streams.map { AppendRequest.Entry(stream: $0, event: EventData(type: "last", text: "{}")) }
            try await writer.append(AppendRequest(entries))
            let found = try await within(timeout) {
                var found = 0
                for task in waiting where try await task.value { found += 1 }
                return found
            }
            var violations: [String] = []
            // A busy machine may end waits by their timeouts. A store that wakes all reads at each append.
            let allowed = 4 + Int(elapsed().components.seconds) / 2
            if reads > allowed * subscribers { violations.append("idle subscribers read \(reads) times") }
            if found < subscribers { violations.append("\(subscribers - found) idle subscribers missed their event") }
            return (
                [("subscribers", subscribers), ("appends", appends), ("reads", reads), ("found", found)], violations
            )
        }
    }

    /// Appends events one by one, each when a subscriber has seen the one before.
    private func write(
        _ count: Int, to stream: StreamID, after position: Position, _ writer: any EventStore,
        followedBy store: CountingStore, _ timeout: Duration
    ) async throws {
        try await within(timeout) {
            var events = store.subscribe(to: .stream(stream), after: position, pollInterval: .seconds(600))
                .events.makeAsyncIterator()
            for _ in 0..<count {
                let receipt = try await writer.append([EventData(type: "next", text: "{}")], to: stream)
                while let event = try await events.next(), event.position < receipt.position {}
            }
        }
    }

    /// Whether the first event of a query came.
    private func first(of query: EventQuery, after position: Position, in store: CountingStore) async throws -> Bool {
        for try await _ in store.subscribe(to: query, after: position, pollInterval: .seconds(600)).events {
            return true
        }
        return false
    }
}
