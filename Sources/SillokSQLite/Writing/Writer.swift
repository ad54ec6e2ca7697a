import CSQLite
import SillokChain
import SillokCore
import SillokSQL

/// The one connection that writes: it carries out groups of appends, each group in one transaction with one fsync.
///
/// Belongs to the writer thread. Every append of a group is checked against what the appends before it have written, so
/// a group is exactly as if they had come one by one.
final class Writer {
    typealias Answer = WriterAnswer

    let connection: Connection
    let reader: EventReader
    /// The hash chain that is kept, if one is.
    let chain: Chain?
    private let clock: WallClock
    private let limits: Limits
    private let rows: EventInsertion
    private let settling: TailSettling
    private let begin: Statement
    private let commit: Statement
    private let rollback: Statement
    /// A part of a group that can be taken back alone.
    private let part: Part
    private let checkpoints: CheckpointSchedule
    private var head: Int64 = 0
    private var lastRecorded: Int64 = .min
    /// The link of the last event, or what stands in its place; `nil` if no chain is kept.
    private var lastLink: ChainDigest?
    /// Revisions of streams as of the last write, while there is room.
    private var revisions: [Int64: Int64] = [:]
    private let tuning: Tuning
    /// The steps that conditions of the group may still take before readers judge them.
    private(set) var stepsLeft = 0
    /// Why nothing can be written any more, once the disk has failed or the file was replaced.
    private(set) var failure: StoreError?
    /// How long the last commit took until it was on the disk.
    private(set) var syncTime = Duration.zero
    /// The ids of appends whose commit failed with an outcome that is not known.
    private var unsettled: Set<EventID> = []
    /// The read model in the file, once somebody has asked for it.
    private var model: InlineModel?

    init(
        _ connection: Connection, limits: Limits, clock: WallClock, tuning: Tuning, gate: SnapshotGate = SnapshotGate()
    ) throws {
        self.connection = connection
        self.clock = clock
        self.limits = limits
        reader = try EventReader(connection, limits: limits, isWriter: true, tuning: tuning)
        chain = try Schema.chain(connection)
        self.tuning = tuning
        rows = try EventInsertion(connection, reader.index)
        settling = try TailSettling(connection, reader.index.tail, tuning)
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        rollback = try connection.prepare("ROLLBACK")
        part = try Part(connection)
        checkpoints = CheckpointSchedule(connection, tuning, gate)
        try reload()
    }

    /// Carries out a group of requests: what came of each, in their order.
    func carryOut(_ requests: [WriterRequest]) -> [Result<Answer, any Error>] {
        // Before anything is written it is certain that nothing of the group is stored.
        if failure == nil { failure = replacement() }
        if let failure { return requests.map { refuse($0, failure) } }
        stepsLeft = tuning.groupSteps
        do {
            try begin.run()
            let answers = try requests.map { try carryOut($0) }
            try model?.flush()
            try settling.runIfDue()
            return conclude(requests, answers)
        } catch {
            return abandon(requests, error)
        }
    }

    /// The answer to a request when nothing can be written any more: it must stay true when the store is opened anew.
    private func refuse(_ request: WriterRequest, _ failure: StoreError) -> Result<Answer, any Error> {
        guard case .append(let prepared) = request else { return .failure(failure) }
        let request = prepared.request
        do {
            // In a transaction that could not be rolled back, what was never committed would look stored.
            if failure.code == .fileReplaced {
                // The events that are known are in a file that may be gone, or may come back.
                if try firstReceipt(of: request) == nil { return .failure(failure) }
            } else if !connection.isInTransaction {
                if let receipt = try firstReceipt(of: request) {
                    return .success(.appended(receipt, head: receipt.position))
                }
                if !request.entries.contains(where: { unsettled.contains($0.event.id) }) { return .failure(failure) }
            }
        } catch let conflict as EventIDConflict {
            return .failure(AppendError.knownID(conflict))
        } catch {
            // It cannot be seen whether an append before has stored it.
        }
        return .failure(failure.withUnknownOutcome)
    }

    /// Moves the write-ahead log into the file when it has grown long. Called when the answers are out.
    func checkpointIfDue() {
        guard failure == nil else { return }
        do {
            try checkpoints.runIfDue()
        } catch  where error.isFatal {
            failure = error.storeError("a checkpoint failed, the store takes no more appends")
        } catch {
            // No room, or a reader in the way: the log keeps everything, the next commit tries again.
        }
    }

    /// The bytes of the write-ahead log that are not in the file yet.
    var logBytes: Int { connection.pagesInLog * 4096 }

    /// Leaves one file behind, if the disk is healthy and no other connection reads the log.
    func finish() {
        if failure == nil { try? connection.checkpoint(truncating: true) }
    }

    /// One request within the transaction. What it answers as its own failure has written nothing.
    private func carryOut(_ request: WriterRequest) throws -> Result<Answer, any Error> {
        switch request {
        case .append(let prepared): return try append(prepared)
        case .install:
            return try modelled { _ in .done }
        case .change(let write):
            return try modelled { model in
                try model.write(write)
                return .done
            }
        case .attach(let rule):
            return try modelled { model in .projected(isAttached: try model.attach(rule, reader)) }
        }
    }

    private func append(_ prepared: PreparedAppend) throws -> Result<Answer, any Error> {
        let request = prepared.request
        do {
            if let receipt = try firstReceipt(of: request) {
                return .success(.appended(receipt, head: Position(UInt64(head))))
            }
            try limits.checkTimes(of: request, clock: clock.now())
            for unchanged in request.condition.unchanged { try reader.check(unchanged.seen, head) }
            guard try holds(prepared) else { return .success(.undecided) }
            if let tracking = request.tracking, let recorded = try reader.tracked(tracking.source)?.position,
                tracking.position <= recorded
            {
                throw TrackingConflict(given: tracking, recorded: recorded)
            }
            let times = try recordedTimes(of: request)
            let receipt = try project(request, times) { try record(prepared, times) }
            return .success(.appended(receipt, head: Position(UInt64(head))))
        } catch {
            guard let refusal = AppendError(known: error), refusal.isOfAppendAlone else { throw error }
            return .failure(refusal)
        }
    }

    /// Whether a condition holds; `false` if it takes too many steps to find out here.
    ///
    /// A condition that was not judged before gets few steps, and those of a group share a number of steps. Of one that
    /// was judged, only the latest events are left: it gets enough for one look at each of its terms, and twice as many
    /// each time it returns, so that it is decided however fast others append.
    private func holds(_ prepared: PreparedAppend) throws -> Bool {
        let condition = prepared.condition
        let isFirst = condition.heldThrough == nil
        let least = tuning.writerSteps + 4 * condition.terms
        let more = max(least, min(least << prepared.rounds, limits.conditionSteps))
        let steps = isFirst ? min(tuning.writerSteps, max(stepsLeft, 50)) : more
        let budget = StepBudget(steps: steps)
        defer { if isFirst { stepsLeft -= budget.used } }
        switch try ConditionJudge(self, head: head, limits: reader.limits, budget)
            .verdict(on: condition, isWhole: isFirst)
        {
        case .holds: return true
        case .conflict(let conflict): throw conflict
        case .undecided: return false
        }
    }

    /// Records an append and has the inline projections take it, or takes all of it back.
    private func project(_ request: AppendRequest, _ times: [Int64], _ record: () throws -> Receipt) throws -> Receipt {
        guard let model, !model.attachments.isEmpty else { return try record() }
        let attachments = model.attachments
        return try part.run {
            let receipt = try record()
            try model.take(request.recorded(receipt, times: times))
            return receipt
        } undone: {
            try reloadLog()
            model.rewind(to: attachments)
        }
    }

    /// Does something with the read model; if that fails by its own fault, it has done nothing.
    private func modelled(_ body: (InlineModel) throws -> Answer) throws -> Result<Answer, any Error> {
        do {
            let model = try model ?? part.run { try InlineModel(connection) }
            self.model = model
            try model.flush()
            let attachments = model.attachments
            return .success(
                try part.run {
                    try body(model)
                } undone: {
                    model.rewind(to: attachments)
                })
        } catch  where !(error is SQLiteFailure) {
            return .failure(error)
        }
    }

    /// The receipt of the append that brought these events before, or `nil`.
    private func firstReceipt(of request: AppendRequest) throws -> Receipt? {
        var known: [RecordedEvent?]?
        for (index, entry) in request.entries.enumerated() where !rows.isCertainlyNew(entry.event.id) {
            guard let event = try reader.event(entry.event.id) else { continue }
            if known == nil { known = Array(repeating: nil, count: request.entries.count) }
            known?[index] = event
        }
        guard let known else { return nil }
        return try request.firstReceipt(known: known)
    }

    /// The times to record, which never run backwards.
    private func recordedTimes(of request: AppendRequest) throws(InvalidRequest) -> [Int64] {
        let now = clock.now().microsecondsSince1970
        var last = lastRecorded
        var times: [Int64] = []
        times.reserveCapacity(request.entries.count)
        for (index, entry) in request.entries.enumerated() {
            if let given = entry.recordedAt, given.microsecondsSince1970 < last {
                let last = Timestamp(microsecondsSince1970: last)
                throw InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index)
            }
            last = entry.recordedAt?.microsecondsSince1970 ?? max(now, last)
            times.append(last)
        }
        return times
    }

    private func record(_ prepared: PreparedAppend, _ times: [Int64]) throws -> Receipt {
        let request = prepared.request
        let first = head + 1
        let source = try request.tracking.map { try reader.names.intern(.source, $0.source.text) } ?? 0
        var last: [StreamID: Revision] = [:]
        for (index, (entry, time)) in zip(request.entries, times).enumerated() {
            var header = EventHeader(
                position: head + 1, idHigh: entry.event.id.high, idLow: entry.event.id.low, recorded: time,
                source: source, tracked: Int64(bitPattern: request.tracking?.position ?? 0))
            var category: Int64 = 0
            if let stream = entry.stream {
                (header.stream, category) = try reader.names.internStream(stream)
                header.revision = try revision(ofNumber: header.stream) + 1
                remember(header.revision, of: header.stream)
                last[stream] = Revision(UInt64(header.revision))
            }
            if let previous = lastLink { lastLink = header.link(after: previous, prepared.facts[index]) }
            try rows.insert(entry.event, header, lastLink, category: category, reader.names)
            head += 1
            lastRecorded = time
        }
        if let tracking = request.tracking { try rows.track(source, tracking, isAlone: request.entries.isEmpty) }
        return Receipt(
            firstPosition: Position(UInt64(min(first, head))),
            mark: EventMark(position: Position(UInt64(head)), id: request.entries.last?.event.id), revisions: last,
            recordedAt: times.last.map { Timestamp(microsecondsSince1970: $0) } ?? clock.now())
    }

    func revision(ofNumber stream: Int64) throws -> Int64 {
        if let revision = revisions[stream] { return revision }
        guard let last = try reader.index.last(IndexKey.name(stream)) else { return 0 }
        let revision = Int64(clamping: try reader.event(at: last).revision.value)
        remember(revision, of: stream)
        return revision
    }

    /// Whether the revision of a stream is in memory.
    func remembers(_ stream: Int64) -> Bool { revisions[stream] != nil }

    private func remember(_ revision: Int64, of stream: Int64) {
        if revisions.count >= tuning.cachedNames { revisions.removeAll(keepingCapacity: true) }
        revisions[stream] = revision
    }

    private func conclude(
        _ requests: [WriterRequest], _ answers: [Result<Answer, any Error>]
    ) -> [Result<Answer, any Error>] {
        do {
            let start = ContinuousClock.now
            try commit.run()
            syncTime = start.duration(to: .now)
            model?.didCommit()
        } catch {
            // The commit may be in the log of the file although it failed here; only a full disk says that it is not.
            let outcome: StoreError.Outcome = error.primary == SQLITE_FULL ? .definite : .unknown
            let reported = error.storeError("the append could not be committed", outcome: outcome)
            if outcome == .unknown {
                for request in requests { unsettled.formUnion(request.events) }
            }
            recover(from: error)
            return answers.map { answer in
                // A conflict may be one with events of this group, which are not recorded now.
                switch answer {
                case .failure(AppendError.invalid): return answer
                case .success(.undecided): return answer
                default: return .failure(reported)
                }
            }
        }
        guard let replaced = replacement() else { return answers }
        // The commit is on the disk, in a file that no path may lead to any more.
        failure = replaced
        return zip(requests, answers).map { request, answer in
            guard case .success = answer else { return .failure(replaced) }
            return .failure(replaced.withUnknownOutcome)
        }
    }

    /// Why no append may be acknowledged: the files at the paths are not those that are open. `nil` if they are.
    private func replacement() -> StoreError? {
        guard let error = connection.files?.replacement(of: "the store") else { return nil }
        return StoreError(error.code, "\(error.message) The store takes no more appends.")
    }

    /// Ends a group that failed before its commit: nothing of it is stored, but a repeat of a stored append has its
    /// receipt all the same.
    private func abandon(_ requests: [WriterRequest], _ error: any Error) -> [Result<Answer, any Error>] {
        let failed = (error as? SQLiteFailure) ?? SQLiteFailure(code: SQLITE_CORRUPT, message: "\(error)")
        recover(from: failed)
        let reported = failed.storeError("the append could not be written")
        return requests.map { refuse($0, reported) }
    }

    /// Returns to the last committed state, or stops writing for good when the disk cannot be trusted.
    private func recover(from error: SQLiteFailure) {
        do {
            if connection.isInTransaction { try rollback.run() }
            if error.isFatal {
                try reader.index.reload()
                failure = error.storeError("the store takes no more appends after a failure of the disk")
            } else {
                try reload()
            }
        } catch {
            let cause = (error as? SQLiteFailure) ?? SQLiteFailure(code: SQLITE_IOERR, message: "\(error)")
            failure = cause.storeError("the store takes no more appends, it could not return to its last state")
        }
    }

    /// Reads anew what is kept in memory.
    private func reload() throws {
        try reloadLog()
        settling.reload()
        if model?.isCommitted == false { model = nil }
        try model?.reload()
    }

    private func reloadLog() throws {
        revisions.removeAll(keepingCapacity: true)
        reader.names.forget(nextNumber: try connection.number("SELECT max(id) FROM names") + 1)
        head = try reader.head()
        lastRecorded = head > 0 ? try reader.recorded(at: head) : .min
        lastLink = try chain.map { try link(of: head, in: $0) }
        try reader.index.reload()
        try rows.reload()
    }

    /// The link of a position.
    private func link(of position: Int64, in chain: Chain) throws -> ChainDigest {
        let position = Position(UInt64(position))
        if position.next == chain.start { return chain.genesis }
        if let link = try reader.links(after: position.previous, limit: 1).first, link.position == position {
            return link.digest
        }
        throw StoreError(
            .corrupt,
            "the event at position \(position), the last one, has no link in the hash chain. "
                + "Run `sillok verify --chain`; to go on without a chain, open the store with keepsChain: false.")
    }
}

extension AppendError {
    /// Whether the append is at fault. Otherwise the file is, and with it all appends of the group fail.
    fileprivate var isOfAppendAlone: Bool {
        switch self {
        case .invalid, .conflict, .knownID, .tracking, .refused: true
        case .failed(let failure): failure.code == .storeChanged
        }
    }
}

extension StoreError {
    /// The same failure of an append that may be stored.
    fileprivate var withUnknownOutcome: StoreError { StoreError(code, message, outcome: .unknown, cause: cause) }
}
