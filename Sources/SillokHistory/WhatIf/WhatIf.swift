import Sillok
public import SillokCore

extension Past {
    /// Folds the same events by two rules, and reports the states and sums that differ.
    ///
    /// ```swift
    /// let report = try await past.compare(Fees(rules: held), with: Fees(rules: proposed), over:
    /// .category("settlement"))
    /// ```
    /// Nothing is written anywhere. The two states of every key are in memory.
    /// - Parameters:
    ///   - was: the rule that was in use.
    ///   - would: the rule to try.
    ///   - query: which events: a stream, a category, a tag, or any other query.
    ///   - after: only events after this place are folded; with `nil` all events up to the end of the past log.
    ///   - key: returns the key of the state that an event changes, or `nil` for none; by default the event's stream.
    ///   - limit: the maximum number of differing keys in the report.
    ///   - progress: called with the progress; must not block.
    public func compare<Was: Fold, Would: Fold>(
        _ was: Was, with would: Would, over query: EventQuery = .all, after: ReadRequest.Bound? = nil,
        by key: @Sendable (RecordedEvent) -> StreamID? = { $0.stream ?? "" }, limit: Int = 100,
        progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> WhatIfReport {
        var comparison = Comparison<Was.State, Would.State>()
        let (wasCoding, wouldCoding) = (EventCoding<Was.Event>(), EventCoding<Would.Event>())
        let isSame = Was.Event.self == Would.Event.self
        let (first, second) = (wasCoding.schema.stored(query), wouldCoding.schema.stored(query))
        let stored = first == second ? first : first.or(second)
        comparison.report.events = try await forEach(stored, after, progress) { event in
            guard let key = key(event) else { return false }
            let index = comparison.index(of: key) { .init(was: was.initial, would: would.initial) }
            try wasCoding.forEach(of: event, for: query) { payload, type in
                let recorded = Recorded(event, type: type, payload: payload)
                // The same events need not be decoded twice.
                let other = isSame ? recorded as? Recorded<Would.Event> : nil
                comparison.evolve(index) { pair in
                    was.evolve(&pair.was, recorded)
                    if let other { would.evolve(&pair.would, other) }
                }
            }
            if isSame { return true }
            try wouldCoding.forEach(of: event, for: query) { payload, type in
                let recorded = Recorded(event, type: type, payload: payload)
                comparison.evolve(index) { would.evolve(&$0.would, recorded) }
            }
            return true
        }
        comparison.report.through = position
        comparison.finish(limit: limit)
        return comparison.report
    }

    /// Looks at each event of a query once, and counts those of which `body` says that they count.
    func forEach(
        _ query: EventQuery, _ after: ReadRequest.Bound?, _ progress: @escaping @Sendable (Position, Position) -> Void,
        _ body: (RecordedEvent) throws -> Bool
    ) async throws -> UInt64 {
        var events: UInt64 = 0
        let request = ReadRequest(query, after: after, limit: store.limits.pageEvents)
        for try await page in watched(progress).pages(request) {
            for event in page.events where try body(event) { events += 1 }
        }
        return events
    }
}
