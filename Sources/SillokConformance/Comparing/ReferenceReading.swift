import SillokCore

extension ReferenceModel {
    /// All events of a request in its order, without its limit.
    func matching(_ request: ReadRequest) -> [RecordedEvent] {
        let found = events.filter { event in
            matches(event, request.query) && isInside(event, after: request.after, before: request.before)
        }
        return request.direction == .forward ? found : Array(found.reversed())
    }

    func matches(_ event: RecordedEvent, _ query: EventQuery) -> Bool {
        for item in query.items {
            var fits = true
            if let stream = item.stream, bytes(stream.text) != bytes(event.stream?.text) { fits = false }
            if let category = item.category {
                let name = bytes(event.stream?.text)
                let part = name.map { Array($0.prefix { $0 != UInt8(ascii: "-") }) }
                if part != bytes(category.text) { fits = false }
            }
            if !item.types.isEmpty {
                if !item.types.map({ bytes($0.text) }).contains(bytes(event.data.type.text)) { fits = false }
            }
            for tag in item.tags where !event.data.tags.map({ bytes($0.text) }).contains(bytes(tag.text)) {
                fits = false
            }
            if fits { return true }
        }
        return false
    }

    func isInside(_ event: RecordedEvent, after: ReadRequest.Bound?, before: ReadRequest.Bound?) -> Bool {
        switch after {
        case .position(let place)?: if event.position.value <= place.value { return false }
        case .mark(let mark)?: if event.position.value <= mark.position.value { return false }
        case .revision(let place)?: if event.revision.value <= place.value { return false }
        case .time(let time)?: if event.recordedAt.microsecondsSince1970 <= time.microsecondsSince1970 { return false }
        case nil: break
        }
        switch before {
        case .position(let place)?: return event.position.value < place.value
        case .mark(let mark)?: return event.position.value < mark.position.value
        case .revision(let place)?: return event.revision.value < place.value
        case .time(let time)?: return event.recordedAt.microsecondsSince1970 < time.microsecondsSince1970
        case nil: return true
        }
    }

    func revision(of stream: StreamID) -> Revision {
        Revision(UInt64(events.count { bytes($0.stream?.text) == bytes(stream.text) }))
    }

    func facts(of stream: StreamID) -> StreamFacts? {
        let own = events.filter { bytes($0.stream?.text) == bytes(stream.text) }
        guard let first = own.first, let last = own.last else { return nil }
        return StreamFacts(
            id: stream, revision: Revision(UInt64(own.count)), lastPosition: last.position,
            firstRecordedAt: first.recordedAt, lastRecordedAt: last.recordedAt)
    }

    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) -> [StreamFacts] {
        var names: [[UInt8]] = []
        for event in events {
            guard let text = event.stream?.text, let stream = bytes(text), !names.contains(stream) else { continue }
            if let category, Array(stream.prefix { $0 != UInt8(ascii: "-") }) != bytes(category.text) { continue }
            if let name = bytes(name?.text), !name.lexicographicallyPrecedes(stream) { continue }
            names.append(stream)
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }.prefix(limit).compactMap {
            facts(of: StreamID(String(decoding: $0, as: UTF8.self)))
        }
    }

    func tracking(of source: TrackingSource) -> Tracking? {
        var found: Tracking?
        for event in events {
            guard let tracking = event.tracking, bytes(tracking.source.text) == bytes(source.text),
                found.map({ $0.position < tracking.position }) ?? true
            else { continue }
            found = Tracking(
                source: source, position: tracking.position, event: trackedEvents[event.position])
        }
        return found
    }

    func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }
}

extension ReferenceModel {
    /// What is wrong with a page, if anything.
    ///
    /// The events must be exactly those that match, as many as the limit and the page's bytes allow.
    /// `EventBatch.through` may be any place up to which no further match lies; at the end of a read without an upper
    /// bound it is the head. Where the limits leave a page few steps it may end early, but not without progress.
    func fault(of batch: EventBatch, answering request: ReadRequest) -> String? {
        let all = matching(request)
        if batch.head != head { return "the head is \(head), the page says \(batch.head)" }
        let expected = Array(all.prefix(request.limit))
        if batch.events != Array(expected.prefix(batch.events.count)) {
            return "expected the positions \(expected.positions), found \(batch.events.positions)"
                + (batch.events.positions == expected.prefix(batch.events.count).map(\.position.value)
                    ? " with other contents: \(abbreviated(batch.events))" : "")
        }
        let rest = Array(all[batch.events.count...])
        let endsEarly = !batch.isEnd && limits.pageSteps < Limits().pageSteps
        if endsEarly, let fault = stillFault(batch, request) { return fault }
        if batch.isEnd != rest.isEmpty && !endsEarly {
            return "the page says that it is \(batch.isEnd ? "" : "not ")the end, and \(rest.count) more match"
        }
        if batch.events.count < expected.count && !endsEarly {
            let size = batch.events.reduce(0) { $0 + $1.data.size }
            if batch.events.isEmpty || size < limits.pageBytes {
                return "expected the positions \(expected.positions), found only \(batch.events.positions)"
            }
        }
        let id = events.first { $0.position.value == batch.through.value }?.data.id
        if batch.mark.id != id { return "the mark of the page is \(batch.mark), the event there is \(id as Any)" }
        return request.direction == .forward ? forwardFault(batch, request) : backwardFault(batch, rest)
    }

    /// What is wrong with a page that ended early and has no events, if anything: it must have looked somewhere.
    private func stillFault(_ batch: EventBatch, _ request: ReadRequest) -> String? {
        guard batch.events.isEmpty else { return nil }
        let isStill =
            request.direction == .forward
            ? request.after?.position.map { batch.through <= $0 } ?? false
            : request.before?.position.map { batch.through >= $0 } ?? false
        return isStill ? "the page is empty and its through is \(batch.through): the next page is the same one" : nil
    }

    private func forwardFault(_ batch: EventBatch, _ request: ReadRequest) -> String? {
        var open = request
        open.before = nil
        let next = matching(open).dropFirst(batch.events.count).first?.position
        if let last = batch.events.last, batch.through < last.position {
            return "through is \(batch.through), before the last event \(last.position) of the page"
        }
        if let next, batch.through >= next {
            return "through is \(batch.through), but the event at \(next) matches and was not delivered"
        }
        if batch.through > head { return "through is \(batch.through), beyond the head \(head)" }
        if batch.isEnd && request.before == nil && batch.through != head {
            return "through is \(batch.through) and not the head \(head), though nothing more matches"
        }
        return nil
    }

    private func backwardFault(_ batch: EventBatch, _ rest: [RecordedEvent]) -> String? {
        if let last = batch.events.last, batch.through > last.position {
            return "through is \(batch.through), after the last event \(last.position) of the page"
        }
        if let next = rest.first, batch.through <= next.position {
            return "through is \(batch.through), but the event at \(next.position) matches and was not delivered"
        }
        return nil
    }
}

extension Trial {
    /// Fails unless a page is what the reference model says.
    func expectPage(
        _ batch: EventBatch, of request: ReadRequest, in reference: ReferenceModel, limits: Limits
    ) throws {
        var reference = reference
        reference.limits = limits
        if let fault = reference.fault(of: batch, answering: request) {
            throw failure("\(Operation.read(request)): \(fault)")
        }
    }
}
