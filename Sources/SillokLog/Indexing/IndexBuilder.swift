import SillokCore
import SillokIndexFile
import SillokSegments
import SillokStorage

/// Rebuilds the index of the events in the gap of a view, step by step: after the file was lost, or when it is far
/// behind. Belongs to the thread that moves entries.
///
/// First a survey reads all of these events once. Appends wait for it, because only then is it known which ids and
/// streams are new. Then the entries are written to the file in large sorted batches.
struct IndexBuilder {
    private let view: SharedView
    private let segments: SegmentReader
    private let keys: LogKeys
    private let filter: TableFilter
    private let tuning: LogTuning
    private let progress: @Sendable (WorkProgress) -> Void
    private let end: UInt64
    private var percent: UInt64?

    init(
        _ view: SharedView, _ segments: SegmentReader, _ keys: LogKeys, _ filter: TableFilter, _ tuning: LogTuning,
        _ progress: @escaping @Sendable (WorkProgress) -> Void
    ) {
        (self.view, self.segments, self.keys, self.filter) = (view, segments, keys, filter)
        (self.tuning, self.progress) = (tuning, progress)
        end = UInt64(clamping: view.current.head)
    }

    /// Surveys some events of the gap, or writes the entries of some. Calls `pause` between short pieces of work, which
    /// returns whether to end.
    mutating func step(_ writer: EntryWriter, _ pause: () throws -> Bool) throws {
        guard let gap = view.current.gap else { return }
        if gap.isSurveyed || gap.count > tuning.surveyedEvents {
            try write(gap, writer, pause)
        } else {
            try survey(gap)
        }
        guard let now = view.current.progress else {
            return progress(WorkProgress(step: "index", done: max(end, 1), total: max(end, 1)))
        }
        let percent = now.done * 100 / max(1, now.total)
        if percent != self.percent { progress(now) }
        self.percent = percent
    }

    /// Adds a chunk of events to the survey.
    private func survey(_ gap: IndexGap) throws {
        let range = gap.surveyed + 1...min(gap.end, gap.surveyed + gap.chunkEvents)
        var (found, tracking): ([Int64], [TrackingSource: Tracking]) = ([], [:])
        try segments.forEachRecord(from: UInt64(range.lowerBound), through: UInt64(range.upperBound)) { record in
            if record.kind == .tracking {
                let progress = try record.tracking()
                tracking[progress.source] = progress
            } else {
                try keys.append(record, to: &found)
            }
            return true
        }
        filter.add(found)
        let chunk = IndexGap.Chunk(range, found)
        if range.upperBound == gap.end { filter.setSurveyed(true) }
        view.update { $0.gap?.add(chunk, tracking) }
    }

    /// Makes the entries of a part in memory ones of the gap, so that appends continue while the index is rebuilt.
    func take(_ part: IndexPart, through end: Int64) {
        let contents = part.contents.withLock { $0 }
        var (chunks, found): ([IndexGap.Chunk], [Int64]) = ([], [])
        var (first, size) = (part.start + 1, tuning.surveyedChunk)
        for entry in contents.tail.entries {
            while entry.position >= first + size {
                chunks.append(IndexGap.Chunk(first...first + size - 1, found))
                filter.add(found)
                (first, found) = (first + size, [])
            }
            found.append(entry.key)
        }
        filter.add(found)
        if first <= end { chunks.append(IndexGap.Chunk(first...end, found)) }
        view.update { view in
            guard view.parts.count > 1, view.parts.first === part else { return }
            view.parts.removeFirst()
            view.gap?.extend(chunks, through: end, contents.tracking)
        }
    }

    /// Writes the entries of the next events to the file.
    private func write(_ gap: IndexGap, _ writer: EntryWriter, _ pause: () throws -> Bool) throws {
        var gathered = Gathered(end: gap.end)
        try segments.forEachRecord(from: UInt64(gap.start) + 1, through: UInt64(gap.end)) { record in
            guard record.kind == .tracking || gathered.entries.count < tuning.rebuiltEntries else {
                gathered.end = Int64(record.position) - 1
                return false
            }
            try gathered.take(record, keys)
            if record.position % 16_384 == 0, try pause() { throw CancellationError() }
            return true
        }
        let id = try segments.record(at: UInt64(gathered.end)) { try $0.id }
        gathered.entries.sort(by: IndexEntry.isBefore)
        let isWritten = try writer.move(gathered.entries, by: tuning.movedSlice) { slice in
            if try pause() { return false }
            filter.add(slice)
            return true
        } finish: {
            try writer.finish(gathered.streams, gathered.tracking, through: gathered.end, id)
        }
        if !isWritten { throw CancellationError() }
        let end = gathered.end
        // Without a survey the batches have added all keys to the filter.
        if !gap.isSurveyed && end == gap.end { filter.setSurveyed(true) }
        view.update { view in
            view.gap?.shorten(to: end)
            if view.gap?.count == 0 { view.gap = nil }
        }
    }

    /// What records add to the index.
    private struct Gathered {
        var entries: [IndexEntry] = []
        var streams: Set<StreamID> = []
        var tracking: [TrackingSource: Tracking] = [:]
        var end: Int64
        private var scratch: [Int64] = []

        init(end: Int64) { self.end = end }

        mutating func take(_ record: RecordView, _ keys: LogKeys) throws {
            if record.kind == .tracking {
                let progress = try record.tracking()
                tracking[progress.source] = progress
                return
            }
            let position = Int64(clamping: record.position)
            scratch.removeAll(keepingCapacity: true)
            try keys.append(record, to: &scratch)
            for key in scratch { entries.append(IndexEntry(key: key, position: position)) }
            if record.revision == 1, let stream = try record.stream { streams.insert(stream) }
        }
    }
}

extension LogView {
    /// The progress of the rebuild of the index; `nil` if the index is complete.
    var progress: WorkProgress? {
        guard let gap else { return nil }
        let isSurvey = !gap.isSurveyed && gap.surveyed > gap.start
        return WorkProgress(
            step: isSurvey ? "survey" : "index", done: UInt64(clamping: isSurvey ? gap.surveyed : gap.start),
            total: UInt64(clamping: gap.end))
    }
}

extension RecordView {
    /// The stream of the event; `nil` without one.
    var stream: StreamID? {
        get throws {
            var stream: StreamID?
            try forEachName { kind, text in
                if kind == .stream { stream = StreamID(String(decoding: text, as: UTF8.self)) }
            }
            return stream
        }
    }
}

extension IndexPart {
    /// Adds the records of the log after the end of the part, up to a position.
    func take(_ segments: SegmentReader, through end: Int64, _ keys: LogKeys) throws {
        let start = contents.withLock { $0.tail.end }
        try takeEvents(segments, through: end, keys)
        try segments.forEachRecord(from: UInt64(clamping: start) + 1, through: UInt64(clamping: end)) { record in
            guard record.kind == .tracking else { return true }
            let progress = try record.tracking()
            contents.withLock { $0.tracking[progress.source] = progress }
            return true
        }
    }
}
