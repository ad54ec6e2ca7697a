import SillokCore
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokThreads

/// The thread that moves a full part of the index from memory to the index file, in slices in the order of keys.
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
        /// Whether the filter has to be filled from the file.
        var isLoading = true
        var isClosing = false
        var isStopped = false
    }

    private enum Step: Sendable {
        case move(IndexPart, end: Int64)
        case load
        case stop
    }

    private let view: SharedView
    private let segments: SegmentReader
    private let tuning: LogTuning
    private let state = Lock(State())
    /// What is known about the keys of the file.
    let filter: TableFilter

    /// Starts the thread.
    init(
        _ writer: EntryWriter, _ view: SharedView, _ segments: SegmentReader, _ filter: TableFilter, _ tuning: LogTuning
    ) {
        (self.view, self.segments, self.filter, self.tuning) = (view, segments, filter, tuning)
        let handover = Handover(writer)
        startThread { [self] in
            var loading = FilterLoading(filter)
            while let writer = handover.value {
                switch state.wait(until: { Self.next(&$0) }) {
                case .move(let part, let end):
                    let failure = move(part, through: end, writer, &loading)
                    state.withLock { state in
                        state.failure = failure
                        if failure == nil { state.full = nil }
                    }
                    state.wakeAll()
                case .load: load(&loading, writer)
                case .stop: handover.release()
                }
            }
            state.withLock { $0.isStopped = true }
            state.wakeAll()
        }
    }

    private static func next(_ state: inout State) -> Step? {
        if state.isClosing { return .stop }
        guard state.isWoken, let part = state.full else { return state.isLoading ? .load : nil }
        state.isWoken = false
        return .move(part, end: state.end)
    }

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
            return state.failure.map { .some($0) }
        }
        if let failure { throw failure }
    }

    /// Returns the part for the next entries: the given one, or a new one if it is full and no other is being moved.
    ///
    /// - Parameter end: the last durable position, up to which the part has entries.
    func freezeIfFull(_ part: IndexPart, at end: Int64) -> IndexPart {
        let count = part.count
        guard count >= tuning.partEntries else { return part }
        let isFree = state.withLock { state in
            guard state.full == nil, !state.isClosing else { return false }
            (state.full, state.end, state.isWoken) = (part, end, true)
            return true
        }
        guard isFree else { return part }
        let next = IndexPart(after: end, capacity: tuning.partEntries)
        view.add(next)
        state.wakeAll()
        return next
    }

    /// Moves all entries of a part; returns why that failed, or `nil`.
    private func move(
        _ part: IndexPart, through end: Int64, _ writer: EntryWriter, _ loading: inout FilterLoading
    ) -> StoreError? {
        do {
            let contents = part.contents.withLock { $0 }
            let entries = contents.tail.sortedEntries.map { IndexEntry(key: $0.key, position: $0.position) }
            for start in stride(from: 0, to: entries.count, by: tuning.movedSlice) {
                if state.withLock({ $0.isClosing }) { return nil }
                let slice = entries[start..<min(start + tuning.movedSlice, entries.count)]
                // Before readers can look for them in the file.
                filter.add(slice)
                try writer.committing { try writer.write(slice) }
                // However often parts are full, the filter is complete at some time.
                if loading.isUnfinished { load(&loading, writer) }
            }
            let id = try segments.record(at: UInt64(clamping: end)) { try $0.id }
            try writer.committing { try writer.finish(contents.streams, contents.tracking, through: end, id) }
            view.removeFirst(part)
            return nil
        } catch {
            return StoreError.storing(error)
        }
    }

    /// Blocks the calling thread until no part waits to be moved, or the move has failed.
    func settle() { state.wait { $0.full == nil || $0.failure != nil || $0.isStopped ? () : nil } }

    /// Adds a slice of the keys of the file to the filter.
    private func load(_ loading: inout FilterLoading, _ writer: EntryWriter) {
        do {
            try loading.step(writer, rows: tuning.movedSlice)
        } catch {
            // The file cannot be read. The reader or the move that needs it reports that.
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
