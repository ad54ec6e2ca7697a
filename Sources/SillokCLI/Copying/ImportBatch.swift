import Sillok
import SillokCloudEvents

/// Events that are appended together, and their lines: of one store, whose progress is tracked, or of
/// any producers, whose events are known by their own identity.
struct ImportBatch: Sendable {
    private(set) var source: TrackingSource?
    private(set) var former: [Int: EventData] = [:]
    private(set) var entries: [AppendRequest.Entry] = []
    private(set) var lines: [UInt64] = []
    private(set) var positions: [UInt64?] = []
    private var bytes = 0
    private var ids: Set<EventID> = []

    var isEmpty: Bool { entries.isEmpty }

    /// Adds an event, unless the batch must go first: it is full, of another source, or has the same id.
    ///
    /// Where a batch ends depends on the lines alone, so that a second run makes the same batches.
    mutating func add(_ event: CloudEvent, line: UInt64, limits: Limits) -> Bool {
        let size = event.entry.event.size + (event.entry.stream?.text.utf8.count ?? 0)
        if !isEmpty {
            guard source == event.trackingSource, entries.count < limits.batchEvents, bytes + size <= limits.batchBytes,
                !ids.contains(event.entry.event.id)
            else { return false }
        }
        source = event.trackingSource
        if let event = event.former { former[entries.count] = event }
        entries.append(event.entry)
        lines.append(line)
        positions.append(event.position)
        ids.insert(event.entry.event.id)
        bytes += size
        return true
    }
}

/// What became of a batch.
struct ImportOutcome: Sendable {
    /// Events that were recorded.
    var imported: UInt64 = 0
    /// Events that had been recorded before.
    var known: UInt64 = 0
    /// Whether every event of the batch has the position that its line says, if it says one.
    var keepsPositions = true
}

/// A line that could not be imported, and why.
struct ImportFailure: Error {
    let line: UInt64
    let cause: any Error
}

extension EventStore {
    /// Records the new events of a batch, exactly once: events that were recorded before are recognized by their ids.
    func record(_ batch: ImportBatch) async throws -> ImportOutcome {
        guard let first = batch.entries.first, let last = batch.entries.last else { return ImportOutcome() }
        let (knownFirst, knownLast) = (try await event(first.event.id), try await event(last.event.id))
        if let knownFirst, let knownLast, knownFirst.tracking != nil, knownFirst.tracking == knownLast.tracking,
            knownLast.position.value == knownFirst.position.value + UInt64(batch.entries.count - 1)
        {
            try batch.check(knownFirst, at: 0)
            try batch.check(knownLast, at: batch.entries.count - 1)
            return ImportOutcome(
                known: UInt64(batch.entries.count), keepsPositions: batch.keepsPosition(0, knownFirst.position))
        }
        if knownFirst == nil && knownLast == nil && batch.former.isEmpty {
            do {
                return try await append(batch, Array(batch.entries.indices))
            } catch let failure as ImportFailure where failure.cause is EventIDConflict {
                // Some in the middle are known: look at each.
            }
        }
        return try await appendUnknown(batch)
    }

    private func appendUnknown(_ batch: ImportBatch) async throws -> ImportOutcome {
        var unknown: [Int] = []
        var keepsPositions = true
        for (index, entry) in batch.entries.enumerated() {
            if let known = try await event(entry.event.id) {
                try batch.check(known, at: index)
                keepsPositions = keepsPositions && batch.keepsPosition(index, known.position)
            } else if let former = batch.former[index], let known = try await event(former.id),
                known.stream == entry.stream, known.data.isSameFact(as: former)
            {
                keepsPositions = keepsPositions && batch.keepsPosition(index, known.position)
            } else {
                unknown.append(index)
            }
        }
        var outcome = unknown.isEmpty ? ImportOutcome() : try await append(batch, unknown)
        outcome.known = UInt64(batch.entries.count - unknown.count)
        outcome.keepsPositions = outcome.keepsPositions && keepsPositions
        return outcome
    }

    /// Appends some entries of a batch. Those before one that is refused are recorded first.
    private func append(_ batch: ImportBatch, _ chosen: [Int]) async throws -> ImportOutcome {
        guard let first = chosen.first, let last = chosen.last else { return ImportOutcome() }
        var tracking: Tracking?
        if let source = batch.source {
            let tracked = try await self.tracking(of: source)?.position ?? 0
            let next = tracked.addingReportingOverflow(1).partialValue
            tracking = Tracking(source: source, position: max(batch.positions[last] ?? batch.lines[last], next))
        }
        do {
            let receipt = try await append(AppendRequest(chosen.map { batch.entries[$0] }, tracking: tracking))
            let isKept = zip(chosen, receipt.firstPosition.value...).allSatisfy {
                batch.keepsPosition($0, Position($1))
            }
            return ImportOutcome(imported: UInt64(chosen.count), keepsPositions: isKept)
        } catch {
            switch error {
            case .invalid(let invalid):
                let index = invalid.index ?? 0
                if index > 0 { _ = try await append(batch, Array(chosen[..<index])) }
                throw ImportFailure(line: batch.lines[chosen[index]], cause: InvalidRequest(invalid.reason))
            case .knownID(let conflict): throw ImportFailure(line: batch.lines[first], cause: conflict)
            case .conflict, .tracking, .refused, .failed: throw error
            }
        }
    }
}

extension CloudEvent {
    /// What an import tracks the progress of; `nil` for an event of a producer that is no store of ours.
    var trackingSource: TrackingSource? {
        isForeign ? nil : TrackingSource(CloudEventWriter.trackingPrefix + source)
    }
}

extension ImportBatch {
    /// Whether an event has the position that its line says, or its line says none.
    fileprivate func keepsPosition(_ index: Int, _ position: Position) -> Bool {
        positions[index].map { $0 == position.value } ?? true
    }

    /// Throws unless a recorded event is the one at this index.
    fileprivate func check(_ known: RecordedEvent, at index: Int) throws {
        guard known.stream == entries[index].stream, known.data.isSameFact(as: entries[index].event) else {
            throw ImportFailure(
                line: lines[index], cause: EventIDConflict(id: entries[index].event.id, reason: .otherContents))
        }
    }
}
