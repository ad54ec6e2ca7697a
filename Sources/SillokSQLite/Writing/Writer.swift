import CSQLite
import SillokChain
import SillokCore
import SillokIndex
import SillokSQL
import SillokSQLiteConnections
import SillokSQLiteModels
import SillokStorage

/// The only connection that writes. It executes groups of requests, each group in one transaction with one fsync.
///
/// Belongs to the writer thread. Every append of a group is checked against the changes of the earlier ones, so a group
/// has the same result as single appends.
final class Writer: StoreWriter {
    typealias Answer = WorkAnswer

    let connection: Connection
    let reader: EventReader
    /// The hash chain, if the store keeps one.
    let chain: Chain?
    private let clock: WallClock
    private let limits: Limits
    private let rows: EventInsertion
    private let settling: TailSettling
    private let begin, commit, rollback: Statement
    private let checkpoints: CheckpointSchedule
    private var head: Int64 = 0
    private var lastRecorded: Int64 = .min
    /// The link of the last event, or the chain's start value without one; `nil` if no chain is kept.
    private var lastLink: ChainDigest?
    /// The revisions of streams as of the last write, up to a maximum number of streams.
    private var revisions: [Int64: Int64] = [:]
    private let tuning: Tuning
    private var steps: WriterSteps
    /// The error for all further writes, once the disk has failed or the file was replaced.
    private(set) var failure: StoreError?
    /// The time that the last commit took until it was on the disk.
    private(set) var syncTime = Duration.zero
    /// The number of commits since the store was opened.
    private var commits = 0
    /// The index of the log holds no events, so it is not looked for after each commit. Without it, other processes
    /// that open the store do not see later commits.
    private static let commitsBetweenFullChecks = 16
    /// The ids of appends whose commit failed with an unknown outcome.
    private var unsettled: Set<EventID> = []
    /// The read model in the file, once a caller has used it.
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
        steps = WriterSteps(single: tuning.writerSteps, group: tuning.groupSteps)
        rows = try EventInsertion(connection, reader.index)
        settling = try TailSettling(connection, reader.index, tuning)
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        rollback = try connection.prepare("ROLLBACK")
        checkpoints = CheckpointSchedule(connection, tuning.checkpoints, gate)
        try reload()
    }

    /// An append whose commit fails is not shown.
    var unacknowledgedHead: Position? { nil }

    /// Executes a group of requests and returns their results in order.
    func execute(_ requests: [WriterRequest]) -> [Result<Answer, any Error>] {
        // Before the first write it is certain that nothing of the group is stored.
        if failure == nil { failure = replacement(.database) }
        if let failure { return requests.map { refuse($0, failure) } }
        steps.renew()
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

    /// Returns the answer when writes are impossible. It holds after a reopening too: unknown outcomes stay unknown.
    private func refuse(_ request: WriterRequest, _ failure: StoreError) -> Result<Answer, any Error> {
        guard case .append(let prepared) = request else { return .failure(failure) }
        let request = prepared.request
        do {
            // If a transaction could not be rolled back, uncommitted events would look stored.
            if failure.code == .fileReplaced {
                // The known events are in a file that may be gone, or may come back.
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
            // It is unknown whether an earlier append has stored it.
        }
        return .failure(failure.withUnknownOutcome)
    }

    /// Moves the write-ahead log into the file when it has grown long. Called after the answers are sent.
    func maintain() {
        guard failure == nil else { return }
        if checkpoints.isDue, let replaced = replacement(.all) { return failure = replaced }
        do {
            try checkpoints.runIfDue()
        } catch  where error.isFatal {
            failure = error.storeError("a checkpoint failed; the store accepts no more appends")
        } catch {
            // The disk is full, or a reader prevents it. The log keeps everything, and the next commit tries again.
        }
    }

    /// The bytes of the write-ahead log that are not in the file yet.
    var logBytes: Int? { connection.pagesInLog * 4096 }

    /// Leaves one file behind, if the disk is healthy and no other connection reads the log.
    ///
    /// - Returns: whether it is certain that nothing was ever written to the store: no event, no progress, no row.
    func finish() -> Bool {
        guard failure == nil else { return false }
        try? connection.checkpoint(truncating: true)
        let written = try? connection.number(
            """
            SELECT (SELECT count(*) FROM tracking) + (SELECT count(*) FROM sqlite_schema WHERE name = 'sillok_format')
            """)
        return head == 0 && written == 0
    }

    /// Executes one request within the transaction. A request that fails on its own has written nothing.
    private func carryOut(_ request: WriterRequest) throws -> Result<Answer, any Error> {
        switch request {
        case .append(let prepared): return try append(prepared)
        case .model(let request): return try execute(request)
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
            let isAllowed = try steps.allow(prepared, in: self, head: head, limits: limits)
            guard isAllowed else { return .success(.undecided) }
            try request.checkTracking { try reader.tracked($0) }
            let times = try request.recordedTimes(after: lastRecorded, now: clock.now())
            let receipt = try project(request, times) { try record(prepared, times) }
            return .success(.appended(receipt, head: Position(UInt64(head))))
        } catch {
            guard let refusal = AppendError(known: error), refusal.isOfAppendAlone else { throw error }
            return .failure(refusal)
        }
    }

    /// The steps that conditions of the group may still use here before readers judge them.
    var stepsLeft: Int { steps.left }

    /// Records an append and lets the inline projections apply it, or rolls all of it back.
    private func project(_ request: AppendRequest, _ times: [Int64], _ record: () throws -> Receipt) throws -> Receipt {
        guard let model, model.hasRules else { return try record() }
        return try model.undoable {
            let receipt = try record()
            try model.take(request.recorded(receipt, times: times))
            return receipt
        } undone: {
            try reloadLog()
        }
    }

    /// Uses the read model. If it fails on its own, nothing was written.
    private func execute(_ request: ModelRequest) throws -> Result<Answer, any Error> {
        do {
            let model = try model ?? Part(connection).run { try InlineModel(connection, protecting: Schema.tables) }
            self.model = model
            return .success(.modelled(isDone: try model.execute(request) { try reader.pageForRule($0, after: $1) }))
        } catch  where !(error is SQLiteFailure) {
            return .failure(error)
        }
    }

    /// Returns the receipt of the earlier append of these events, or `nil`.
    private func firstReceipt(of request: AppendRequest) throws -> Receipt? {
        try request.firstReceipt(unless: rows.isCertainlyNew) { try reader.event($0) }
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
            try rows.insert(entry.event, header, link: lastLink, category: category, names: reader.names)
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

    /// Returns whether the revision of a stream is in memory.
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
            // The commit may be in the log of the file although it failed here. Only a full disk means that it is not.
            let outcome: StoreError.Outcome = error.primary == SQLITE_FULL ? .definite : .unknown
            let reported = error.storeError("the append could not be committed", outcome: outcome)
            if outcome == .unknown {
                for request in requests { unsettled.formUnion(request.events) }
            }
            recover(from: error)
            return answers.map { answer in
                // A conflict may be with events of this group, which are not recorded now.
                switch answer {
                case .failure(AppendError.invalid): return answer
                case .success(.undecided): return answer
                default: return .failure(reported)
                }
            }
        }
        commits &+= 1
        let scope: OpenFiles.Scope = commits % Self.commitsBetweenFullChecks == 0 ? .all : .written
        guard let replaced = replacement(scope) else { return answers }
        // The commit is on the disk, in a file that no path may lead to any more.
        failure = replaced
        return answers.map { answer in
            if case .success = answer { .failure(replaced.withUnknownOutcome) } else { .failure(replaced) }
        }
    }

    /// Returns why no append may be acknowledged: other files are at the paths than the open ones; else `nil`.
    private func replacement(_ scope: OpenFiles.Scope) -> StoreError? {
        connection.file?.replacement(scope)?.endingAppends
    }

    /// Ends a group that failed before its commit: nothing is stored. A repeat of a stored append gets its receipt.
    private func abandon(_ requests: [WriterRequest], _ error: any Error) -> [Result<Answer, any Error>] {
        let failed = (error as? SQLiteFailure) ?? SQLiteFailure(code: SQLITE_CORRUPT, message: "\(error)")
        recover(from: failed)
        let reported = failed.storeError("the append could not be written")
        return requests.map { refuse($0, reported) }
    }

    /// Returns to the last committed state, or stops all further writes if the disk cannot be trusted: after an I/O
    /// error or in a damaged file. A full disk is neither, and its outcome is definite.
    private func recover(from error: SQLiteFailure) {
        do {
            if connection.isInTransaction { try rollback.run() }
            if error.isFatal {
                try reader.index.reload()
                failure = error.storeError("the disk failed; the store accepts no more appends")
            } else {
                try reload()
            }
        } catch {
            let cause = (error as? SQLiteFailure) ?? SQLiteFailure(code: SQLITE_IOERR, message: "\(error)")
            failure = cause.storeError("a rollback failed; the store accepts no more appends")
        }
    }

    /// Reloads the values that are kept in memory.
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

    /// Returns the link of a position, from which the next link is computed.
    private func link(of position: Int64, in chain: Chain) throws -> ChainDigest {
        let position = Position(UInt64(position))
        if position.next == chain.start { return chain.genesis }
        if let link = try reader.links(after: position.previous, limit: 1).first, link.position == position {
            return link.digest
        }
        throw StoreError(
            .corrupt,
            "the event at position \(position), the last one, has no link in the hash chain. "
                + "Run `sillok verify --chain`; to continue without a chain, open the store with keepsChain: false.")
    }
}
