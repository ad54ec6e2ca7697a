import Sillok
package import SillokCore
import SillokReadSide
package import SillokSQL

/// The events and documents that failed in an earlier try of the same page, so that the next try can succeed.
struct BatchHints: Sendable {
    /// The treatment of an event that is not projected.
    enum Verdict: Sendable {
        case park(reason: String)
        case stop(any Error)
    }

    var verdicts: [Position: Verdict] = [:]
    /// Documents of which a batch may contain only one change, so that a rejected change identifies its event.
    var alone: Set<StreamID> = []
    /// Whether a publisher has passed the events of the page on. Those that the sink did not take have verdicts.
    var isDelivered = false
}

/// A document that could not be encoded.
struct DocumentFailed: Error {
    let key: StreamID
    let reason: String
}

/// The function that makes batches: it applies the rule to the events of a page and parks those that fail. It is
/// pure, except for the wall clock, from which dead letters get the time at which they were parked.
package struct BatchMaker: Sendable {
    package let rule: ProjectionRule
    package let id: ProjectionID
    package let partition: Int
    let partitions: Int
    /// How failing events are parked; `nil` if the projection stops before them.
    let parking: Parking?
    let wallClock: WallClock

    package init(
        rule: ProjectionRule, id: ProjectionID, partition: Int, partitions: Int, parking: Parking?, wallClock: WallClock
    ) {
        self.rule = rule
        self.id = id
        self.partition = partition
        self.partitions = partitions
        self.parking = parking
        self.wallClock = wallClock
    }

    /// Returns whether an event belongs to this partition.
    func isMine(_ event: RecordedEvent) -> Bool {
        partitions == 1 || rule.partition(of: event, among: partitions) == partition
    }

    /// Returns the sequence of an event.
    func sequence(of event: RecordedEvent) -> StreamID { StreamID(rule.sequence(event)) }

    /// Returns the batch for a page.
    ///
    /// - Parameters:
    ///   - documents: contains the documents that the events change, and afterwards their new contents.
    ///   - now: the time on the machine's clock, used to schedule retries.
    func batch(
        of page: EventBatch, after state: PartitionState, _ hints: BatchHints, _ documents: inout DocumentCache?,
        now: Duration
    ) throws(DocumentFailed) -> Batch {
        var batch = Batch(page, after: state)
        for (index, event) in page.events.enumerated() where isMine(event) {
            // The store may return an event again; it is skipped here.
            guard event.position > batch.after.checkpoint.position else { continue }
            if state.decisions.skips(event) {
                record(event, .skipped, "an operator has decided to skip it", attempts: 0, &batch)
                continue
            }
            if batch.touchesAgain(hints.alone, keys(of: state.decisions.applied(to: event), hints.alone)) {
                batch.isPartial = true
                break
            }
            take(event, index, hints.verdicts[event.position], &batch, &documents, now)
            if batch.stop != nil { break }
        }
        if batch.stop == nil && !batch.isPartial { batch.after.checkpoint.pass(page.mark) }
        if documents != nil { try documents?.flush(into: &batch, id) }
        return batch
    }

    private func keys(of event: RecordedEvent, _ alone: Set<StreamID>) -> [StreamID] {
        alone.isEmpty ? [] : rule.documentKeys(of: event)
    }

    private func take(
        _ event: RecordedEvent, _ index: Int, _ verdict: BatchHints.Verdict?, _ batch: inout Batch,
        _ documents: inout DocumentCache?, _ now: Duration
    ) {
        let sequence = batch.after.parked.isEmpty ? nil : sequence(of: event)
        if let sequence, batch.after.parked[sequence] != nil {
            let state: DeadLetter.State = batch.after.retries[sequence] == nil ? .behind : .retrying
            return park(event, sequence, "it follows a dead letter of its sequence", state, attempts: 0, &batch)
        }
        switch verdict {
        case .stop(let cause)?: batch.stop = Batch.Stop(event: event, cause: cause)
        case .park(let reason)?: parkFailed(event, reason, isFinal: false, &batch, now)
        case nil:
            do {
                try apply(batch.before.decisions.applied(to: event), index, &batch, &documents)
                batch.after.checkpoint.take(event)
                batch.taken += 1
            } catch {
                failed(event, error, &batch, now)
            }
        }
    }

    private func failed(_ event: RecordedEvent, _ error: any Error, _ batch: inout Batch, _ now: Duration) {
        let (parks, isFinal) =
            switch error {
            case is UnknownEventType: (rule.parksUnknownTypes, true)
            case is NewerEventVersion: (rule.parksNewerVersions, true)
            default: (parking != nil, false)
            }
        if parks {
            parkFailed(event, "\(error)", isFinal: isFinal, &batch, now)
        } else {
            batch.stop = Batch.Stop(event: event, cause: error)
        }
    }

    /// Returns the pause after an attempt to take an event, or `nil` after the last.
    func pause(afterAttempt attempt: Int, of event: RecordedEvent) -> Duration? {
        guard let pause = rule.delivery?.pause else { return parking?.pause(afterAttempt: attempt) }
        return pause(attempt, event.id)
    }

    /// Returns the events of a page that a publisher passes on, sequence by sequence. Those behind a dead letter wait.
    func deliverable(_ page: EventBatch, after state: PartitionState) -> [[RecordedEvent]] {
        var indexes: [StreamID: Int] = [:]
        var sequences: [[RecordedEvent]] = []
        for event in page.events where isMine(event) && event.position > state.checkpoint.position {
            let sequence = sequence(of: event)
            if state.parked[sequence] != nil || state.decisions.skips(event) { continue }
            let index = indexes[sequence] ?? sequences.count
            if index == sequences.count { sequences.append([]) }
            indexes[sequence] = index
            sequences[index].append(state.decisions.applied(to: event))
        }
        return sequences
    }

    /// Adds the changes of an event to a batch.
    func apply(
        _ event: RecordedEvent, _ index: Int, _ batch: inout Batch, _ documents: inout DocumentCache?
    ) throws {
        switch try rule.effect(event) {
        case .nothing: break
        case .changes(let statements):
            for statement in statements { batch.add(statement, of: id, from: .event(index)) }
        case .documents(let changes):
            try documents?.evolve(changes)
            for change in changes { batch.touched[StreamID(change.key), default: []].append(index) }
        }
    }

    /// Parks an event at its first failure, so that other sequences continue. While attempts are left it is
    /// `retrying`: the machine projects it again after a pause.
    private func parkFailed(
        _ event: RecordedEvent, _ reason: String, isFinal: Bool, _ batch: inout Batch, _ now: Duration
    ) {
        let sequence = sequence(of: event)
        let pause = isFinal ? nil : pause(afterAttempt: 1, of: event)
        park(event, sequence, reason, pause == nil ? .failed : .retrying, attempts: 1, &batch)
        guard let pause, batch.stop == nil else { return }
        batch.after.retries[sequence] = PartitionState.Retry(due: now + pause)
    }

    private func park(
        _ event: RecordedEvent, _ sequence: StreamID, _ reason: String, _ state: DeadLetter.State, attempts: Int,
        _ batch: inout Batch
    ) {
        if let parking, batch.after.deadLetters >= parking.capacity {
            batch.stop = Batch.Stop(event: event, cause: DeadLettersFull(capacity: parking.capacity))
            return
        }
        batch.after.park(sequence)
        record(event, state, reason, attempts: attempts, &batch)
    }

    /// Counts an event as handled and stores it as a dead letter.
    private func record(
        _ event: RecordedEvent, _ state: DeadLetter.State, _ reason: String, attempts: Int, _ batch: inout Batch
    ) {
        batch.after.checkpoint.take(event)
        batch.taken += 1
        batch.add(
            """
            INSERT INTO sillok_dead_letters VALUES (
                \(id.name), \(id.version), \(id.build), \(partition), \(event.position), \(sequence(of: event)), \
            \(event.id.description), \(event.type.text), \(event.stream?.text ?? ""), \(state.rawValue), \(reason), \
            \(attempts), \(wallClock.now()), \(batch.before.decisions.replacement(of: event)))
            """, of: nil)
    }
}

extension Batch {
    /// Returns whether a document that may have only one change in a batch would be changed a second time.
    fileprivate func touchesAgain(_ alone: Set<StreamID>, _ keys: [StreamID]) -> Bool {
        keys.contains { alone.contains($0) && touched[$0] != nil }
    }
}
