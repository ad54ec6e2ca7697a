import SillokCore
import SillokSQL

/// What a runner knows of its partition, as of its last write.
struct Standing: Sendable {
    var row: PartitionRow
    /// The sequences with dead letters, and how many each has.
    private(set) var parked: [StreamID: Int]
    /// How many dead letters there are.
    private(set) var letters: Int
    /// What operators have decided about events, as of the last look.
    let decisions: Decisions

    init(row: PartitionRow, parked: [StreamID: Int], decisions: Decisions) {
        self.row = row
        self.parked = parked
        self.decisions = decisions
        letters = parked.values.reduce(0, +)
    }

    /// Counts one more dead letter of a sequence.
    mutating func park(_ sequence: StreamID) {
        parked[sequence, default: 0] += 1
        letters += 1
    }

    /// Notes how many dead letters a sequence has left.
    mutating func setLetters(of sequence: StreamID, to count: Int) {
        letters += count - (parked[sequence] ?? 0)
        parked[sequence] = count > 0 ? count : nil
    }
}

/// What one write will do: the changes of a page of events, and where they leave the partition.
struct Batch: Sendable {
    /// Why the page could not be taken to its end.
    struct Stop: Sendable {
        let event: RecordedEvent
        let cause: any Error
    }

    let before: Standing
    var after: Standing
    var changes: [ReadModelWrite.Change] = []
    /// For each change, which of the events it comes from; -1 for none of them.
    var origins: [Int] = []
    /// The events that were looked at.
    let events: [RecordedEvent]
    /// How many events of this partition were taken.
    var taken = 0
    var stop: Stop?
    let isEnd: Bool

    mutating func add(_ statement: SQL, of projection: ProjectionID?, from event: Int = -1) {
        changes.append(ReadModelWrite.Change(statement, of: projection))
        origins.append(event)
    }
}

/// Why an event is parked without being tried (again).
typealias Verdicts = [Position: String]

/// Makes batches: applies the rule to events, and parks those that it fails for.
struct BatchMaker: Sendable {
    let rule: ProjectionRule
    let id: ProjectionID
    let partition: Int
    let partitions: Int
    let documents: DocumentCache?
    let options: ProjectorOptions

    /// The batch of a page.
    func batch(_ page: EventBatch, after standing: Standing, _ verdicts: Verdicts = [:]) async throws -> Batch {
        var batch = Batch(before: standing, after: standing, events: page.events, isEnd: page.isEnd)
        batch.changes.reserveCapacity(page.events.count + 2)
        batch.origins.reserveCapacity(page.events.count + 2)
        let decisions = standing.decisions
        try await documents?.load(
            page.events.lazy.filter { isMine($0) && !decisions.skips($0) }.map { decisions.applied(to: $0) }, rule)
        for (index, event) in page.events.enumerated() where isMine(event) {
            // A store that gives an event again does no harm.
            guard event.position > batch.after.row.checkpoint.position else { continue }
            if decisions.skips(event) {
                skip(event, &batch)
                continue
            }
            if !batch.after.parked.isEmpty {
                let sequence = StreamID(rule.sequencing.sequence(event))
                if batch.after.parked[sequence] != nil {
                    try park(event, sequence, "it follows a dead letter of its sequence", isFailed: false, &batch)
                    if batch.stop != nil { break }
                    continue
                }
            }
            try await take(event, index, verdicts[event.position], &batch)
            if batch.stop != nil { break }
        }
        if batch.stop == nil { batch.after.row.checkpoint.pass(page.mark) }
        try documents?.flush(into: &batch, id)
        let checkpoint = batch.after.row.checkpoint
        let before = standing.row.checkpoint
        if let mark = ReadModelFormat.mark(id, partition, at: checkpoint, after: before) { batch.add(mark, of: nil) }
        if checkpoint != before { batch.add(standing.row.moving(id, to: checkpoint), of: nil) }
        return batch
    }

    /// Whether an event belongs to this partition.
    func isMine(_ event: RecordedEvent) -> Bool {
        partitions == 1 || rule.sequencing.partition(of: event, among: partitions) == partition
    }

    private func take(_ event: RecordedEvent, _ index: Int, _ verdict: String?, _ batch: inout Batch) async throws {
        var reason = verdict
        if reason == nil {
            do {
                try await apply(batch.before.decisions.applied(to: event), index, &batch)
            } catch let error as UnknownEventType {
                guard rule.unknownTypes == .park else {
                    batch.stop = Batch.Stop(event: event, cause: error)
                    return
                }
                reason = "\(error)"
            } catch let error as NewerEventVersion {
                guard rule.newerVersions == .park else {
                    batch.stop = Batch.Stop(event: event, cause: error)
                    return
                }
                reason = "\(error)"
            } catch let error as CancellationError {
                throw error
            } catch {
                guard case .park = options.failures else {
                    batch.stop = Batch.Stop(event: event, cause: error)
                    return
                }
                reason = "\(error)"
            }
        }
        if let reason {
            try park(event, StreamID(rule.sequencing.sequence(event)), reason, isFailed: true, &batch)
        } else {
            batch.after.row.checkpoint.take(event)
            batch.taken += 1
        }
    }

    /// Applies the rule to an event, as often as it may be tried.
    private func apply(_ event: RecordedEvent, _ index: Int, _ batch: inout Batch) async throws {
        do {
            return try make(event, index, &batch)
        } catch  where error is UnknownEventType || error is NewerEventVersion {
            throw error
        } catch {
            guard case .park(let attempts, var pause, _) = options.failures else { throw error }
            var last = error
            for _ in 1..<max(attempts, 1) {
                try await options.clock.sleep(for: pause)
                pause *= 2
                do {
                    return try make(event, index, &batch)
                } catch {
                    last = error
                }
            }
            throw last
        }
    }

    func make(_ event: RecordedEvent, _ index: Int, _ batch: inout Batch) throws {
        switch try rule.effect(event) {
        case .nothing: break
        case .changes(let statements):
            for statement in statements { batch.add(statement, of: id, from: index) }
        case .documents(let changes): try documents?.evolve(changes)
        }
    }

    private func park(
        _ event: RecordedEvent, _ sequence: StreamID, _ reason: String, isFailed: Bool, _ batch: inout Batch
    ) throws {
        if case .park(_, _, let capacity) = options.failures, batch.after.letters >= capacity {
            batch.stop = Batch.Stop(event: event, cause: DeadLettersFull(capacity: capacity))
            return
        }
        batch.after.park(sequence)
        record(event, sequence, isFailed ? .failed : .behind, reason, attempts: isFailed ? attempts : 0, &batch)
    }

    /// Takes an event that an operator has decided never to project.
    private func skip(_ event: RecordedEvent, _ batch: inout Batch) {
        let sequence = StreamID(rule.sequencing.sequence(event))
        record(event, sequence, .skipped, "an operator has decided to skip it", attempts: 0, &batch)
    }

    /// Takes an event, and keeps it as a dead letter.
    private func record(
        _ event: RecordedEvent, _ sequence: StreamID, _ state: DeadLetter.State, _ reason: String, attempts: Int,
        _ batch: inout Batch
    ) {
        batch.after.row.checkpoint.take(event)
        batch.taken += 1
        batch.add(
            """
            INSERT INTO sillok_dead_letters VALUES (
                \(id.name), \(id.version), \(id.build), \(partition), \(event.position), \(sequence), \
            \(event.id.description), \(event.type.text), \(event.stream?.text ?? ""), \(state.rawValue), \(reason), \
            \(attempts), \(options.wallClock.now()), \(batch.before.decisions.replacement(of: event)))
            """, of: nil)
    }

    private var attempts: Int {
        if case .park(let attempts, _, _) = options.failures { max(1, attempts) } else { 1 }
    }
}
