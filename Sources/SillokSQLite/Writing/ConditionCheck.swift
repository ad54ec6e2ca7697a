import SillokCore

/// Whether the condition of an append holds at the head of the log.
struct ConditionCheck {
    let reader: EventReader
    let head: Int64
    let revision: (StreamID) throws -> Int64

    init(reader: EventReader, head: Int64, revision: @escaping (StreamID) throws -> Int64) {
        self.reader = reader
        self.head = head
        self.revision = revision
    }

    /// Throws an ``AppendConflict`` unless the condition holds, and ``StoreError/Code/storeChanged`` if it was
    /// decided on another history.
    func check(_ condition: AppendCondition) throws {
        for unchanged in condition.unchanged { try reader.check(unchanged.seen, head) }
        let streams = try mismatches(condition.revisions)
        let broken = try condition.unchanged.filter { try firstMatch($0) != nil }
        if streams.isEmpty && broken.isEmpty { return }
        throw AppendConflict(
            streams: streams, events: try causes(streams, broken), head: Position(UInt64(head)))
    }

    private func mismatches(
        _ expected: [StreamID: Revision]
    ) throws -> [StreamID: AppendConflict.RevisionMismatch] {
        var found: [StreamID: AppendConflict.RevisionMismatch] = [:]
        for (stream, expected) in expected {
            let actual = Revision(UInt64(try revision(stream)))
            if actual != expected { found[stream] = .init(expected: expected, actual: actual) }
        }
        return found
    }

    private func firstMatch(_ unchanged: AppendCondition.Unchanged) throws -> Int64? {
        let bound = Int64(clamping: unchanged.since.value).addingSaturated(1)
        guard bound <= head else { return nil }
        let match = try QueryPlan(unchanged.query, .forward, reader.index, reader.names).seek(bound)
        return match.flatMap { $0 <= head ? $0 : nil }
    }

    /// The first of the events that broke the condition, in the order of the log.
    private func causes(
        _ streams: [StreamID: AppendConflict.RevisionMismatch], _ broken: [AppendCondition.Unchanged]
    ) throws -> [RecordedEvent] {
        var walks: [Walk] = []
        for (stream, mismatch) in streams {
            let plan = try QueryPlan(.stream(stream), .forward, reader.index, reader.names)
            guard let number = try reader.names.number(.stream, stream.text) else { continue }
            let expected = Int64(clamping: mismatch.expected.value)
            let mark = try reader.positionNotAfter(revision: expected, of: number)
            walks.append(Walk(plan: plan, bound: mark + 1, after: mismatch.expected))
        }
        for unchanged in broken {
            let plan = try QueryPlan(unchanged.query, .forward, reader.index, reader.names)
            walks.append(Walk(plan: plan, bound: Int64(clamping: unchanged.since.value).addingSaturated(1), after: nil))
        }
        return reader.limits.shownInConflict(MergedWalks(walks: walks, reader: reader, head: head))
    }
}

/// A plan and how far it has been walked.
private struct Walk {
    let plan: QueryPlan
    var bound: Int64
    /// Only events after this revision count.
    let after: Revision?
}

/// The events of several walks in the order of the log, each once.
private struct MergedWalks: Sequence, IteratorProtocol {
    var walks: [Walk]
    let reader: EventReader
    let head: Int64

    init(walks: [Walk], reader: EventReader, head: Int64) {
        self.walks = walks
        self.reader = reader
        self.head = head
    }

    /// The next event; a walk that cannot be read ends, since a conflict is certain already.
    mutating func next() -> RecordedEvent? {
        while true {
            var best: Int64?
            for walk in walks {
                guard let position = try? walk.plan.seek(walk.bound), position <= head else { continue }
                best = Swift.min(best ?? .max, position)
            }
            guard let best, let event = try? reader.event(at: best) else { return nil }
            var counts = false
            for index in walks.indices {
                guard let position = try? walks[index].plan.seek(walks[index].bound), position == best else { continue }
                counts = counts || (walks[index].after.map { event.revision > $0 } ?? true)
                walks[index].bound = best + 1
            }
            if counts { return event }
        }
    }
}
