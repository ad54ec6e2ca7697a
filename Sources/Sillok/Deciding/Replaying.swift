package import SillokCore

// From the stored events to states. Loading again reads only new events.
extension Subjects {
    /// Reads the new events, up to the head or to the event before `end`.
    ///
    /// - Parameter isLazy: whether to skip states that are usable before the log is read.
    package mutating func load(
        from store: any EventStore, coding: EventCoding<D.Event>, before end: ReadRequest.Bound? = nil,
        unlessUsable isLazy: Bool = false
    ) async throws {
        for index in groups.indices {
            if isLazy, !groups[index].isRead, groups[index].isUsableUnread { continue }
            if try await !read(index, from: store, coding: coding, before: end) {
                restart(index)
                _ = try await read(index, from: store, coding: coding, before: end)
            }
        }
    }

    /// Reads the new events of a group. Returns `false` if the log does not have the last event of its start.
    ///
    /// That event is read once more, because it must still be in the log.
    private mutating func read(
        _ index: Int, from store: any EventStore, coding: EventCoding<D.Event>, before end: ReadRequest.Bound?
    ) async throws -> Bool {
        let group = groups[index]
        var expected = group.isRead ? nil : all[group.members.lowerBound].place
        let after = expected.map { ReadRequest.Bound.position($0.position.previous) } ?? .mark(group.through)
        let request = ReadRequest(
            group.read, after: after.position == .start ? nil : after, before: end, limit: store.limits.pageEvents)
        let isNarrowed = group.stored != group.read
        var head: Position?
        var through = group.through
        for try await page in store.pages(request) {
            head = head ?? page.head
            through = page.mark
            for event in page.events {
                if let known = expected {
                    guard event.id == known.id, event.position == known.position else { return false }
                    expected = nil
                    continue
                }
                if isNarrowed && !group.stored.matches(event) { continue }
                try take(event, of: group, coding)
                count(event.stream)
                pass(event.stream, event.position, event.id, event.recordedAt)
            }
        }
        if expected != nil { return false }
        groups[index].isRead = true
        groups[index].through =
            head.map { through.position == $0 ? through : EventMark(position: $0, id: nil) } ?? through
        return true
    }

    /// Applies a stored event to the states of a group.
    private mutating func take(_ event: RecordedEvent, of group: Group, _ coding: EventCoding<D.Event>) throws {
        do {
            // Of an event that was split, the parts of other deciders are no part of a boundary that names no types.
            let ignoresForeign = !isOfStreams && group.stored != group.read
            try coding.forEach(of: event, for: group.query, ignoringUnknown: ignoresForeign) { payload, type in
                evolve(payload, stream: event.stream, type: type, tags: event.tags, in: group.members)
            }
        } catch var error as UnknownEventType {
            error.decider = readableName(D.self)
            throw error
        }
    }

    /// Goes back to before the first event, because the log does not have the start of a group.
    private mutating func restart(_ group: Int) {
        for index in groups[group].members {
            refuted[index] = all[index].place
            let subject = all[index]
            all[index] = subject.stream.map { Subject(stream: $0) } ?? Subject(boundary: subject.query)
        }
        groups[group].isRead = true
        groups[group].through = .start
    }
}
