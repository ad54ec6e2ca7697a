import SillokCore

/// The contract in its plainest form: an array and loops, written apart from every store, to compare stores with.
///
/// Uses nothing of the library that decides anything: it matches queries, compares names and bounds pages itself.
struct ReferenceModel {
    var events: [RecordedEvent] = []
    var limits = Limits()
    /// The foreign events that were given, by the first position of the append.
    var trackedEvents: [Position: EventID] = [:]

    init(events: [RecordedEvent] = []) { self.events = events }

    var head: Position { Position(UInt64(events.count)) }

    // MARK: Appending

    /// What an append must answer.
    enum Outcome {
        case recorded(Receipt)
        case conflict(AppendConflict)
        /// The ids and the reasons that a conflict about an id may name.
        case knownIDs(Set<EventID>, Set<EventIDConflict.Reason>)
        case tracked(TrackingConflict)
        case invalid(InvalidRequest)
        case otherHistory
    }

    /// Whether the log ends before a mark, or has another event there.
    func isOfOtherHistory(_ mark: EventMark) -> Bool {
        if mark.position.value > head.value { return true }
        guard let id = mark.id else { return false }
        return events.first { $0.position.value == mark.position.value }?.data.id != id
    }

    mutating func append(_ request: AppendRequest, at now: Timestamp) -> Outcome {
        let ids = request.entries.map(\.event.id)
        for (index, id) in ids.enumerated() where ids[..<index].contains(id) {
            return .invalid(InvalidRequest(.repeatedID(id), index: index))
        }
        if let outcome = known(request) { return outcome }
        if request.condition.unchanged.contains(where: { isOfOtherHistory($0.seen) }) { return .otherHistory }
        if let conflict = broken(request.condition) { return .conflict(conflict) }
        if let tracking = request.tracking, let recorded = self.tracking(of: tracking.source)?.position,
            tracking.position <= recorded
        {
            return .tracked(TrackingConflict(given: tracking, recorded: recorded))
        }
        return record(request, at: now)
    }

    private func known(_ request: AppendRequest) -> Outcome? {
        let found = request.entries.map { entry in events.first { $0.data.id == entry.event.id } }
        if found.allSatisfy({ $0 == nil }) { return nil }
        var reasons: Set<EventIDConflict.Reason> = []
        for (index, entry) in request.entries.enumerated() {
            guard let recorded = found[index] else {
                reasons.insert(.partlyKnown)
                continue
            }
            if !sameFact(recorded, entry, request.tracking) { reasons.insert(.otherContents) }
            if index > 0, let before = found[index - 1], recorded.position.value != before.position.value + 1 {
                reasons.insert(.otherAppend)
            }
        }
        if !reasons.isEmpty { return .knownIDs(Set(found.compactMap { $0?.data.id }), reasons) }
        let recorded = found.compactMap(\.self)
        return .recorded(receipt(of: recorded))
    }

    private func sameFact(_ recorded: RecordedEvent, _ entry: AppendRequest.Entry, _ tracking: Tracking?) -> Bool {
        let (mine, theirs) = (recorded.data, entry.event)
        func facts(_ metadata: Metadata) -> [[UInt8]] {
            metadata.entries.filter { $0.key != "traceparent" }.flatMap { [Array($0.key.utf8), Array($0.value.utf8)] }
        }
        return bytes(recorded.stream?.text) == bytes(entry.stream?.text)
            && bytes(mine.type.text) == bytes(theirs.type.text)
            && mine.tags.map { bytes($0.text) } == theirs.tags.map { bytes($0.text) } && mine.payload == theirs.payload
            && bytes(mine.contentType.text) == bytes(theirs.contentType.text)
            && facts(mine.metadata) == facts(theirs.metadata)
            && bytes(recorded.tracking?.source.text) == bytes(tracking?.source.text)
            && recorded.tracking?.position == tracking?.position
    }

    private func broken(_ condition: AppendCondition) -> AppendConflict? {
        var streams: [StreamID: AppendConflict.RevisionMismatch] = [:]
        for (stream, expected) in condition.revisions {
            let actual = revision(of: stream)
            if actual != expected { streams[stream] = .init(expected: expected, actual: actual) }
        }
        var causes: [RecordedEvent] = []
        for event in events {
            var breaks = false
            for (stream, mismatch) in streams where bytes(event.stream?.text) == bytes(stream.text) {
                if event.revision.value > mismatch.expected.value { breaks = true }
            }
            for unchanged in condition.unchanged where event.position.value > unchanged.since.value {
                if matches(event, unchanged.query) { breaks = true }
            }
            if breaks { causes.append(event) }
        }
        if streams.isEmpty && causes.isEmpty { return nil }
        return AppendConflict(streams: streams, events: Array(causes.prefix(limits.conflictEvents)), head: head)
    }

    private mutating func record(_ request: AppendRequest, at now: Timestamp) -> Outcome {
        var added = self
        for (index, entry) in request.entries.enumerated() {
            let last = added.events.last?.recordedAt
            if let given = entry.recordedAt, let last, given < last {
                return .invalid(InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index))
            }
            var time = entry.recordedAt ?? now
            if let last, time < last { time = last }
            let revision = entry.stream.map { Revision(added.revision(of: $0).value + 1) } ?? Revision(0)
            added.events.append(
                RecordedEvent(
                    position: Position(UInt64(added.events.count + 1)), stream: entry.stream, revision: revision,
                    recordedAt: time,
                    tracking: request.tracking.map { Tracking(source: $0.source, position: $0.position) },
                    data: entry.event))
        }
        let new = Array(added.events[events.count...])
        self = added
        if let tracking = request.tracking, let event = tracking.event { trackedEvents[new[0].position] = event }
        return .recorded(receipt(of: new))
    }

    private func receipt(of recorded: [RecordedEvent]) -> Receipt {
        var revisions: [StreamID: Revision] = [:]
        for event in recorded {
            if let stream = event.stream { revisions[stream] = event.revision }
        }
        return Receipt(
            firstPosition: recorded.first?.position ?? 0,
            mark: EventMark(position: recorded.last?.position ?? 0, id: recorded.last?.data.id), revisions: revisions,
            recordedAt: recorded.last?.recordedAt ?? Timestamp(microsecondsSince1970: 0))
    }
}
