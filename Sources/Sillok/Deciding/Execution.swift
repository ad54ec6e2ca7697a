import SillokCore

/// The execution of one command, or of several as one: load, decide, append, and retry after a conflict.
struct Execution<D: Decider> {
    /// A decision on one of the subjects.
    struct Step {
        let subject: Int
        /// The metadata of its events, in addition to the context of the task.
        var metadata = Metadata()
        /// The text of the command that is recorded with its first event.
        var command: String?
        let decide: (D) throws -> [D.Event]
    }

    /// The result of an execution.
    struct Ending {
        var events: [(subject: Int, event: D.Event)] = []
        let subjects: Subjects<D>
        var receipt: Receipt?
        var isRepeat = false

        var position: Position { receipt?.position ?? subjects.through }
    }

    private struct Decided {
        let subject: Int
        let event: D.Event
        let data: EventData
    }

    let store: any EventStore
    let policy: RetryPolicy
    let id: CommandID
    let isIDGiven: Bool
    let expected: Revision?
    let steps: [Step]
    let source: any StateSource<D>

    private let coding: EventCoding<D.Event>
    private var metadata = Metadata()
    /// The subjects in their first states.
    private let untouched: [Subjects<D>.Subject]
    private var subjects: Subjects<D>

    init(
        store: any EventStore, coding: EventCoding<D.Event>, policy: RetryPolicy, id: CommandID, isIDGiven: Bool,
        expected: Revision? = nil, on subjects: [Subjects<D>.Subject], steps: [Step], source: any StateSource<D>
    ) {
        self.store = store
        self.coding = coding
        self.policy = policy
        self.id = id
        self.isIDGiven = isIDGiven
        self.expected = expected
        self.steps = steps
        self.source = source
        untouched = subjects
        self.subjects = Subjects([], limits: store.limits, coding: coding)
    }

    /// Runs attempts until one ends. If `turns` are given, waits for its turn before the second attempt.
    mutating func run(retryingIn turns: Turns<StreamID?>? = nil) async throws -> Ending {
        try await Spans.within(.execute, untouched.first?.stream?.text ?? "") {
            metadata = .ofCommand(id)
            subjects = Subjects(await source.started(untouched), limits: store.limits, coding: coding)
            defer { source.keep(&subjects, at: nil) }
            if let ending = try await attempt(1) { return ending }
            guard let turns else { return try await retry() }
            return try await turns.wait(for: nil) { try await retry() }
        }
    }

    private mutating func retry() async throws -> Ending {
        var number = 2
        while true {
            try Task.checkCancellation()
            if let ending = try await attempt(number) { return ending }
            number += 1
        }
    }

    /// Loads, decides and appends. Returns `nil` if the command has to be decided again.
    private mutating func attempt(_ number: Int) async throws -> Ending? {
        let isAsExpected = expected == nil || expected == subjects.all.first?.revision
        try await subjects.load(from: store, coding: coding, unlessUsable: number == 1 && isAsExpected)
        if isIDGiven, let first = try await firstEnding() { return first }
        try await checkExpectedRevision()
        let (decided, draft) = try await decide()
        if decided.isEmpty { return Ending(subjects: subjects) }
        let receipt: Receipt
        do {
            receipt = try await append(decided)
        } catch let error as AppendError {
            return try await ending(after: error, number)
        }
        if let draft { subjects = draft } else { evolve(decided[...], in: &subjects) }
        // The receipt may belong to an earlier append. Then the states may have missed events in between.
        subjects.isDoubtful = try await settling { try await lack(eventsBefore: receipt) }
        subjects.settle(
            decided.map { (subjects.all[$0.subject].stream, $0.data.type, $0.data.tags, $0.data.id) }, at: receipt)
        if subjects.isDoubtful, let first = try await settling({ try await firstEnding() }) { return first }
        return Ending(events: decided.map { ($0.subject, $0.event) }, subjects: subjects, receipt: receipt)
    }

    /// What an append that stored nothing means for the command. Returns `nil` if it has to be decided again.
    ///
    /// - Throws: the error that ends the command: what the case has, as a read throws it too.
    private func ending(after error: AppendError, _ attempt: Int) async throws -> Ending? {
        switch error {
        case .conflict(let conflict):
            if expected != nil { throw conflict }
            if attempt >= policy.attempts { throw TooManyConflicts(attempts: attempt, conflict: conflict) }
            return nil
        case .knownID(let conflict):
            if let first = try await settling({ try await firstEnding() }) { return first }
            guard let event = try await settling({ try await store.event(conflict.id) }) else { throw conflict }
            throw CommandIDConflict(id: id, event: event)
        case .failed(let failure):
            // The log was set back since the states were made. They are compared with it in the next attempt.
            if failure.code == .storeChanged && !subjects.areRead { return nil }
            throw failure
        // An inline projection refused the events. A refusal of the domain is thrown by `decide`.
        case .invalid, .tracking, .refused: throw error.underlyingError
        }
    }

    /// Decides on the current states. Events may come from states that were not compared with the log, because their
    /// append checks them; a refusal, and a decision without events, may not.
    private mutating func decide() async throws -> (decided: [Decided], draft: Subjects<D>?) {
        var draft = steps.count > 1 ? subjects : nil
        if !subjects.areRead {
            if let decided = try? decide(evolving: &draft), !decided.isEmpty { return (decided, draft) }
            try await subjects.load(from: store, coding: coding)
            draft = steps.count > 1 ? subjects : nil
        }
        return (try decide(evolving: &draft), draft)
    }

    /// Decides all steps, each on the state after the earlier steps.
    private func decide(evolving draft: inout Subjects<D>?) throws -> [Decided] {
        var decided: [Decided] = []
        for step in steps {
            let first = decided.count
            var metadata = step.metadata.isEmpty ? metadata : .ofCommand(id, saying: step.metadata)
            if let command = step.command { metadata[Metadata.Key.command] = command }
            for event in try step.decide((draft ?? subjects).all[step.subject].state) {
                // The states take the event that a reader will decode.
                let stored = try coding.stored(
                    event, id: id.event(decided.count), tags: D.tags(of: event), metadata: metadata)
                decided.append(Decided(subject: step.subject, event: stored.event, data: stored.data))
                if step.command != nil { metadata[Metadata.Key.command] = nil }
            }
            if var evolved = draft.take() {
                evolve(decided[first...], in: &evolved)
                draft = evolved
            }
        }
        return decided
    }

    private func evolve(_ decided: ArraySlice<Decided>, in subjects: inout Subjects<D>) {
        for next in decided { subjects.evolve(next.event, of: subjects.all[next.subject].stream, as: next.data) }
    }
}

// Appends and their outcomes.
extension Execution {
    /// Appends the events. If the outcome is unknown, sends the same append again, as often as the policy allows.
    ///
    /// - Throws: `AppendError` if nothing was stored, ``UnsettledCommand``, `CancellationError`.
    private func append(_ decided: [Decided]) async throws -> Receipt {
        let request = AppendRequest(
            decided.map { .init(stream: subjects.all[$0.subject].stream, event: $0.data) }, if: subjects.isUnchanged)
        var unknown: StoreError?
        var pause = policy.settlingPause
        for attempt in 1...max(1, policy.settlingAttempts) {
            if attempt > 1 {
                // A cancelled task stops waiting: the outcome stays unknown.
                guard (try? await Task.sleep(for: pause)) != nil else { break }
                pause *= 2
            }
            do {
                return try await store.append(request)
            } catch {
                switch error {
                case .failed(let failure) where failure.outcome == .unknown: unknown = failure
                // A definite failure now does not settle an earlier append whose outcome is unknown.
                case .failed where unknown != nil: continue
                // The task was cancelled while the append waited, so nothing is stored.
                case .failed(let failure) where failure.code == .cancelled: throw CancellationError()
                case .failed, .invalid, .conflict, .knownID, .tracking, .refused: throw error
                }
            }
        }
        throw unknown.map { UnsettledCommand(id: id, cause: $0) } ?? CancellationError()
    }

    /// Returns whether the states miss events that were recorded before those of the receipt. They can only if it is the
    /// receipt of an earlier append under the same command id: another append has a condition.
    private func lack(eventsBefore receipt: Receipt) async throws -> Bool {
        if subjects.isOfStreams { return subjects.contradict(receipt) }
        guard isIDGiven else { return false }
        for group in subjects.groups where group.through.position.next != receipt.firstPosition {
            let page = try await store.read(
                ReadRequest(
                    group.stored, after: .mark(group.through), before: .position(receipt.firstPosition), limit: 1))
            if !page.events.isEmpty || !page.isEnd { return true }
        }
        return false
    }

    /// Reads after an append that may have stored the events. If the store cannot answer, the command stays unsettled.
    private func settling<Value>(_ read: () async throws -> Value) async throws -> Value {
        do {
            return try await read()
        } catch let error as StoreError {
            throw UnsettledCommand(id: id, cause: error)
        } catch is CancellationError {
            throw UnsettledCommand(id: id, cause: StoreError(.cancelled, "its task was cancelled.", outcome: .unknown))
        }
    }

    private func checkExpectedRevision() async throws {
        guard let expected, let subject = subjects.all.first, let stream = subject.stream, subject.revision != expected
        else { return }
        let request = ReadRequest(
            .stream(stream), after: .revision(expected),
            limit: max(1, min(store.limits.conflictEvents, store.limits.pageEvents)))
        let page = try await store.read(request)
        throw AppendConflict(
            streams: [stream: .init(expected: expected, actual: subject.revision)],
            events: store.limits.shownInConflict(page.events), head: page.head)
    }

    /// Returns the result of an earlier execution of the command, or `nil` if there was none.
    private func firstEnding() async throws -> Ending? {
        guard let first = try await store.event(id.event(0)) else { return nil }
        let recorded = try await events(from: first)
        var subjects = Subjects(untouched, limits: store.limits, coding: coding)
        guard let last = recorded.last, recorded.allSatisfy(subjects.own) else {
            throw CommandIDConflict(id: id, event: first)
        }
        try await subjects.load(from: store, coding: coding, before: .position(last.position.next))
        var revisions: [StreamID: Revision] = [:]
        for event in recorded { if let stream = event.stream { revisions[stream] = event.revision } }
        let receipt = Receipt(
            firstPosition: first.position, mark: EventMark(last), revisions: revisions, recordedAt: last.recordedAt)
        let events = try recorded.flatMap { event in
            try coding.decode(event).map { (subject: subjects.index(of: event), event: $0) }
        }
        return Ending(events: events, subjects: subjects, receipt: receipt, isRepeat: true)
    }

    /// Returns the events that the command recorded, given the first of them.
    private func events(from first: RecordedEvent) async throws -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        let request = ReadRequest(
            .all, after: .position(first.position.previous), limit: min(100, store.limits.pageEvents))
        for try await page in store.pages(request) {
            for event in page.events {
                guard event.id == id.event(found.count), event.metadata.commandID == id else { return found }
                found.append(event)
            }
        }
        return found
    }
}

extension CommandID {
    /// Returns the id of the command's event with this index: the command's id plus the index. So the log itself
    /// remembers which commands were executed.
    package func event(_ index: Int) -> EventID {
        let (low, carries) = low.addingReportingOverflow(UInt64(index))
        return EventID(high: carries ? high &+ 1 : high, low: low)
    }
}
