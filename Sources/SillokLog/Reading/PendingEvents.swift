import SillokCore
import SillokLogFormat
import SillokStorage

/// The events of the group that is being written: the thread that appends sees them, and no other reader does.
struct PendingEvents {
    /// The events of one append, from which a recorded event is made only if it is asked for.
    private struct Run {
        let append: PreparedAppend
        let stamps: [EventStamp]
        /// The last position before them.
        let start: Int64
    }

    /// The last position before the group.
    let start: Int64
    private var runs: [Run] = []

    init(after start: Int64) { self.start = start }

    /// Adds the events of an append, which follow those of the one before it.
    mutating func append(_ append: PreparedAppend, _ stamps: [EventStamp], after start: Int64) {
        if !stamps.isEmpty { runs.append(Run(append: append, stamps: stamps, start: start)) }
    }

    /// Returns the event at a position; `nil` if it is not one of the group.
    func event(at position: Int64) -> RecordedEvent? {
        guard let (run, index) = place(of: position) else { return nil }
        let (request, stamp) = (run.append.request, run.stamps[index])
        let entry = request.entries[index]
        return RecordedEvent(
            position: Position(UInt64(clamping: position)), stream: entry.stream, revision: Revision(stamp.revision),
            recordedAt: Timestamp(microsecondsSince1970: stamp.recorded), tracking: request.tracking?.withoutEvent,
            data: entry.event)
    }

    /// Returns when the event at a position is recorded; `nil` if it is not one of the group.
    func recorded(at position: Int64) -> Int64? {
        place(of: position).map { run, index in run.stamps[index].recorded }
    }

    private func place(of position: Int64) -> (run: Run, index: Int)? {
        guard position > start else { return nil }
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].start < position { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let (run, index) = (runs[low - 1], Int(position - runs[low - 1].start) - 1)
        return index < run.stamps.count ? (run, index) : nil
    }
}
