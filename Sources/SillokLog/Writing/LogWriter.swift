import SillokChain
import SillokCore
import SillokIndex
import SillokSegments
import SillokStorage

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
    func execute(_ requests: [LogRequest]) -> [Result<LogAnswer, any Error>] {
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
        var answers: [Result<LogAnswer, any Error>] = []
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

    private func append(_ request: LogRequest) throws -> Result<LogAnswer, any Error> {
        let (prepared, append) = (request.prepared, request.prepared.request)
        do {
            if let receipt = try firstReceipt(of: request) { return .success(.appended(receipt, head: draft.position)) }
            try limits.checkTimes(of: append, clock: clock.now())
            for unchanged in append.condition.unchanged { try reader.check(unchanged.seen, draft.head) }
            guard try steps.allow(prepared, in: self, head: draft.head, limits: limits) else {
                return .success(.undecided)
            }
            try append.checkTracking { try draft.tracking[$0] ?? reader.tracked($0) }
            let times = try append.recordedTimes(after: draft.lastRecorded, now: clock.now())
            let receipt = try project(append, times) { try record(request, times) }
            return .success(.appended(receipt, head: draft.position))
        } catch {
            guard let refusal = AppendError(known: error), refusal.isOfAppendAlone else { throw error }
            return .failure(refusal)
        }
    }

    /// Returns the receipt of the earlier append of these events, or `nil`.
    private func firstReceipt(of request: LogRequest) throws -> Receipt? {
        var candidates: [(key: Int64, value: Int)] = []
        for event in request.keyEnds.indices {
            let key = request.idKey(event)
            if IndexKey.isTimeOrdered(key) && key > highestOrderedKey { continue }
            if candidates.isEmpty { candidates.reserveCapacity(request.keyEnds.count - event) }
            candidates.append((key, event))
        }
        candidates = candidates.isEmpty ? [] : reader.known(candidates)
        if candidates.isEmpty { return nil }
        return try request.prepared.request.firstReceipt(among: candidates.map(\.value)) { try reader.event($0) }
    }

    /// Adds the events of an append to the group and their entries to the index.
    private func record(_ request: LogRequest, _ times: [Int64]) throws -> Receipt {
        let append = request.prepared.request
        let first = draft.head + 1
        var stamps: [EventStamp] = []
        stamps.reserveCapacity(times.count)
        var run = StreamRun()
        for (index, (entry, time)) in zip(append.entries, times).enumerated() {
            var revision = Revision.none
            if let stream = entry.stream {
                // The entries of this append are not in the index yet, but the revisions in memory count them.
                if run.stream != stream {
                    end(&run)
                    run.begin(stream, at: try run.revisions[stream] ?? self.revision(of: stream))
                }
                run.revision = run.revision.next
                revision = run.revision
                if revision.value == 1 { draft.streams.append(stream) }
            }
            draft.head += 1
            if let previous = draft.lastLink {
                draft.lastLink = Chain.link(
                    after: previous, draft.position, revision, Timestamp(microsecondsSince1970: time),
                    request.prepared.facts[index])
            }
            stamps.append(EventStamp(revision: revision.value, recorded: time, link: draft.lastLink))
            let key = request.idKey(index)
            if IndexKey.isTimeOrdered(key) { highestOrderedKey = max(highestOrderedKey, key) }
        }
        end(&run)
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
            mark: EventMark(position: draft.position, id: append.entries.last?.event.id), revisions: run.revisions,
            recordedAt: times.last.map { Timestamp(microsecondsSince1970: $0) } ?? clock.now())
    }

    /// Keeps the revision that a run of events of one stream has reached.
    private func end(_ run: inout StreamRun) {
        guard let stream = run.stream else { return }
        run.revisions[stream] = run.revision
        remember(run.revision, of: stream)
    }

    /// Adds the entries of an append to the index. Readers ignore them until the head is published.
    private func add(_ request: LogRequest, from first: Int64) {
        part.contents.withLock { contents in
            request.keys.withUnsafeBufferPointer { keys in
                var (position, start) = (first, 0)
                for end in request.keyEnds {
                    for index in start..<end { contents.tail.add(keys[index], position) }
                    (position, start) = (position + 1, end)
                }
            }
        }
    }
}
