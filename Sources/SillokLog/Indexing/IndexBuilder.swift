import SillokCore
import SillokSegments
import SillokStorage

/// Fills the index file with the entries of a range of the log, when the store is opened: after the file was lost, or
/// when it is far behind.
struct IndexBuilder {
    private let writer: EntryWriter
    private let segments: SegmentReader
    private let keys: LogKeys
    private let batch: Int

    /// - Parameter batch: the number of entries that are sorted together.
    init(_ writer: EntryWriter, _ segments: SegmentReader, _ keys: LogKeys, batch: Int) {
        (self.writer, self.segments, self.keys, self.batch) = (writer, segments, keys, batch)
    }

    /// Adds the events after one position up to another.
    func add(after start: Int64, through end: Int64, _ progress: (WorkProgress) -> Void) throws {
        var gathered = Gathered()
        try segments.forEachRecord(from: UInt64(clamping: start) + 1, through: UInt64(clamping: end)) { record in
            try gathered.take(record, keys)
            guard record.kind == .event, gathered.entries.count >= batch else { return true }
            try write(&gathered)
            progress(WorkProgress(step: "index", done: record.position, total: UInt64(clamping: end)))
            return true
        }
        gathered.end = end
        if gathered.id == nil, end > 0 { gathered.id = try segments.record(at: UInt64(clamping: end)) { try $0.id } }
        try write(&gathered)
        progress(WorkProgress(step: "index", done: UInt64(clamping: end), total: UInt64(clamping: end)))
    }

    private func write(_ gathered: inout Gathered) throws {
        gathered.entries.sort(by: IndexEntry.isBefore)
        try writer.committing {
            try writer.write(gathered.entries[...])
            try writer.finish(gathered.streams, gathered.tracking, through: gathered.end, gathered.id)
        }
        gathered = Gathered()
    }

    /// What records add to the index.
    private struct Gathered {
        var entries: [IndexEntry] = []
        var streams: Set<StreamID> = []
        var tracking: [TrackingSource: Tracking] = [:]
        var end: Int64 = 0
        var id: EventID?
        private var scratch: [Int64] = []

        mutating func take(_ record: RecordView, _ keys: LogKeys) throws {
            if record.kind == .tracking {
                let progress = try record.tracking()
                tracking[progress.source] = progress
                return
            }
            end = Int64(clamping: record.position)
            id = try record.id
            scratch.removeAll(keepingCapacity: true)
            try keys.append(record, to: &scratch)
            for key in scratch { entries.append(IndexEntry(key: key, position: end)) }
            if record.revision == 1, let stream = try record.stream { streams.insert(stream) }
        }
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
