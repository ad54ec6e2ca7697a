import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokThreads

/// The thread that moves a full part of the index from memory to the index file, in slices in the order of keys. It
/// also rebuilds the index after an opening that found it missing, damaged or far behind.
///
/// Appends continue meanwhile and fill the next part. If that is full too, they wait: memory stays bounded.
final class IndexMover: Sendable {
    private struct State {
        var full: IndexPart?
        /// The position up to which the full part has entries.
        var end: Int64 = 0
        /// Why the last attempt failed. The next one begins when the thread is woken.
        var failure: StoreError?
        var isWoken = false
        /// Whether the index has to be rebuilt.
        var isBehind: Bool
        /// Whether a reader has found that the file is damaged; the number of the file.
        var damaged: Int?
        /// Whether the filter has to be filled from the file.
        var isLoading: Bool
        /// Whether runs of the file are to be merged, or what merges have left is to be deleted.
        var isMerging: Bool
        /// Whether the writer needs the space that the write-ahead log of the file takes.
        var isRoomWanted = false
        /// Whether appends that wait are to be refused, because the store is being closed.
        var isRefusing = false
        var isClosing = false
        var isStopped = false
    }

    private enum Step: Sendable {
        case move(IndexPart, end: Int64)
        case rebuild
        case replace(Int)
        case load
        case merge
        case giveBack
        case stop
    }

    private let view: SharedView
    private let segments: SegmentReader
    private let tuning: LogTuning
    private let state: Lock<State>
    /// What is known about the keys of the file.
    let filter: TableFilter
    /// Is held while the file is replaced, so that no reader opens one without tables.
    let fileLock = Lock(())

    /// Starts the thread. `newWriter` replaces the file by an empty one.
    init(
        _ writer: EntryWriter, _ opened: (view: SharedView, segments: SegmentReader, keys: LogKeys),
        _ filter: TableFilter, _ tuning: LogTuning, _ progress: @escaping @Sendable (WorkProgress) -> Void,
        newWriter: @escaping @Sendable () throws -> EntryWriter
    ) {
        (view, segments, self.filter, self.tuning) = (opened.view, opened.segments, filter, tuning)
        state = Lock(
            State(
                isBehind: opened.view.current.gap != nil, isLoading: !filter.isLoaded,
                isMerging: writer.runs.hasWork))
        let handover = Handover(writer)
        startThread { [self] in
            var work = Work(
                writer: handover.value, loading: FilterLoading(filter),
                builder: IndexBuilder(view, segments, opened.keys, filter, tuning, progress), newWriter: newWriter)
            handover.release()
            if filter.isLoaded { work.loading.cancel() }
            while work.writer != nil { run(state.wait { Self.next(&$0) }, &work) }
            state.withLock { $0.isStopped = true }
            state.wakeAll()
        }
    }

    /// What the thread works with.
    private struct Work {
        var writer: EntryWriter?
        var loading: FilterLoading
        var builder: IndexBuilder
        let newWriter: () throws -> EntryWriter
    }

    private static func next(_ state: inout State) -> Step? {
        if state.isClosing { return .stop }
        if state.isRoomWanted { return .giveBack }
        if let file = state.damaged { return .replace(file) }
        if state.isWoken, let part = state.full {
            state.isWoken = false
            return .move(part, end: state.end)
        }
        if state.isBehind { return .rebuild }
        // Merges give the chunks of a file other places, which the loading could pass over.
        if state.isLoading { return .load }
        return state.isMerging ? .merge : nil
    }

    private func run(_ step: Step, _ work: inout Work) {
        guard let writer = work.writer else { return }
        switch step {
        case .move(let part, let end):
            guard view.current.gap == nil else { return take(part, through: end, work.builder) }
            let failure = move(part, through: end, writer, &work.loading)
            let isMerging = writer.runs.hasWork
            state.withLock { state in
                state.failure = failure
                if failure == nil { (state.full, state.isMerging) = (nil, isMerging) }
            }
            state.wakeAll()
        case .rebuild: rebuild(&work, writer)
        case .replace(let file): replace(file, &work)
        case .load: load(&work.loading, writer)
        case .merge: merge(writer)
        case .giveBack: giveBack(writer)
        case .stop: work.writer = nil
        }
    }

    // MARK: For the thread that appends

    /// Blocks the calling thread while the part that is written to is twice as full as it should be and an earlier one
    /// is still being moved.
    ///
    /// - Throws: `StoreError` if the earlier one cannot be moved, also not by an attempt of this call.
    func makeRoom(for part: IndexPart) throws(StoreError) {
        guard part.count >= 2 * tuning.partEntries else { return }
        // The last attempt may have failed long ago, for example when the disk was full.
        state.withLock { state in
            if state.failure != nil { (state.failure, state.isWoken) = (nil, true) }
        }
        state.wakeAll()
        let failure: StoreError? = state.wait { state -> StoreError?? in
            if state.full == nil || state.isStopped { return .some(nil) }
            if state.isRefusing { return .some(StoreError.storeClosed) }
            return state.failure.map { .some($0) }
        }
        if let failure { throw failure }
    }

    /// Empties the write-ahead log of the index, which can be larger than the index, and blocks the calling thread
    /// until that is done. For a full disk.
    func giveBackRoom() {
        state.withLock { $0.isRoomWanted = true }
        state.wakeAll()
        state.wait { $0.isRoomWanted && !$0.isStopped ? nil : () }
    }

    /// Blocks the calling thread until the survey of a rebuild is complete.
    ///
    /// - Throws: `StoreError` if that takes long, or fails. It is not known then whether the log has the events of an
    ///   append already, so its outcome is unknown.
    func waitForSurvey() throws(StoreError) {
        guard let gap = view.current.gap, !gap.isSurveyed else { return }
        let failure: StoreError? = state.wait { state -> StoreError?? in
            guard let gap = view.current.gap, !gap.isSurveyed, !state.isStopped else { return .some(nil) }
            if state.isRefusing { return .some(StoreError.storeClosed.withUnknownOutcome) }
            if let failure = state.failure { return .some(failure.withUnknownOutcome) }
            if gap.count > tuning.surveyedEvents { return .some(gap.refusal("the append was not tried", .unknown)) }
            return nil
        }
        if let failure { throw failure }
    }

    /// Refuses appends that wait for a rebuild from now on, because the store is being closed.
    func refuseWaiting() {
        state.withLock { $0.isRefusing = true }
        state.wakeAll()
    }

    /// Returns the part for the next entries: the given one, or a new one if it is full and no other is being moved.
    ///
    /// - Parameter end: the last durable position, up to which the part has entries.
    func freezeIfFull(_ part: IndexPart, at end: Int64) -> IndexPart {
        let count = part.count
        guard count >= tuning.partEntries else { return part }
        guard state.withLock({ $0.full == nil && !$0.isClosing }) else { return part }
        // The thread may take the part at once, so the next one is there before.
        let next = IndexPart(after: end, capacity: tuning.partEntries)
        view.add(next)
        state.withLock { ($0.full, $0.end, $0.isWoken) = (part, end, true) }
        state.wakeAll()
        return next
    }

    // MARK: The work of the thread

    /// Moves all entries of a part; returns why that failed, or `nil`.
    private func move(
        _ part: IndexPart, through end: Int64, _ writer: EntryWriter, _ loading: inout FilterLoading
    ) -> StoreError? {
        do {
            let contents = part.contents.withLock { $0 }
            let entries = contents.tail.sortedEntries.map { IndexEntry(key: $0.key, position: $0.position) }
            let id = try segments.record(at: UInt64(clamping: end)) { try $0.id }
            let isMoved = try writer.move(entries, by: tuning.movedSlice) { slice in
                if state.withLock({ $0.isClosing }) { return false }
                // However often parts are full, the filter is complete at some time.
                if loading.isUnfinished { load(&loading, writer) }
                // Before readers can look for them in the file.
                filter.add(slice)
                return true
            } finish: {
                try writer.finish(contents.streams, contents.tracking, through: end, id)
            }
            if isMoved { view.removeFirst(part) }
            return nil
        } catch {
            note(error, writer)
            return StoreError.storing(error)
        }
    }

    /// Moves the write-ahead log into the file and empties it, if the writer needs its space and no reader uses it.
    private func giveBack(_ writer: EntryWriter) {
        guard state.withLock({ $0.isRoomWanted }) else { return }
        writer.emptyWriteAheadLog()
        state.withLock { $0.isRoomWanted = false }
        state.wakeAll()
    }

    /// Blocks the calling thread until no part waits to be moved, the index is complete and its runs are merged, or the
    /// work has failed.
    func settle() {
        state.wait { state in
            let isSettled = state.full == nil && !state.isBehind && !state.isMerging
            return isSettled || state.failure != nil || state.isStopped ? () : nil
        }
    }

    /// Does a part of a merge. After a failure the next one begins when entries have been moved.
    private func merge(_ writer: EntryWriter) {
        var isMerging = false
        do {
            try writer.runs.step(entries: tuning.movedSlice)
            isMerging = writer.runs.hasWork
        } catch {
            note(error, writer, isOfFile: true)
        }
        state.withLock { $0.isMerging = isMerging }
        state.wakeAll()
    }

    /// Adds a slice of the keys of the file to the filter.
    private func load(_ loading: inout FilterLoading, _ writer: EntryWriter) {
        do {
            try loading.step(writer, rows: tuning.movedSlice)
        } catch {
            note(error, writer, isOfFile: true)
            loading.cancel()
        }
        if !loading.isUnfinished { state.withLock { $0.isLoading = false } }
    }

    /// Ends the thread after the slice that it writes, and waits for it. The rest is moved after the next opening.
    func stop() {
        state.withLock { $0.isClosing = true }
        state.wakeAll()
        state.wait { $0.isStopped ? () : nil }
    }
}

// The rebuild of the index.
extension IndexMover {
    /// The progress of the rebuild; `nil` if the index is complete.
    var progress: WorkProgress? { view.current.progress }

    private func rebuild(_ work: inout Work, _ writer: EntryWriter) {
        guard tuning.mayRebuild() else {
            _ = state.wait(for: .milliseconds(1)) { $0.isClosing || $0.isWoken ? () : nil }
            return
        }
        do {
            try work.builder.step(writer) { [builder = work.builder] in
                giveBack(writer)
                let (part, isEnding) = state.withLock { state in
                    let part = state.isWoken ? state.full.map { ($0, state.end) } : nil
                    return (part, state.isClosing || state.damaged != nil)
                }
                if let part { take(part.0, through: part.1, builder) }
                return isEnding
            }
            let isMerging = writer.runs.hasWork
            state.withLock { state in
                (state.isBehind, state.failure, state.isMerging) = (view.current.gap != nil, nil, isMerging)
                // A part that did not become one of the gap is moved now.
                if !state.isBehind { state.isWoken = state.full != nil }
            }
            state.wakeAll()
        } catch is CancellationError {
            // The next step begins again behind the last batch.
        } catch {
            note(error, writer)
            pause(after: error)
        }
    }

    /// Waits before the next attempt. Appends that wait fail with the error.
    private func pause(after error: any Error) {
        let failure = StoreError.storing(error)
        state.withLock { $0.failure = failure }
        state.wakeAll()
        _ = state.wait(for: tuning.rebuildPause) { $0.isClosing || $0.isRoomWanted ? () : nil }
        state.withLock { $0.failure = nil }
    }

    /// Adds a full part to the gap, unless the gap is nearly closed, so that the part can soon be moved as usual.
    private func take(_ part: IndexPart, through end: Int64, _ builder: IndexBuilder) {
        state.withLock { $0.isWoken = false }
        guard let gap = view.current.gap, gap.isSurveyed else { return }
        let isLong = gap.count > 4 * gap.chunkEvents || tuning.extendsEveryGap
        guard isLong, gap.count + end - part.start <= tuning.surveyedEvents else { return }
        builder.take(part, through: end)
        state.withLock { $0.full = nil }
        state.wakeAll()
    }

    /// Has the file replaced if an error shows that it is damaged. On a full disk, empties its write-ahead log, so that
    /// the next attempt has space.
    ///
    /// - Parameter isOfFile: whether wrong contents can only be those of the file, and not those of the log.
    private func note(_ error: any Error, _ writer: EntryWriter, isOfFile: Bool = false) {
        let failure = error as? SQLiteFailure
        let isDamage = failure?.isOfDamage ?? (isOfFile && (error as? StoreError)?.code == .corrupt)
        let file = view.current.file
        if isDamage { state.withLock { $0.damaged = file } }
        if failure?.isFull == true { writer.emptyWriteAheadLog() }
    }

    /// Has a damaged file replaced and the index rebuilt, unless that has begun.
    func replaceDamaged(_ file: Int) {
        state.withLock { if file == view.current.file { $0.damaged = file } }
        state.wakeAll()
    }

    /// Replaces the file by an empty one. All events but those in memory are in the gap then.
    private func replace(_ file: Int, _ work: inout Work) {
        guard file == view.current.file else { return state.withLock { $0.damaged = nil } }
        work.loading.cancel()
        filter.setSurveyed(false)
        // From now on no reader uses a file. Those that open one meanwhile open the next one again.
        view.update { view in view.gap = view.start > 0 ? IndexGap(after: 0, through: view.start, tuning) : nil }
        do {
            try fileLock.withLock { _ in work.writer = try work.newWriter() }
            view.update { $0.file += 1 }
            let isBehind = view.current.gap != nil
            // After the survey the filter has every key.
            filter.complete()
            filter.setSurveyed(!isBehind)
            state.withLock { state in
                (state.damaged, state.isBehind, state.isLoading, state.failure) = (nil, isBehind, false, nil)
                state.isMerging = false
                state.isWoken = state.full != nil
            }
            state.wakeAll()
        } catch {
            pause(after: error)
        }
    }
}
