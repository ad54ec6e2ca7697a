import SillokCore
import SillokReadSide
import SillokSQL

/// The choice of the next actions.
extension PartitionMachine {
    /// The number of pages for which a batch was made.
    private var made: Int { (isPageWork ? 1 : 0) + (ready == nil ? 0 : 1) }

    private var isPageWork: Bool { if case .page? = work { true } else { false } }

    private var isRetryDue: Bool { state.nextRetry.map { $0.due <= now } ?? false }

    private func isStoreDue(_ state: PartitionState) -> Bool {
        state.isUnstored && (lastWrite.map { now - $0 >= options.idleInterval } ?? true)
    }

    /// Starts the next write. Returns `true` if it is already done, so that another one may follow.
    mutating func startsWork() -> Bool {
        guard work == nil, !isLoading else { return false }
        if let batch = ready {
            ready = nil
            return begin(batch)
        }
        // Not between the delivery of a page and its batch: a retry that empties a sequence would make the batch take
        // the events of that sequence, which were held back, for delivered ones.
        if redrive != nil || (isRetryDue && !hints.isDelivered && (mayRedrive || pages.isEmpty)) {
            return startsRedrive()
        }
        if !pages.isEmpty {
            guard let batch = makeBatch(after: state) else { return false }
            return begin(batch)
        }
        if isStoreDue(state) || (isAllRead && state.isUnstored && (!isHeadReported || isGoalReached)) {
            storeCheckpoint()
        }
        return false
    }

    /// Writes a batch. If it changes no rows, only notes the progress, which is stored once per interval.
    private mutating func begin(_ batch: Batch) -> Bool {
        var batch = batch
        if batch.changes.isEmpty && batch.taken == 0 && batch.stop == nil && !isStoreDue(batch.after) {
            state = batch.after
            pageIsDone(batch)
            actions.append(.report(state))
            return true
        }
        batch.addCheckpoint(maker.id)
        work = .page(batch)
        if batch.changes.isEmpty {
            complete()
            return true
        }
        actions.append(.write(batch.write(maker.id)))
        return false
    }

    private mutating func storeCheckpoint() {
        let page = EventBatch(events: [], mark: state.checkpoint.mark, isEnd: true, head: .start)
        var batch = Batch(page, after: state)
        batch.addCheckpoint(maker.id)
        work = .checkpoint(batch)
        actions.append(.write(batch.write(maker.id)))
    }

    private mutating func startsRedrive() -> Bool {
        guard var current = redrive ?? state.nextRetry.map({ Redrive($0.sequence) }) else { return false }
        redrive = current
        guard let letters = current.letters else {
            isLoading = true
            actions.append(.loadDeadLetters(current.sequence))
            return false
        }
        if letters.isEmpty {
            state.setDeadLetters(of: current.sequence, to: 0)
            redrive = nil
            actions.append(.report(state))
            return true
        }
        if load(current.events) { return false }
        if maker.rule.delivery != nil, !current.isDelivered {
            deliver([current.events])
            return false
        }
        let made = current.batch(maker, after: state, &documents, now: now)
        redrive = current
        guard let batch = made else { return true }
        work = .redrive(batch)
        actions.append(.write(batch.write(maker.id)))
        return false
    }

    /// Requests the missing documents of events; returns `true` if there are any.
    private mutating func load(_ events: some Sequence<RecordedEvent>) -> Bool {
        guard let missing = documents?.missing(events, maker.rule), !missing.isEmpty else { return false }
        isLoading = true
        actions.append(.loadDocuments(missing))
        return true
    }

    private mutating func deliver(_ sequences: [[RecordedEvent]]) {
        isLoading = true
        actions.append(.deliver(sequences))
    }

    /// Returns the events of a page that this partition projects, with the replacements that operators made.
    private func wanted(_ page: EventBatch) -> [RecordedEvent] {
        if documents == nil { return [] }
        return page.events.filter { maker.isMine($0) && !state.decisions.skips($0) }
            .map { state.decisions.applied(to: $0) }
    }

    /// Returns the batch for the next page, or `nil` if its documents are requested first.
    private mutating func makeBatch(after state: PartitionState) -> Batch? {
        let page = pages[made]
        if maker.rule.delivery != nil, !hints.isDelivered {
            if let full = maker.parking?.whenFull(state.deadLetters) {
                ending = .failed(full)
                return nil
            }
            let sequences = maker.deliverable(page, after: state)
            if !sequences.isEmpty {
                deliver(sequences)
                return nil
            }
        }
        while true {
            if load(wanted(page)) { return nil }
            do {
                return try maker.batch(of: page, after: state, hints, &documents, now: now)
            } catch {
                documents?.clear()
                documentFailed(error, page, after: state)
                if ending != nil { return nil }
            }
        }
    }

    private mutating func documentFailed(_ failure: DocumentFailed, _ page: EventBatch, after state: PartitionState) {
        let events = wanted(page).filter { event in
            event.position > state.checkpoint.position && hints.verdicts[event.position] == nil
                && maker.rule.documentKeys(of: event).contains(failure.key)
        }
        guard let first = events.first else {
            return ending = .failed(ChangeFailed(index: 0, reason: failure.reason))
        }
        if events.count > 1, hints.alone.insert(failure.key).inserted { return }
        judge(first, failure.reason, ChangeFailed(index: 0, reason: failure.reason))
    }

    /// Makes the next batch while another one is written.
    mutating func prepareNext() {
        guard case .page(let current)? = work, ready == nil, !isLoading, !isRetryDue, pages.count > 1,
            current.stop == nil, !current.isPartial, maker.rule.delivery == nil, documents?.isFull != true,
            hints.verdicts.isEmpty,
            hints.alone.isEmpty
        else { return }
        ready = makeBatch(after: current.after)
    }

    mutating func readAhead() {
        guard !isReading, !isAllRead, pages.count - made < 1, pages.count < 3, work?.batch.stop == nil else { return }
        isReading = true
        actions.append(.read(after: readFrom))
    }

    /// Whether everything was read that this machine has to read, as far as it knows.
    private var isAllRead: Bool { isAtEnd || (options.goal.map { readFrom.position >= $0 } ?? false) }

    private var isGoalReached: Bool {
        options.goal.map { state.checkpoint.position >= $0 && state.retries.isEmpty } ?? false
    }

    /// Waits or ends when no action is in progress.
    mutating func settle() {
        guard work == nil, ready == nil, redrive == nil, pages.isEmpty, !isLoading, !isReading, !isWaiting else {
            return
        }
        if isGoalReached && !state.isUnstored { return ending = .caughtUp }
        if !isHeadReported || hasWritten {
            (isHeadReported, hasWritten) = (true, false)
            actions.append(.reachedHead)
        }
        var most = max(.zero, options.pollInterval - (now - (lastLook ?? .zero)))
        if let due = state.nextRetry?.due { most = min(most, max(.zero, due - now)) }
        if state.isUnstored { most = min(most, max(.zero, options.idleInterval - (now - (lastWrite ?? now)))) }
        isWaiting = true
        actions.append(.wait(for: readFrom.position.next, atMost: most))
    }
}
