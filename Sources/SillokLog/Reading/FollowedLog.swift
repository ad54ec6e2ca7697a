import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokThreads

/// The log of a store that another process may write: the view of readers follows what that process has made durable.
final class FollowedLog: ViewSource {
    private struct State {
        /// The log; and the index file, for the position up to which it is complete, if there is one.
        let opened: Handover<(log: SegmentLog, index: Connection?)>
        var part: IndexPart
        /// The tracking records up to here are in the part.
        var tracked: Int64
    }

    private let state: Lock<State>
    private let segments: SegmentReader
    private let keys: LogKeys
    private let tuning: LogTuning

    /// - Parameter start: the position up to which the index file is complete.
    init(
        _ opened: Handover<(log: SegmentLog, index: Connection?)>, _ segments: SegmentReader, from start: Int64,
        _ keys: LogKeys, _ tuning: LogTuning
    ) {
        (self.segments, self.keys, self.tuning) = (segments, keys, tuning)
        let part = IndexPart(after: start, capacity: tuning.partEntries)
        state = Lock(State(opened: opened, part: part, tracked: start))
    }

    func view() throws -> LogView {
        try state.withLock { state in
            _ = try state.opened.value?.log.refresh()
            return LogView(head: Int64(clamping: segments.durableHead), parts: [state.part])
        }
    }

    /// Reads the events that neither the part nor the index file has. Without an index file these are all events, so
    /// it is done only for a reader that needs entries.
    func indexed(_ view: LogView) throws -> LogView {
        try state.withLock { state in
            try state.part.takeEvents(segments, through: view.head, keys)
            if state.part.count > 4 * tuning.partEntries { try shorten(&state) }
            return LogView(head: view.head, parts: [state.part])
        }
    }

    func updateTracking() throws {
        try state.withLock { state in
            let part = state.part
            let head = Int64(clamping: segments.durableHead)
            try segments.forEachRecord(
                from: UInt64(clamping: state.tracked) + 1, through: UInt64(clamping: head)
            ) { record in
                guard record.kind == .tracking else { return true }
                let progress = try record.tracking()
                part.contents.withLock { $0.tracking[progress.source] = progress }
                return true
            }
            state.tracked = head
        }
    }

    /// Drops the entries that the index file has by now.
    private func shorten(_ state: inout State) throws {
        guard let index = state.opened.value?.index, let found = try IndexFile.state(index),
            found.indexed > state.part.start
        else { return }
        let next = IndexPart(after: found.indexed, capacity: tuning.partEntries)
        let contents = state.part.contents.withLock { $0 }
        next.contents.withLock { new in
            for entry in contents.tail.entries where entry.position > found.indexed {
                new.tail.add(entry.key, entry.position)
            }
            // Names and positions that the file has as well do no harm.
            (new.streams, new.tracking) = (contents.streams, contents.tracking)
        }
        state.part = next
    }
}

extension IndexPart {
    /// Adds the events of the log after the end of the part, up to a position, without tracking records.
    func takeEvents(_ segments: SegmentReader, through end: Int64, _ keys: LogKeys) throws {
        let start = contents.withLock { $0.tail.end }
        guard start < end else { return }
        var scratch: [Int64] = []
        try segments.forEach(from: UInt64(clamping: start) + 1, through: UInt64(clamping: end)) { record in
            scratch.removeAll(keepingCapacity: true)
            try keys.append(record, to: &scratch)
            let position = Int64(clamping: record.position)
            let stream = record.revision == 1 ? try record.stream : nil
            contents.withLock { contents in
                for key in scratch { contents.tail.add(key, position) }
                if let stream { contents.streams.insert(stream) }
            }
            return true
        }
    }
}
