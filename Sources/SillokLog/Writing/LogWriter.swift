import SillokChain
import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage
import SillokThreads

/// The thread's state for appending: it executes groups of appends, each group with one write and one sync of the log.
///
/// Belongs to the writer thread. Every append of a group is checked against the earlier ones, so a group has the same
/// result as single appends. Nothing of a group is shown or answered before the sync of the group has returned.
final class LogWriter {
    let log: SegmentLog
    let reader: LogReader
    /// The hash chain, if the store keeps one.
    let chain: Chain?
    let clock: WallClock
    private let limits: Limits
    let tuning: LogTuning
    let view: SharedView
    let mover: IndexMover
    let folder: FolderCheck
    let upkeep: LogUpkeep
    /// Has a mark written when the log is idle.
    let timer: IdleTimer
    private var steps: WriterSteps
    var buffer: GroupBuffer
    /// What the group that is being written has added.
    var draft: GroupDraft
    /// The state after the last durable group.
    var durable: GroupDraft
    /// The revisions of streams as of the last write, up to a maximum number of streams.
    var revisions: [StreamID: Revision] = [:]
    /// The highest stored key of a time-ordered id. A higher key is certainly new.
    private var highestOrderedKey: Int64
    /// The part that takes the entries of new events.
    var part: IndexPart
    /// The file of the read model.
    let rowsFile: RowsFile
    /// The rows of the read model, once a caller has used it.
    var rows: RowsWriter?
    /// The error for all further appends, once the disk has failed or the store was replaced.
    var failure: StoreError?
    /// The time that the last sync took.
    var syncTime = Duration.zero
    /// Whether any source was tracked since the store was opened, or before.
    private(set) var hasTracked: Bool
    /// The ids of appends whose outcome is unknown.
    var unsettled: Set<EventID> = []

    init(_ opened: OpenedLog, limits: Limits, clock: WallClock, tuning: LogTuning) throws {
        (self.limits, self.clock, self.tuning) = (limits, clock, tuning)
        (log, view, mover, folder) = (opened.log, opened.view, opened.mover, opened.check)
        upkeep = LogUpkeep(opened.log.upkeep, clock)
        timer = IdleTimer(after: tuning.idleTime)
        reader = try opened.readerMaker(limits: limits)()
        chain = opened.chain
        steps = WriterSteps(single: tuning.writerSteps, group: tuning.groupSteps)
        buffer = GroupBuffer(for: opened.log.identity, tuning.segments)
        let start = opened.view.current
        part = start.parts.last ?? IndexPart(after: start.head, capacity: tuning.partEntries)
        highestOrderedKey = opened.highestOrderedKey
        durable = try GroupDraft(opened.log.reader, head: start.head, chain)
        draft = durable
        hasTracked = opened.hasTracked()
        rowsFile = RowsFile(folder: opened.folder, opened.log.identity.store)
    }

    /// Opens the rows of the read model, if there are any. Ends the threads of the writer if that fails.
    func openRows() throws {
        do {
            rows = try rowsFile.writerIfUsed(reader, tuning)
        } catch {
            finish()
            throw error
        }
    }

    /// The steps that conditions of the group may still use here before readers judge them.
    var stepsLeft: Int { steps.left }

    /// Executes a group of appends and returns their results in order.
    func execute(_ requests: [LogRequest]) -> [Result<WorkAnswer, any Error>] {
        if failure == nil { failure = folder.replacement?.endingAppends }
        if let failure { return requests.map { refuse($0.prepared.request, failure) } }
        do {
            try mover.waitForSurvey()
        } catch {
            return requests.map { _ in .failure(error) }
        }
        do {
            try mover.makeRoom(for: part)
            try reader.renew()
            // A rebuild of the index finds keys after the opening.
            highestOrderedKey = max(highestOrderedKey, mover.filter.highestOrdered)
            try rows?.beginGroup(reader)
        } catch {
            let reported = StoreError.storing(error)
            return requests.map { refuse($0.prepared.request, reported) }
        }
        steps.renew()
        draft = durable
        reader.pending = PendingEvents(after: draft.head)
        defer { reader.pending = nil }
        buffer.begin(first: UInt64(clamping: draft.head) + 1)
        var answers: [Result<WorkAnswer, any Error>] = []
        answers.reserveCapacity(requests.count)
        do {
            for request in requests { answers.append(try append(request)) }
            try rows?.flush()
        } catch {
            undo()
            let reported = StoreError.storing(error)
            return requests.map { refuse($0.prepared.request, reported) }
        }
        if buffer.records > 0 { return conclude(requests, answers) }
        rows?.undo()
        return answers
    }

    private func append(_ request: LogRequest) throws -> Result<WorkAnswer, any Error> {
        let (prepared, append) = (request.prepared, request.prepared.request)
        do {
            if let receipt = try firstReceipt(of: request) { return .success(.appended(receipt, head: draft.position)) }
            if request.hasGivenTimes { try limits.checkTimes(of: append, clock: clock.now()) }
            for unchanged in append.condition.unchanged { try reader.check(unchanged.seen, draft.head) }
            guard try steps.allow(prepared, in: self, head: draft.head, limits: limits) else {
                return .success(.undecided)
            }
            try append.checkTracking { try draft.tracking[$0] ?? reader.tracked($0) }
            let times = try recordedTimes(of: request)
            let receipt = try project(append, times) { try record(request, times) }
            return .success(.appended(receipt, head: draft.position))
        } catch {
            guard let refusal = AppendError(known: error), refusal.isOfAppendAlone else { throw error }
            return .failure(refusal)
        }
    }

    /// Returns the times to record, which never decrease.
    private func recordedTimes(of request: LogRequest) throws -> [Int64] {
        let (append, last, now) = (request.prepared.request, draft.lastRecorded, clock.now())
        if request.hasGivenTimes { return try append.recordedTimes(after: last, now: now) }
        return Array(repeating: max(now.microsecondsSince1970, last), count: append.entries.count)
    }

    /// Returns the receipt of the earlier append of these events, or `nil`.
    private func firstReceipt(of request: LogRequest) throws -> Receipt? {
        let candidates: [Int]
        if request.highestOrderedKey < 0 {
            candidates = reader.known(request.idKeys)
        } else {
            let keys = request.idKeys
            let some = keys.indices.filter { !IndexKey.isTimeOrdered(keys[$0]) || keys[$0] <= highestOrderedKey }
            candidates = some.isEmpty ? [] : reader.known(some.map { keys[$0] }).map { some[$0] }
        }
        if candidates.isEmpty { return nil }
        return try request.prepared.request.firstReceipt(among: candidates) { try reader.event($0) }
    }

    /// Adds the events of an append to the group and their entries to the index.
    private func record(_ request: LogRequest, _ times: [Int64]) throws -> Receipt {
        let (append, first) = (request.prepared.request, draft.head + 1)
        var (stamps, revisions): ([EventStamp], [StreamID: Revision]) = ([], [:])
        stamps.reserveCapacity(times.count)
        for run in request.streamRuns {
            guard let stream = run.stream else {
                _ = addStamps(to: &stamps, request, run.events, times, after: nil)
                continue
            }
            // The entries of this append are not in the index yet, but the revisions in memory count them.
            let before = try revisions[stream] ?? self.revision(of: stream)
            if before == .none { draft.streams.append(stream) }
            let last = addStamps(to: &stamps, request, run.events, times, after: before)
            revisions[stream] = last
            remember(last, of: stream)
        }
        highestOrderedKey = max(highestOrderedKey, request.highestOrderedKey)
        reader.pending?.append(request.prepared, stamps, after: first - 1)
        if let last = times.last { draft.lastRecorded = last }
        add(request, from: first)
        buffer.add(request.records) { stamps[$0] }
        if let tracking = append.tracking {
            draft.tracking[tracking.source] = tracking
            hasTracked = true
        }
        reader.extend(to: draft.head)
        return Receipt(
            firstPosition: Position(UInt64(clamping: min(first, draft.head))),
            mark: EventMark(position: draft.position, id: append.entries.last?.event.id), revisions: revisions,
            recordedAt: times.last.map { Timestamp(microsecondsSince1970: $0) } ?? clock.now())
    }

    /// Adds what the log adds to events that follow one another: those of one stream after a revision, or of none.
    ///
    /// - Returns: the revision of the last event.
    private func addStamps(
        to stamps: inout [EventStamp], _ request: LogRequest, _ events: Range<Int>, _ times: [Int64],
        after before: Revision?
    ) -> Revision {
        var (revision, link) = (before ?? .none, draft.lastLink)
        for event in events {
            if before != nil { revision = revision.next }
            draft.head += 1
            if let previous = link {
                link = Chain.link(
                    after: previous, draft.position, revision, Timestamp(microsecondsSince1970: times[event]),
                    request.prepared.facts[event])
            }
            stamps.append(EventStamp(revision: revision.value, recorded: times[event], link: link))
        }
        draft.lastLink = link
        return revision
    }

    /// Adds the entries of an append to the index. Readers ignore them until the head is published.
    private func add(_ request: LogRequest, from first: Int64) {
        part.contents.withLock { contents in
            for run in request.nameRuns {
                contents.tail.add(
                    ids: request.idKeys[run.events], names: request.nameKeys[run.names],
                    from: first + Int64(run.events.lowerBound))
            }
        }
    }
}
