import SillokCore

/// A store as it was when it ended at a position. What is appended to it is refused.
struct PastStore: ForwardingEventStore {
    let base: any EventStore
    let end: Position
    /// Called with the position up to which the log was read.
    var onPage: @Sendable (Position) -> Void = { _ in }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        throw .failed(
            StoreError(.readOnly, "this is the log as it was at \(end): nothing can be appended to the past."))
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        var bounded = request
        switch request.before {
        case nil: bounded.before = .position(end.next)
        case .position(let position): bounded.before = .position(min(position, end.next))
        case .mark(let mark) where mark.position > end.next: bounded.before = .position(end.next)
        case .mark: break
        case .time, .revision: break
        }
        let batch = try await base.read(bounded)
        let events = batch.events.filter { $0.position <= end }
        // Forwards, all events after the end are later still. Backwards, the removed events came first.
        let isCut = request.direction == .forward && events.count < batch.events.count
        let isBeyond = request.direction == .forward && batch.through > end
        let past = EventBatch(
            events: events, mark: isBeyond ? EventMark(position: end, id: nil) : batch.mark,
            isEnd: batch.isEnd || isCut, head: min(batch.head, end))
        onPage(past.through)
        return past
    }

    func head() async throws -> Position { min(try await base.head(), end) }

    func reach(_ position: Position, for query: EventQuery) async throws {
        if position <= end { return try await base.reach(position, for: query) }
        // It never comes: wait to be cancelled.
        while true { try await Task.sleep(for: .seconds(86_400)) }
    }

    func event(_ id: EventID) async throws -> RecordedEvent? {
        try await base.event(id).flatMap { $0.position <= end ? $0 : nil }
    }

    func stream(_ id: StreamID) async throws -> StreamFacts? {
        try await base.stream(id).flatMapAsync { try await past($0) }
    }

    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        var found: [StreamFacts] = []
        var last = name
        while found.count < limit {
            let page = try await base.streams(in: category, after: last, limit: limit)
            guard let next = page.last?.id else { break }
            for facts in page where found.count < limit {
                if let past = try await past(facts) { found.append(past) }
            }
            last = next
        }
        return found
    }

    func tracking(of source: TrackingSource) async throws -> Tracking? { nil }

    private func past(_ facts: StreamFacts) async throws -> StreamFacts? {
        if facts.lastPosition <= end { return facts }
        let request = ReadRequest(
            .stream(facts.id), before: .position(end.next), direction: .backward, limit: 1)
        guard let last = try await base.firstEvent(of: request) else { return nil }
        return StreamFacts(
            id: facts.id, revision: last.revision, lastPosition: last.position,
            firstRecordedAt: facts.firstRecordedAt, lastRecordedAt: last.recordedAt)
    }
}

extension Optional {
    fileprivate func flatMapAsync<Result>(
        _ transform: (Wrapped) async throws -> Result?
    ) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
