import Sillok

extension MisbehavingStore {
    func read(_ request: ReadRequest) async throws -> EventBatch {
        let batch = try await base.read(wrong(request))
        return wrong(batch, request)
    }

    /// The request as the bug understands it.
    private func wrong(_ request: ReadRequest) -> ReadRequest {
        var request = request
        switch bug {
        case .joinsTagsWithOr:
            request.query.items = request.query.items.flatMap { item in
                item.tags.count < 2
                    ? [item]
                    : item.tags.map { tag in
                        var single = item
                        single.tags = [tag]
                        return single
                    }
            }
        case .ignoresTypesWhenThereAreTags:
            for index in request.query.items.indices where !request.query.items[index].tags.isEmpty {
                request.query.items[index].types = []
            }
        case .readsBackwardsWithTheBound:
            if request.direction == .backward, let bound = request.before?.position {
                request.before = .position(bound.next)
            }
        case .mergesNamesThatLookTheSame: request.query = request.query.merged
        default: break
        }
        return request
    }

    /// The page as the bug shows it.
    private func wrong(_ batch: EventBatch, _ request: ReadRequest) -> EventBatch {
        var (events, through, isEnd) = (batch.events.map(shown), batch.through, batch.isEnd)
        let isForward = request.direction == .forward
        switch bug {
        case .leavesThroughBehindAtTheEnd where isEnd && isForward:
            if let last = events.last { through = last.position }
        case .skipsOneAtPageEnds where !isEnd: through = isForward ? through.next : through.previous
        case .repeatsOneAtPageEnds where !isEnd && events.count > 1:
            through = isForward ? through.previous : through.next
        case .readsBackwardsUnsorted where !isForward: events.reverse()
        case .saysTheEndTooEarly where events.count == request.limit: isEnd = true
        case .announcesEventsBeforeTheyAreVisible:
            let hidden = state.withLock { $0.hidden }
            events.removeAll { hidden.contains($0.position) }
        default: break
        }
        let id = through == batch.through ? batch.mark.id : events.first { $0.position == through }?.id
        return EventBatch(
            events: events, mark: EventMark(position: through, id: id), isEnd: isEnd, head: batch.head)
    }

    /// An event as the bug shows it.
    func shown(_ event: RecordedEvent) -> RecordedEvent {
        guard bug == .letsTimeRunBackwards, let time = state.withLock({ $0.times[event.position] }) else {
            return event
        }
        return RecordedEvent(
            position: event.position, stream: event.stream, revision: event.revision, recordedAt: time,
            tracking: event.tracking, data: event.data)
    }
}

extension EventQuery {
    var merged: EventQuery {
        EventQuery(
            items.map { item in
                EventQuery.Item(
                    stream: item.stream?.merged, category: item.category?.merged, types: item.types.map(\.merged),
                    tags: item.tags.map(\.merged))
            })
    }
}
