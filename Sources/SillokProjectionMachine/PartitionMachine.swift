package import SillokCore
package import SillokReadSide
package import SillokSQL

/// The state machine that decides the next actions of a partition's runner. It uses no I/O, and is given the time.
///
/// The runner reports each event (``Input``) and executes the returned actions (``Action``). While one batch is
/// written, the next one is made and the page after it is read. A retry of a dead letter runs between two batches, so
/// events of other sequences do not wait for it.
package struct PartitionMachine: Sendable {
    /// An event that the runner reports.
    package enum Input: Sendable {
        case started
        /// The requested page was read.
        case page(EventBatch)
        /// The requested documents were read.
        case documents([DocumentCache.Row])
        /// The first dead letters of the requested sequence, and its total number of dead letters.
        case deadLetters([ParkedDeadLetter], total: Int)
        /// The requested events were passed on, except for these, with the reasons.
        case delivered([Position: any Error])
        /// The write was executed.
        case written
        /// The read model rejected a change of the write; nothing was written.
        case changeFailed(ChangeFailed)
        /// The partition's row has changed meanwhile; nothing was written.
        case conditionFailed
        /// The partition's current row; `nil` if the build was dropped.
        case row(PartitionRow?)
        /// The log may have new events.
        case headMoved
        /// An operator or another task of this process has made a request.
        case woken
        /// The wait has ended.
        case timePassed
    }

    /// An action that the runner executes next. Each action except the last three is answered by one input.
    package enum Action: Sendable {
        case read(after: EventMark)
        case loadDocuments([StreamID])
        case loadDeadLetters(StreamID)
        /// Passes events on to the sink of a publisher. Each list is the next part of a sequence.
        case deliver([[RecordedEvent]])
        case write(ReadModelWrite)
        case readRow
        case wait(for: Position, atMost: Duration)
        /// Reports the progress of the partition.
        case report(PartitionState)
        /// Everything up to the head of the log is written.
        case reachedHead
        case end(Ending)
    }

    /// The reason why a machine ended.
    package enum Ending: Sendable {
        /// Another process holds the lease.
        case leaseLost
        /// An operator changed something, or the build was dropped: load the partition again.
        case controlMoved
        /// The goal was reached.
        case caughtUp
        case failed(any Error)
    }

    /// The options of a machine.
    package struct Options: Sendable {
        /// The longest time between two reads of the partition's row.
        var pollInterval: Duration
        /// The shortest time between two stores of progress that changes no rows.
        var idleInterval = Duration.seconds(1)
        /// The position at which the machine ends; `nil` means never.
        var goal: Position?

        package init(pollInterval: Duration, goal: Position?) {
            self.pollInterval = pollInterval
            self.goal = goal
        }
    }

    enum Work {
        case page(Batch)
        case checkpoint(Batch)
        case redrive(Batch)

        var batch: Batch {
            switch self {
            case .page(let batch), .checkpoint(let batch), .redrive(let batch): batch
            }
        }
    }

    let maker: BatchMaker
    let options: Options
    var documents: DocumentCache?
    /// The state as of the last executed write.
    package internal(set) var state: PartitionState
    /// Pages that were read and not written yet. If they exist, the first is in `work` and the second in `ready`.
    var pages: [EventBatch] = []
    var work: Work?
    var ready: Batch?
    var redrive: Redrive?
    var hints = BatchHints()
    var readFrom: EventMark
    var isReading = false
    var isLoading = false
    var hasWritten = false
    var isWaiting = false
    var isReadingRow = false
    var hasConflict = false
    var isAtEnd = false
    var isHeadReported = false
    var mayRedrive = true
    var lastWrite: Duration?
    var lastLook: Duration?
    var now = Duration.zero
    var ending: Ending?
    var actions: [Action] = []

    package init(_ maker: BatchMaker, _ state: PartitionState, _ documents: DocumentCache?, _ options: Options) {
        self.maker = maker
        self.options = options
        self.documents = documents
        self.state = state
        readFrom = state.checkpoint.mark
    }

    /// Handles an input and returns the next actions.
    ///
    /// - Parameter now: the time since the machine was created.
    package mutating func handle(_ input: Input, at now: Duration) -> [Action] {
        self.now = now
        actions = []
        take(input)
        while ending == nil, !hasConflict, !isReadingRow, startsWork() {}
        if ending == nil, !hasConflict, !isReadingRow {
            prepareNext()
            readAhead()
            settle()
        }
        if let ending { actions.append(.end(ending)) }
        return actions
    }
}

// MARK: Handling inputs

extension PartitionMachine {
    mutating func take(_ input: Input) {
        switch input {
        case .started: lastLook = now
        case .page(let page): takePage(page)
        case .documents(let rows):
            isLoading = false
            do { try documents?.insert(rows) } catch { ending = .failed(error) }
        case .deadLetters(let letters, let total):
            isLoading = false
            redrive?.take(letters, total: total)
        case .delivered(let failures):
            isLoading = false
            takeDelivered(failures)
        case .written: complete()
        case .changeFailed(let failure): changeFailed(failure)
        case .conditionFailed:
            hasConflict = true
            readRow()
        case .row(let row): takeRow(row)
        case .headMoved: (isWaiting, isAtEnd) = (false, false)
        case .woken:
            isWaiting = false
            readRow()
        case .timePassed:
            isWaiting = false
            if isLookDue { readRow() }
        }
    }

    var isLookDue: Bool { now - (lastLook ?? .zero) >= options.pollInterval }

    mutating func readRow() {
        isReadingRow = true
        actions.append(.readRow)
    }

    mutating func takePage(_ page: EventBatch) {
        isReading = false
        isAtEnd = page.isEnd || page.through <= readFrom.position
        guard page.through > readFrom.position else {
            if readFrom.id == nil { readFrom = page.mark }
            return
        }
        pages.append(page)
        readFrom = page.mark
    }

    /// Compares the row with the last one that this machine wrote.
    mutating func takeRow(_ row: PartitionRow?) {
        (isReadingRow, lastLook) = (false, now)
        // A lost wake-up delays events by at most one poll interval.
        isAtEnd = false
        guard let row else { return ending = .controlMoved }
        if row.token != state.row.token { return ending = .leaseLost }
        if row.epoch != state.row.epoch { return ending = .controlMoved }
        if hasConflict || row.checkpoint != state.row.checkpoint {
            ending = .failed(CheckpointMoved(projection: maker.id))
        }
    }

    mutating func complete() {
        guard let work else { return }
        self.work = nil
        (lastWrite, hasWritten) = (now, true)
        state = work.batch.after
        switch work {
        case .page(let batch): pageIsDone(batch)
        case .checkpoint: break
        case .redrive:
            mayRedrive = false
            if redrive?.hasMore != true { redrive = nil } else { redrive = redrive.map { Redrive($0.sequence) } }
        }
        actions.append(.report(state))
    }

    mutating func pageIsDone(_ batch: Batch) {
        mayRedrive = true
        if !batch.isPartial {
            pages.removeFirst()
            hints = BatchHints()
        }
        if ready == nil, documents?.isFull == true { documents?.clear() }
        if let stop = batch.stop {
            let failure = stop.cause as? ProjectionFailure
            ending = .failed(failure ?? ProjectionFailure(projection: maker.id, event: stop.event, cause: stop.cause))
        }
    }

    mutating func changeFailed(_ failure: ChangeFailed) {
        guard let failed = work else { return }
        let origin = failed.batch.origin(of: failure.index)
        (work, ready) = (nil, nil)
        documents?.clear()
        switch failed {
        case .checkpoint: ending = .failed(failure)
        case .redrive:
            if redrive?.refused(origin, "\(failure)") != true { ending = .failed(failure) }
        case .page(let batch):
            if !learn(from: origin, batch, "\(failure)", failure) { ending = .failed(failure) }
        }
    }

    /// Notes the event that caused a failure, for the next try of the same page; returns `false` if no event did.
    mutating func learn(from origin: Batch.Origin, _ batch: Batch, _ reason: String, _ cause: any Error) -> Bool {
        switch origin {
        case .bookkeeping: return false
        case .event(let index): judge(batch.page.events[index], reason, cause)
        case .document(let key):
            guard let indices = batch.touched[key], let first = indices.first else { return false }
            if indices.count > 1 { hints.alone.insert(key) } else { judge(batch.page.events[first], reason, cause) }
        }
        return true
    }

    /// Notes which events the sink did not take, for the batch that is made next.
    mutating func takeDelivered(_ failures: [Position: any Error]) {
        if redrive != nil {
            redrive?.takeDelivered(failures)
            return
        }
        hints.isDelivered = true
        for event in pages.first?.events ?? [] {
            if let error = failures[event.position] { judge(event, "\(error)", error) }
        }
    }

    mutating func judge(_ event: RecordedEvent, _ reason: String, _ cause: any Error) {
        hints.verdicts[event.position] =
            maker.parking != nil
            ? .park(reason: reason) : .stop(ProjectionFailure(projection: maker.id, event: event, cause: cause))
    }
}
