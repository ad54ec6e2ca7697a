import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage
import SillokThreads

extension LogWriter {
    /// Writes and syncs the group, and shows its events.
    func conclude(
        _ requests: [LogRequest], _ answers: [Result<WorkAnswer, any Error>]
    ) -> [Result<WorkAnswer, any Error>] {
        do throws(LogError) {
            try write()
            if plants(.shownBeforeSync) { show() }
            let start = ContinuousClock.now
            try log.sync()
            syncTime = start.duration(to: .now)
        } catch {
            if plants(.failedGroupAcknowledged) { return answers }
            let isKept = plants(.builtOnFailedGroup) && log.writtenHead == UInt64(clamping: draft.head)
            if isKept { durable = draft.settled } else if !plants(.shownBeforeSync) { undo() }
            let reported: StoreError
            if case .full = error {
                reported = error.storeError
            } else {
                if !isKept { failure = error.storeError.endingAppends }
                reported = error.storeError.withUnknownOutcome
                for request in requests { unsettled.formUnion(request.prepared.events) }
            }
            return answers.map { answer in
                // A conflict may be with events of this group, which are not recorded now.
                switch answer {
                case .failure(AppendError.invalid), .success(.undecided): answer
                default: .failure(reported)
                }
            }
        }
        show()
        let answers = confirmingRows(answers)
        guard let replaced = folder.replacement?.endingAppends else { return answers }
        // The events are on the disk, in a folder to which no path may lead any more.
        failure = replaced
        return answers.map { answer in
            if case .success = answer { .failure(replaced.withUnknownOutcome) } else { .failure(replaced) }
        }
    }

    /// Writes the group. On a full disk the index first gives back the space of its write-ahead log.
    private func write() throws(LogError) {
        do throws(LogError) {
            try log.write(&buffer)
        } catch {
            guard case .full = error else { throw error }
            mover.giveBackRoom()
            try log.write(&buffer)
        }
    }

    /// Whether a test has planted a fault.
    private func plants(_ fault: PlantedFaults) -> Bool { tuning.segments.faults.contains(fault) }

    /// Shows the events of a group that is durable.
    private func show() {
        if !draft.streams.isEmpty || !draft.tracking.isEmpty {
            part.contents.withLock { contents in
                contents.streams.formUnion(draft.streams)
                contents.tracking.merge(draft.tracking) { $1 }
            }
        }
        durable = draft.settled
        view.publish(durable.head) { rows?.commitGroup() }
        part = mover.freezeIfFull(part, at: durable.head)
    }

    /// Takes back what a group has added that will not be durable.
    func undo() {
        rows?.undo()
        draft = durable
        part.contents.withLock { $0.tail.rewind(to: durable.head) }
        revisions.removeAll(keepingCapacity: true)
        reader.pending = nil
        reader.extend(to: durable.head)
    }

    /// Returns the answer when appends are impossible. It holds after a reopening too: unknown outcomes stay unknown.
    func refuse(_ request: AppendRequest, _ failure: StoreError) -> Result<WorkAnswer, any Error> {
        do {
            try reader.renew()
            let receipt = try request.firstReceipt(unless: { _ in false }, find: { try reader.event($0) })
            if failure.code == .fileReplaced {
                // The known events are in a folder that may be gone, or may come back.
                if receipt == nil { return .failure(failure) }
            } else {
                if let receipt {
                    // Its rows may be missing: it is answered when they are written.
                    guard rows?.contains(receipt.position) ?? true else { return .failure(failure.withUnknownOutcome) }
                    return .success(.appended(receipt, head: receipt.position))
                }
                if !request.entries.contains(where: { unsettled.contains($0.event.id) }) { return .failure(failure) }
            }
        } catch let conflict as EventIDConflict {
            return .failure(AppendError.knownID(conflict))
        } catch {
            // It is unknown whether an earlier append has stored it.
        }
        return .failure(failure.withUnknownOutcome)
    }

    /// The head, if a group is on the disk whose rows failed.
    var unacknowledgedHead: Position? { rows?.isBehind == true ? durable.position : nil }

    /// The log has no write-ahead log.
    var logBytes: Int? { nil }

    /// Has the next segment made on another thread, so that no append waits for it, and the rows moved to their file.
    func maintain() {
        if log.nextSegmentIsDue { upkeep.wake() }
        rows?.checkpointIfDue()
        timer.note()
    }

    /// Writes a mark behind the last group and syncs it, unless there is one. For a log that is idle.
    func writeIdleMark() {
        guard failure == nil else { return }
        do throws(LogError) {
            try log.writeMark()
            try log.sync()
        } catch {
            // Without space for a mark nothing was written. The next append needs a segment, and reports it.
            if case .full = error { return }
            failure = error.storeError.endingAppends
        }
    }

    /// Ends the threads that work for the writer, and writes a mark, so that the last group has a later witness.
    ///
    /// - Returns: whether it is certain that nothing was ever written: no event, no progress, no row.
    @discardableResult
    func finish() -> Bool {
        timer.stop()
        mover.stop()
        upkeep.stop()
        rows?.finish()
        if failure == nil { try? log.writeMark() }
        return failure == nil && durable.head == 0 && !hasTracked && rows == nil
    }
}

/// The log including the events of the group that is being written.
extension LogWriter: ConditionLog {
    var isExact: Bool { false }

    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)? {
        try reader.positions(of: term, budget)
    }

    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision {
        try budget.spend(revisions[stream] == nil ? 2 * StepBudget.lookup + StepBudget.event : 1)
        return try revision(of: stream)
    }

    func position(after revision: Revision, of stream: StreamID) throws -> Int64? {
        try reader.position(after: revision, of: stream)
    }

    func event(at position: Int64) throws -> RecordedEvent { try reader.event(at: position) }

    /// Returns the revision of a stream, which is kept in memory.
    func revision(of stream: StreamID) throws -> Revision {
        if let revision = revisions[stream] { return revision }
        let revision = try reader.event(of: stream, .backward)?.revision ?? .none
        remember(revision, of: stream)
        return revision
    }

    func remember(_ revision: Revision, of stream: StreamID) {
        if revisions.count >= tuning.cachedRevisions { revisions.removeAll(keepingCapacity: true) }
        revisions[stream] = revision
    }
}
